"""How to evaluate. Imports no torch."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import msgspec

from genzoo_core import Config

LAYOUT = "uint8 [N, H, W, C]"
"""How pictures lie in an .npz file."""

FEWEST = 50
"""Images below which a distribution cannot be spoken of."""


class Settings(Config):
    """How to evaluate.

    Attributes:
        n: Number of images without a prompt, and of those of all classes together.
        options: The model's options by name; what is named after one of its conditioners is a
            condition.
        conditions: Values of conditioners other than the first, by name.
        costs: Measure speed and memory as well, which takes processes of their own.
    """

    n: Annotated[int, msgspec.Meta(ge=FEWEST)] = 10_000
    seed: int = 0
    options: dict[str, Any] = {}
    conditions: dict[str, str] = {}
    nets: tuple[str, ...] = ()
    costs: bool = True


def command_of(subject: str, settings: Settings, reference: str = "") -> str:
    """The command that measures a subject again, as a shell reads it."""
    words = ["genzoo", "eval", f"./{subject}" if subject.startswith("-") else subject]
    words += ["--reference", reference] if reference else []
    words += ["-n", str(settings.n)] if settings.n != Settings().n else []
    words += ["--seed", str(settings.seed)] if settings.seed else []
    pairs = {**settings.options, **settings.conditions}
    words += [word for name, value in pairs.items() for word in ("--set", f"{name}={value}")]
    words += [word for name in settings.nets for word in ("--net", name)]
    return shlex.join([*words, "--data", "DIR"])
