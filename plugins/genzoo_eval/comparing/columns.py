"""The table's columns: what stands in each cell, and which is best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from genzoo_eval.comparing.comparison import Comparison, Measured, Row, can_run, ratio, usable
from genzoo_eval.keys import KEYS, format_value
from genzoo_eval.report import Figure, Report

WIDE = ("coverage", "reconstruction_mse", "flops")
"""Keys of the columns that a terminal has no room for."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: The figure's key.
        net: The feature net that it was measured in, or "".
        over_floor: Whether it is shown as a multiple of its floor.
        net_title: What the net is called in the title, or "".
    """

    key: str
    net: str = ""
    over_floor: bool = False
    net_title: str = ""

    @property
    def title(self) -> str:
        """The field's term."""
        return KEYS[self.key].title + (" ÷ floor" if self.over_floor else "")

    @property
    def unit(self) -> str:
        """The unit, where it stands in the title and not in the cells."""
        unit = KEYS[self.key].unit
        return "" if unit == "%" or self.over_floor else unit

    def figure(self, report: Report) -> Figure | None:
        """The figure that this column shows."""
        return report.figure(self.key, self.net)

    def value(self, report: Report) -> Measured | None:
        """The value as it is shown, with its spread."""
        figure = self.figure(report)
        if figure is None or (self.over_floor and not figure.floor):
            return None
        return ratio(figure, figure.floor if self.over_floor and figure.floor else 1.0)

    def text(self, value: float) -> str:
        """A value as text, without the unit that the title has."""
        if self.over_floor:
            return times(value)
        return format_value(self.key, value).removesuffix(self.unit).rstrip()


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: What it says; "–" where nothing was measured.
        interval: "± 0.1", or "".
        best: Whether it is the best of its column.
    """

    text: str
    interval: str = ""
    best: bool = False


def times(value: float) -> str:
    """A multiple as text: 1.72×, 224×."""
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def columns(comparison: Comparison, *, few: bool = False) -> tuple[Column, ...]:
    """The columns that any row has a figure for.

    Args:
        comparison: Whose.
        few: Only those that fit a terminal.
    """
    nets = comparison.net_names
    first = nets[0] if nets else ""
    several = len(nets) > 1
    distances = [Column("fd", net, True, comparison.short(net) if several else "") for net in nets]
    told = comparison.short(first) if several else ""
    found = (
        *distances,
        Column("precision", first, net_title="" if few else told),
        Column("recall", first, net_title="" if few else told),
        Column("coverage", first, net_title=told),
        Column("accuracy"),
        Column("r10_seen"),
        Column("r10_held_out"),
        Column("reconstruction_mse"),
        Column("images_per_second"),
        Column("parameters"),
        Column("flops"),
    )
    left_out = WIDE if few else ()
    reports = [row.report for row in comparison.rows]
    return tuple(
        column
        for column in found
        if column.key not in left_out and any(column.figure(r) is not None for r in reports)
    )


def cells(column: Column, rows: tuple[Row, ...], nets: tuple[str, ...]) -> tuple[Cell, ...]:
    """The cells of a column, the best ones marked: all that are shown alike to the best.

    Args:
        column: The column.
        rows: Its rows.
        nets: The feature nets; the best is sought among rows that are usable in their features,
            and that can be run.
    """
    values = [column.value(row.report) for row in rows]
    plain = [Cell("–") if v is None else Cell(column.text(v.value), _pm(column, v)) for v in values]
    among = usable(can_run(rows), nets)
    counting = [any(row is one for one in among) for row in rows]
    pairs = zip(values, counting, strict=True)
    there = [v.value for v, counts in pairs if counts and v is not None and not math.isnan(v.value)]
    better = KEYS[column.key].better
    if len(there) < 2 or not better:
        return tuple(plain)
    best = column.text(min(there) if better == "lower" else max(there))
    marked = zip(plain, counting, strict=True)
    return tuple(replace(cell, best=counts and cell.text == best) for cell, counts in marked)


def floor_cell(column: Column, rows: tuple[Row, ...]) -> Cell:
    """The cell of real training images, measured in the place of generated ones."""
    if column.over_floor:
        return Cell("1×")
    figures = (column.figure(row.report) for row in rows)
    floors = [f.floor for f in figures if f is not None and f.floor is not None]
    return Cell(column.text(floors[0])) if floors else Cell("–")


def _pm(column: Column, value: Measured) -> str:
    """The interval as text, in as many digits as the value has."""
    if value.spread is None:
        return ""
    if KEYS[column.key].unit == "%" and not column.over_floor:
        return f"± {100 * value.spread:.1f}"
    decimals = max(0, 2 - math.floor(math.log10(abs(value.value)))) if value.value else 2
    return f"± {value.spread:,.{decimals}f}"
