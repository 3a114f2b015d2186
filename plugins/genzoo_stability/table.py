"""The results as text. Imports no torch."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from genzoo_eval.api import aligned, format_value
from genzoo_stability.results import StabilityResults, Summary

HEADER = (
    "trained",
    "steps",
    "failed",
    "other rates",
    "varies",
    "rate",
    "wobble",
    "FD",
    "KID",
    "coverage",
    "sharpness",
    "copy error",
    "images/s",
)


def lines(results: StabilityResults) -> Iterator[str]:
    """The table, its legend and the claims, line by line."""
    floor = ["real images", *[""] * 6, *(_figures(results.floor))]
    yield from aligned([HEADER, *map(_cells, results.summaries), floor])
    yield ""
    yield from LEGEND
    yield (
        f"{results.seconds:g} CPU seconds of one thread a training; figures of "
        f"{results.n:,} images, features of {results.judge}."
    )
    yield ""
    for claim in results.claims:
        yield f"{claim.verdict:<15}  {claim.claim}"
        yield from _indented(claim.figures)
        yield from _indented(f"by: {claim.decided}")


LEGEND = (
    "failed: at the recipe's own learning rate, and at a third and three times of it: diverged,",
    "or far from the others of its kind (FD over 3 times the median, coverage under half of it,",
    "classes 20 % off; of the autoencoder its copy error alone); varies: coefficient of variation",
    "of KID (of the copy error, for the autoencoder) over seeds; rate: worst over best median of",
    "the three rates; wobble: of FD over the last checkpoints.",
)


def _indented(text: str) -> list[str]:
    indent = " " * 17
    return textwrap.wrap(text, 100, initial_indent=indent, subsequent_indent=indent)


def _cells(summary: Summary) -> list[str]:
    return [
        summary.variant,
        f"{summary.steps:,}",
        f"{summary.failed_seeds} of {summary.seeds}",
        f"{summary.failed - summary.failed_seeds} of {summary.runs - summary.seeds}",
        _percent(summary.cv),
        "–" if summary.sensitivity is None else f"×{summary.sensitivity:.2f}",
        _percent(summary.wobble),
        *_figures(summary.medians),
    ]


def _figures(figures: dict[str, float]) -> list[str]:
    keys = ("fd", "kid", "coverage", "sharpness", "reconstruction_mse")
    cells = [format_value(key, figures[key]) if key in figures else "" for key in keys]
    rate = figures.get("images_per_second")
    return [*cells, "" if rate is None else f"{rate:,.0f}"]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
