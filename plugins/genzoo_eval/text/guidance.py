"""What guidance does, as a curve: a report for each scale. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from genzoo_core.errors import UsageError
from genzoo_eval.keys import KEYS, format_value, over_floor
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_text import aligned

OPTION = "guidance"

KEYS_OF_CURVE = ("fd", "recall", "accuracy", "r10_seen", "r10_held_out", "composed")
"""Figures of the curve: what guidance is paid for with, and what it buys."""


def scales(text: str) -> tuple[float, ...]:
    """The scales that a text names: "1,1.5,2". Refuses one that stands twice."""
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--guidance-curve {text!r} is no list of numbers", "as in 1,1.5,2,3"
        ) from None
    if len(set(found)) < len(found):
        raise UsageError(f"--guidance-curve {text!r} names a scale twice")
    return found


def lines(reports: Sequence[Report]) -> Iterator[str]:
    """The curve for a terminal: a column for each scale, a line for each figure, distances as
    multiples of their floor."""
    first = reports[0]
    yield f"{first.subject.name} against {first.dataset}, n = {first.n:,}, by guidance"
    rows = [["", *(f"{report.subject.options[OPTION]:g}" for report in reports)]]
    for key in KEYS_OF_CURVE:
        nets = dict.fromkeys(figure.net for figure in first.figures if figure.key == key)
        for net in nets:
            found = [report.figure(key, net) for report in reports]
            title = KEYS[key].title + (" ÷ floor" if key == "fd" else "")
            rows.append([f"{title} ({net})" if net else title, *map(_cell, found)])
    yield from aligned(rows)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    if figure.key != "fd":
        return format_value(figure.key, figure.value)
    times = over_floor(figure.value, figure.floor)
    return format_value("fd", figure.value) if times is None else f"{times:.3g}×"
