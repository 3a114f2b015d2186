"""A report as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genzoo_eval.keys import KEYS, format_value
from genzoo_eval.report import Figure, Report


def lines(report: Report) -> Iterator[str]:
    """The report for a terminal: a line for each figure, those of a feature net together."""
    made = f", n = {report.n:,}" if report.n else ""
    yield f"{report.subject.name} against {report.dataset}{made}"
    settings = [*_options(report.subject.options), *report.subject.conditions.items()]
    if settings:
        yield "  " + ", ".join(f"{name}={value}" for name, value in settings)
    nets = dict.fromkeys(figure.net for figure in report.figures)
    for net in sorted(nets, key=bool, reverse=True):
        yield ""
        yield f"in the features of {net}" if net else "of the images and of the model"
        yield from _columns([f for f in report.figures if f.net == net])
    for key, values in report.tables.items():
        yield ""
        yield f"{key.replace('_', ' ')}: " + " ".join(f"{100 * value:.1f}" for value in values)
    yield ""
    if report.machine:
        yield f"speed on {report.machine}"
    yield report.command


def _options(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Options as `--set` takes them: of a component that is chosen, its name, then its fields."""
    for name, value in options.items():
        if isinstance(value, Mapping) and "component" in value:
            yield name, value["component"]
            yield from ((f"{name}.{key}", inner) for key, inner in value["config"].items())
        else:
            yield name, value


def _columns(figures: list[Figure]) -> Iterator[str]:
    rows = [figure_cells(figure) for figure in figures]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()


def figure_cells(figure: Figure) -> tuple[str, str, str, str, str]:
    """Title, value, spread, floor, and the value as a multiple of the floor, as text."""
    spread = "" if figure.spread is None else f"± {format_value(figure.key, figure.spread)}"
    beside = "real" if figure.key in CEILINGS else "floor"
    floor = "" if figure.floor is None else f"{beside} {format_value(figure.key, figure.floor)}"
    multiple = ""
    if figure.key in MULTIPLES and figure.floor is not None and figure.floor > 0:
        multiple = f"{figure.value / figure.floor:.3g}×"
    title = KEYS[figure.key].title if figure.key in KEYS else figure.key
    return title, format_value(figure.key, figure.value), spread, floor, multiple


RECALLS = ("r1_seen", "r10_seen", "r10_rarer", "r1_held_out", "r10_held_out")

MULTIPLES = ("fd", "kid", *RECALLS)
"""Figures that are shown as multiples of what real images have."""

CEILINGS = (*RECALLS, "composed", "style")
"""Figures of which real images have more than can be expected, not less."""
