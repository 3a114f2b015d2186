"""What `genzoo stability` found, as a part of a comparison."""

from __future__ import annotations

from genzoo_eval.comparing.comparison import Claim, Stability, Steadiness
from genzoo_eval.stability.results import StabilityResults, Summary


def as_stability(results: StabilityResults) -> Stability:
    """The results as they are shown, without their single trainings."""
    return Stability(
        rows=tuple(_row(summary) for summary in results.summaries),
        claims=tuple(Claim(c.claim, c.verdict, c.figures, c.decided) for c in results.claims),
        protocol=(
            "Small nets of comparable cost, trained again and again with other seeds and learning "
            f"rates, {results.seconds:g} CPU seconds each; n = {results.n:,} pictures of each, in "
            f"the features of {results.judge}."
        ),
        command=results.command,
    )


def _row(summary: Summary) -> Steadiness:
    return Steadiness(
        summary.variant,
        summary.family,
        summary.failed,
        summary.runs,
        (
            ("Variation between seeds", _share(summary.cv)),
            ("Worst ÷ best learning rate", _times(summary.sensitivity)),
            ("Wobble of the last checkpoints", _share(summary.wobble)),
        ),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}×"
