"""The results of the stability protocol, as data. Imports no torch."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from genzoo_core import Config
from genzoo_core.errors import DataError

SHIPPED = Path(__file__).parent / "results"
"""Folder of the results that were measured once and ship with the package."""

Judged = Literal["fd", "reconstruction_mse"]
Verdict = Literal["holds", "does not hold", "not measured"]


class Row(Config, omit_defaults=True):
    """One checkpoint of one training.

    Attributes:
        figures: What was measured, by the keys that `genzoo eval` uses; empty where it failed.
        failed: Why the training ended before its end, or None.
    """

    run: str
    variant: str
    rate: float
    seed: int
    step: int
    total: int
    figures: dict[str, float] = {}
    failed: str | None = None

    @property
    def last(self) -> bool:
        """Whether no checkpoint comes after it."""
        return self.failed is not None or self.step == self.total


class Summary(Config):
    """How steadily one variant trains. None stands for what could not be computed.

    Attributes:
        judged_by: The figure that wobble, rate sensitivity and outliers are taken of: the
            Fréchet distance of its pictures; for what is not generative, its reconstruction error.
        seeds: Those of them at the recipe's own rate.
        reasons: How many failed for each reason; one can have several.
        cv: Coefficient of variation over these seeds, of the kernel distance; of the
            reconstruction error for what is judged by it.
        by_rate: Median of `judged_by` at the end for each rate; None where more than half diverged.
        wobble: Standard deviation of `judged_by` over the last checkpoints, relative to their
            mean; median over the seeds.
        failed_seeds: Those of the failed trainings at the recipe's own rate.
    """

    variant: str
    family: str
    judged_by: Judged
    runs: int
    seeds: int
    steps: int
    failed: int
    reasons: dict[str, int]
    medians: dict[str, float]
    cv: float | None
    by_rate: dict[str, float | None]
    sensitivity: float | None
    wobble: float | None
    checkpoints: int
    failed_seeds: int = 0

    @property
    def failed_share(self) -> float | None:
        """Failed trainings among all, in [0, 1]; None where there are none."""
        return self.failed / self.runs if self.runs else None


class Starved(Config):
    """What a generator learns from a discriminator that was trained alone.

    Attributes:
        margin: Mean output on real images less that on generated ones, logits.
        gradient: Norm of the gradient of the generator's loss in its parameters, mean over
            batches.
    """

    loss: str
    seed: int
    steps: int
    margin: float
    gradient: float


class Claim(Config):
    """What tutorials say, and whether the figures agree."""

    claim: str
    verdict: Verdict
    figures: str
    decided: str


class StabilityResults(Config):
    """The protocol's results, whole.

    Attributes:
        seconds: CPU seconds of one thread for each training.
    """

    dataset: str
    seconds: float
    n: int
    judge: str
    judge_sha256: str
    floor: dict[str, float]
    summaries: tuple[Summary, ...]
    claims: tuple[Claim, ...]
    starving: tuple[Starved, ...]
    rows: tuple[Row, ...]
    command: str = ""
    versions: dict[str, str] = {}


@cache
def load_shipped(dataset: str) -> StabilityResults | None:
    """The results for a dataset that ship with the package; None where there are none."""
    path = SHIPPED / f"stability-{dataset}.json"
    return load(path) if path.is_file() else None


def load(path: Path) -> StabilityResults:
    """Read results.

    Raises:
        DataError: The file is not well-formed.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=StabilityResults)
    except msgspec.MsgspecError as error:
        raise DataError(f"{path} holds no stability results: {error}") from error
