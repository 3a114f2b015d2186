"""What `genzoo stability` found, as a part of a comparison."""

from __future__ import annotations

from genzoo_stability.api import StabilityResults, Summary

REASONS = {
    "diverged": "diverged",
    "far": "far from the others",
    "thin": "little coverage",
    "lopsided": "classes 20 % off",
}
"""Why trainings fail, in words; `genzoo stability` says when they do."""


def verdict(row: Summary) -> str:
    """How many of the trainings failed."""
    if not 0 < row.seeds < row.runs:
        return f"{row.failed} of {row.runs} trainings failed"
    others = f"{row.failed - row.failed_seeds} of {row.runs - row.seeds} at other rates"
    return f"{row.failed_seeds} of {row.seeds} trainings failed, {others}"


def family_verdict(results: StabilityResults | None, family: str) -> str:
    """The verdict on the row that is called after a family, or else on the first of it."""
    rows = [row for row in results.summaries if row.family == family] if results else []
    rows.sort(key=lambda row: row.variant != family)
    return verdict(rows[0]) if rows else "not measured"


def figures(row: Summary) -> tuple[tuple[str, str], ...]:
    """Title and value of what else was measured, as text; the same titles for each row."""
    rates = row.sensitivity
    reasons = (f"{REASONS.get(name, name)} ({count})" for name, count in row.reasons.items())
    return (
        ("Why", ", ".join(reasons) or "–"),
        ("Variation between seeds", _share(row.cv)),
        ("Worst ÷ best learning rate", "–" if rates is None else f"{rates:.3g}×"),
        ("Wobble of the last checkpoints", _share(row.wobble)),
    )


def protocol(results: StabilityResults) -> str:
    """How it was measured, and how to read the column of failures."""
    return (
        "Small nets of comparable cost, trained again and again with other seeds and learning "
        f"rates, {results.seconds:g} CPU seconds each; n = {results.n:,} pictures of each, in "
        f"the features of {results.judge}. Autoencoders fail by their reconstructions alone, all "
        "others by their pictures: at a third of the learning rate, being behind counts as well."
    )


def as_data(results: StabilityResults) -> dict[str, object]:
    """The results without their single trainings."""
    return {
        "rows": [
            {
                "title": row.variant,
                "family": row.family,
                "failed": row.failed,
                "runs": row.runs,
                "figures": figures(row),
                "seeds": row.seeds,
                "failed_seeds": row.failed_seeds,
            }
            for row in results.summaries
        ],
        "claims": [
            {"text": c.claim, "verdict": c.verdict, "evidence": c.figures, "rule": c.decided}
            for c in results.claims
        ],
        "protocol": protocol(results),
        "command": results.command,
    }


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"
