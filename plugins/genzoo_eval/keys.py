"""The figures that there are: their names, units, and which way is better. Imports no torch."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec


class Key(msgspec.Struct, frozen=True):
    """What a figure means, as `keys.toml` says it under the figure's key.

    Attributes:
        unit: Of the value, or "" for a plain number; "%" for shares, which are stored as 0..1.
        better: Whether a lower or a higher value is better, or "" where neither is.
    """

    title: str
    meaning: str
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""


_FILE = Path(__file__).with_name("keys.toml")
KEYS = msgspec.convert(tomllib.loads(_FILE.read_text(encoding="utf-8")), dict[str, Key])
"""By `Figure.key`, in the order in which they are shown."""


def over_floor(value: float, floor: float | None) -> float | None:
    """A value as a multiple of its floor; None where that says nothing: a kernel distance is an
    estimate that can lie below 0, and so can its floor."""
    return value / floor if floor is not None and floor > 0 and value >= 0 else None


def format_value(key: str, value: float) -> str:
    """A value with its unit, in as many digits as carry meaning; of a key of another version or
    plugin, a plain number."""
    unit = KEYS[key].unit if key in KEYS else ""
    if unit == "%":
        return f"{100 * value:.1f} %"
    digits = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()
