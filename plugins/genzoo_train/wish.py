"""What somebody wants of his own pictures, and how he says how long it may take."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.manifest import Name
from genzoo_core.recipe import folder_name

SLOWER = 1.2
"""How much slower than it was timed the machine may be another time."""

LONG, MEASURING = 600.0, 180.0
"""Seconds of a training from which on measuring the model is a part of it, and of that part."""

UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_time(text: str) -> float:
    """`45m`, `90s` or `1.5h` in seconds.

    Raises:
        UsageError: It is none of these, or no time at all.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smh])", text.strip().lower())
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not seconds:
        raise UsageError(f"{text!r} is no time", "write 90s, 45m or 1.5h")
    return seconds


def enough_time(seconds: float) -> str:
    """A time as `parse_time` reads it that so many seconds surely fit into: `40s`, `3m`."""
    seconds *= SLOWER
    if seconds <= 90:
        return f"{10 * ceil(seconds / 10)}s"
    minutes = ceil(seconds / 60)
    return f"{minutes if 60 * minutes < LONG else ceil(minutes + MEASURING / 60)}m"


@dataclass(frozen=True)
class Wish:
    """What somebody wants of his own pictures.

    Attributes:
        family: Name of a recipe template.
        folder: Where the pictures lie.
        name: Name of the model; of the family and the folder where None.
        size: Pixels of the longer side; see `genzoo_data.api.propose`.
        columns: What the data call the columns that recipes call otherwise.
        seconds: How long the training may take.
        steps: Steps of all stages, in place of the time.
        device: Where it is trained.
        start: A model whose network and weights it begins from; "" for a fresh one.
        part: Share of the whole training that this is.
    """

    family: str
    folder: Path
    name: str | None
    size: int | None
    columns: Mapping[str, str]
    seconds: float
    steps: int | None
    device: str
    start: str = ""
    part: float = 1.0

    @property
    def model(self) -> str:
        """Name of the model.

        Raises:
            UsageError: It is none.
        """
        folder = folder_name(self.folder.resolve().name)
        return _checked(self.name or f"{self.family.rpartition('/')[2]}-{folder}")

    @property
    def allowed(self) -> float:
        """The time that was allowed, in seconds; 0 where steps were chosen."""
        return 0.0 if self.steps else self.seconds

    @property
    def to_train(self) -> Wish:
        """The same without the time for measuring, where the whole is long enough for that."""
        measured = self.allowed >= LONG
        return dataclasses.replace(self, seconds=self.seconds - MEASURING) if measured else self

    def share(self, share: float) -> Wish:
        """The same, in a share of the time."""
        steps = None if self.steps is None else max(1, round(share * self.steps))
        return dataclasses.replace(
            self, seconds=share * self.seconds, steps=steps, part=share * self.part
        )


def _checked(name: str) -> str:
    try:
        return msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{name!r} is no name of a model: small letters, digits, '.', '_', '-'"
        ) from error
