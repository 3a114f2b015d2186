"""What `genzoo stability` found, as a part of a comparison."""

from __future__ import annotations

from genzoo_eval.comparing.comparison import Claim, Stability, Steadiness
from genzoo_stability.api import StabilityResults, Summary

JUDGED = (
    "Autoencoders fail by their reconstructions alone, all others by their pictures: at a third of "
    "the learning rate, being behind counts as well."
)
"""What must be known to read the column of failures."""


def as_stability(results: StabilityResults) -> Stability:
    """The results as they are shown, without their single trainings."""
    return Stability(
        rows=tuple(_row(summary) for summary in results.summaries),
        claims=tuple(Claim(c.claim, c.verdict, c.figures, c.decided) for c in results.claims),
        protocol=(
            "Small nets of comparable cost, trained again and again with other seeds and learning "
            f"rates, {results.seconds:g} CPU seconds each; n = {results.n:,} pictures of each, in "
            f"the features of {results.judge}. {JUDGED}"
        ),
        command=results.command,
    )


def _row(summary: Summary) -> Steadiness:
    return Steadiness(
        title=summary.variant,
        family=summary.family,
        failed=summary.failed,
        runs=summary.runs,
        seeds=summary.seeds,
        failed_seeds=summary.failed_seeds,
        figures=(
            ("Why", _reasons(summary)),
            ("Variation between seeds", _share(summary.cv)),
            ("Worst ÷ best learning rate", _times(summary.sensitivity)),
            ("Wobble of the last checkpoints", _share(summary.wobble)),
        ),
    )


REASONS = {
    "diverged": "diverged",
    "far": "far from the others",
    "thin": "little coverage",
    "lopsided": "classes 20 % off",
}
"""Reasons to fail, in words; `genzoo_stability.summary.failures` says when."""


def _reasons(summary: Summary) -> str:
    told = (f"{REASONS.get(name, name)} ({count})" for name, count in summary.reasons.items())
    return ", ".join(told) or "–"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}×"
