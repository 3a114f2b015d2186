"""Which trainings the protocol consists of. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from genzoo_core import Config
from genzoo_core.recipe import Recipe
from genzoo_stability.results import Judged, Row

DATASET = "mnist"
"""What the recipes train on."""

RECIPES = Path(__file__).parent / "recipes"


class Variant(msgspec.Struct, frozen=True):
    """What is trained many times over."""

    name: str
    family: str
    judged_by: Judged = "fd"
    options: dict[str, Any] = {}

    @property
    def recipe(self) -> Path:
        """Its recipe's file."""
        return RECIPES / f"{self.name}.toml"


VARIANTS = {
    variant.name: variant
    for variant in (
        # It does not learn to decode N(0, I), so it is judged by its reconstructions.
        Variant("autoencoder", "autoencoder", "reconstruction_mse", {"prior": "standard-normal"}),
        Variant("vae", "vae", options={"prior": "standard-normal"}),
        Variant("gan-classic", "gan"),
        Variant("gan", "gan"),
        Variant("diffusion", "diffusion"),
    )
}
"""By name, in the order in which they are printed."""


class Settings(Config):
    """What all trainings have in common. The defaults are the protocol in full.

    Attributes:
        seconds: CPU seconds of one thread for each training.
        seeds: Seeds at the recipe's own rate: 0, 1, ….
        checkpoints: Where trainings at the recipe's own rate are measured, as shares of their
            steps; the others are measured at the end alone.
        pretraining: Steps of the generator that it is trained against.
    """

    dataset: str
    judge: str
    judge_sha256: str = ""
    seconds: float = 120.0
    n: int = 2000
    seeds: int = 5
    rates: tuple[float, ...] = (1 / 3, 3.0)
    rate_seeds: int = 2
    checkpoints: tuple[float, ...] = (0.6, 0.7, 0.8, 0.9, 1.0)
    starving: tuple[int, ...] = (10, 30, 100, 300, 1000)
    starving_seeds: int = 3
    pretraining: int = 500


QUICK: dict[str, Any] = {
    "seconds": 4.0,
    "n": 256,
    "seeds": 2,
    "rate_seeds": 1,
    "checkpoints": (0.5, 1.0),
    "starving": (3, 30),
    "starving_seeds": 1,
    "pretraining": 10,
}
"""What `--quick` changes: enough to see that all of it works, too little to conclude from."""


class Run(msgspec.Struct, frozen=True):
    """One training.

    Attributes:
        marks: Steps at which it is measured; the last is its length.
    """

    variant: str
    rate: float
    seed: int
    marks: tuple[int, ...]

    @property
    def name(self) -> str:
        """Unique among the runs of a protocol."""
        return f"{self.variant}-rate{self.rate:.3g}-seed{self.seed}"

    @property
    def total(self) -> int:
        """Its length in steps."""
        return self.marks[-1]


def plan_runs(variant: str, total: int, settings: Settings) -> tuple[Run, ...]:
    """The trainings of a variant."""
    marks = sorted({max(1, round(share * total)) for share in settings.checkpoints} | {total})
    own = [Run(variant, 1.0, seed, tuple(marks)) for seed in range(settings.seeds)]
    others = [
        Run(variant, rate, seed, (total,))
        for rate in settings.rates
        for seed in range(settings.rate_seeds)
    ]
    return (*own, *others)


def next_mark(run: Run, rows: Collection[Row]) -> int | None:
    """The next checkpoint of a run to be measured; None where it came to its end."""
    own = [row for row in rows if row.run == run.name]
    if any(row.failed is not None for row in own):
        return None
    measured = {row.step for row in own}
    return next((mark for mark in run.marks if mark not in measured), None)


def overrides(run: Run, recipe: Recipe) -> list[str]:
    """What a run changes in its recipe, as `genzoo train --set` has it."""
    changed: dict[str, float] = {"seed": run.seed, "stages.0.steps": run.total}
    for name, phase in recipe.stages[0].phases.items():
        changed[f"stages.0.phases.{name}.lr"] = phase.lr * run.rate
        changed[f"stages.0.phases.{name}.final_lr"] = phase.final_lr * run.rate
    return [f"{field}={value!r}" for field, value in changed.items()]
