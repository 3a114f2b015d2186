"""A report as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genzoo_core.table import wrapped
from genzoo_eval.keys import KEYS, format_value, over_floor
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_store import ships

BELOW_FLOOR = (
    "nearer to real pictures than other real ones are: this net sees no fault in them; look at "
    "the pictures, at their sharpness and for copies"
)
"""What a distance below its floor means."""

LEARNT = (
    "nearer to real pictures than other real ones are, for many are copies of training pictures: "
    "it has learnt them by heart"
)
"""What it means where many of the pictures are copies."""

MANY = 0.1
"""Share of the pictures that are copies, beyond that of unseen real ones, which are many."""

ARROWS = {"lower": "↓", "higher": "↑"}

NARROWEST = 20
"""Columns of the narrowest column of titles."""


def lines(report: Report, room: int | None = None) -> Iterator[str]:
    """The report for a terminal: a line for each figure, those of a feature net together.

    Of `room` columns, long titles go on in a second line.
    """
    made = f", n = {report.n:,}" if report.n else ""
    yield f"{report.subject.name} against {report.dataset}{made}"
    settings = [*_options(report.subject.options), *report.subject.conditions.items()]
    if settings:
        yield "  " + ", ".join(f"{name}={value}" for name, value in settings)
    yield from report.notes
    nets = dict.fromkeys(figure.net for figure in report.figures)
    for net in sorted(nets, key=bool, reverse=True):
        yield ""
        yield f"in the features of {net}" if net else "of the images and of the model"
        cells = [_with_arrow(figure) for figure in report.figures if figure.net == net]
        for line in _within(list(aligned(cells, right=False)), cells, room):
            yield f"  {line}"
        distance = report.figure("fd", net) if net else None
        if distance is not None:
            copies = report.figure("memorised", net)
            yield from below_floor(distance.value, distance.floor, copies)
    for key, values in report.tables.items():
        yield ""
        shares = [f"{100 * value:.1f} %" for value in values]
        if names := report.classes.get(key):
            shares = [f"{name} {share}" for name, share in zip(names, shares, strict=True)]
        order = "" if names else ", in their order"
        yield from wrapped(f"{key.replace('_', ' ')}{order}: {', '.join(shares)}", "", "  ")
    yield ""
    yield "↓ lower is better, ↑ higher; ±: standard error"
    yield "floor: what as many real pictures have"
    if ships(report):
        but = ", all but speed and memory," if report.machine else ""
        yield f"these figures{but} ship with genzoo; --again measures them here"
    if report.machine:
        yield f"speed on {report.machine}"
    yield f"measured by: {report.command}"


def _with_arrow(figure: Figure) -> tuple[str, ...]:
    """The cells of a figure, its title with which way is better."""
    title, *rest = figure_cells(figure)
    key = KEYS.get(figure.key)
    return (f"{title} {ARROWS[key.better]}" if key and key.better else title, *rest)


def below_floor(value: float, floor: float | None, copies: Figure | None) -> list[str]:
    """What it means that a distance lies below its floor, in a line; none where it does not."""
    if floor is None or value >= floor:
        return []
    learnt = copies is not None and copies.value >= (copies.floor or 0.0) + MANY
    return [LEARNT if learnt else BELOW_FLOOR]


def _within(
    whole: Sequence[str], cells: Sequence[tuple[str, ...]], room: int | None
) -> Iterator[str]:
    """The aligned lines of cells, or, where those are too wide, with their titles broken."""
    over = max(map(len, whole)) + 2 - room if room is not None else 0
    longest = max(len(title) for title, *_ in cells)
    if over <= 0 or longest - over < NARROWEST:
        yield from whole
        return
    import textwrap

    broken = [
        textwrap.wrap(title, longest - over, subsequent_indent="  ", break_on_hyphens=False)
        for title, *_ in cells
    ]
    rows = [(first, *row[1:]) for (first, *_), row in zip(broken, cells, strict=True)]
    for line, (_, *rest) in zip(aligned(rows, right=False), broken, strict=True):
        yield line
        yield from rest


def _options(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Options as `--set` takes them: of a component that is chosen, its name, then its fields."""
    for name, value in options.items():
        if isinstance(value, Mapping) and "component" in value:
            yield name, value["component"]
            yield from ((f"{name}.{key}", inner) for key, inner in value["config"].items())
        elif value is not None:  # what is left out means what `genzoo info` says
            yield name, value


def aligned(rows: Sequence[Sequence[str]], *, right: bool = True) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right or the left as well."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = zip(rest, widths[1:], strict=True)
        texts = (cell.rjust(w) if right else cell.ljust(w) for cell, w in cells)
        yield "  ".join([first.ljust(widths[0]), *texts]).rstrip()


def figure_cells(figure: Figure) -> tuple[str, str, str, str, str]:
    """Title, value, spread, floor, and the value as a multiple of the floor, as text."""
    spread = "" if figure.spread is None else f"± {format_value(figure.key, figure.spread)}"
    beside = "real" if figure.key in CEILINGS else "floor"
    floor = "" if figure.floor is None else f"{beside} {format_value(figure.key, figure.floor)}"
    times = over_floor(figure.value, figure.floor) if figure.key in MULTIPLES else None
    multiple = "" if times is None else f"{times:.3g}×"
    title = KEYS[figure.key].title if figure.key in KEYS else figure.key
    return title, format_value(figure.key, figure.value), spread, floor, multiple


RECALLS = ("r1_seen", "r10_seen", "r10_rarer", "r1_held_out", "r10_held_out")

MULTIPLES = ("fd", "kid", "sharpness", *RECALLS)
"""Figures that are shown as multiples of what real images have."""

CEILINGS = (*RECALLS, "composed", "style")
"""Figures of which real images have more than can be expected, not less."""
