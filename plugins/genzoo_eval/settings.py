"""How to evaluate. Imports no torch."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import msgspec

from genzoo_core import Config
from genzoo_eval.datasets import Measured

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


def command_of(subject: str, settings: Settings, dataset: Measured, own: str = "") -> str:
    """The command that measures a subject again, as a shell reads it.

    Args:
        subject: A model, or pictures.
        settings: How it was measured.
        dataset: What it was measured with.
        own: The dataset that the subject names itself.
    """
    words = ["genzoo", "eval", f"./{subject}" if subject.startswith("-") else subject]
    words += ["--reference", dataset] if isinstance(dataset, str) and dataset != own else []
    words += ["-n", str(settings.n)] if settings.n != Settings().n else []
    words += ["--seed", str(settings.seed)] if settings.seed else []
    pairs = {**settings.options, **settings.conditions}
    words += [word for name, value in pairs.items() for word in ("--set", f"{name}={value}")]
    words += [word for name in settings.nets for word in ("--net", name)]
    if isinstance(dataset, str):
        return shlex.join([*words, "--data", "DIR"])
    pairs = dataset.recipe.columns
    words += [word for name, value in pairs.items() for word in ("--column", f"{name}={value}")]
    return shlex.join([*words, "--data", str(dataset.folder)])
