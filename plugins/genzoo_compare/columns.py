"""The table's columns: what stands in each cell, and which is best."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.verdicts import Measured, can_run, over_floor, times, usable, value_of
from genzoo_eval.api import KEYS, Report, format_value

WIDE = ("coverage", "reconstruction_mse", "flops")
"""Keys of the columns that a terminal has no room for."""


@dataclass(frozen=True)
class Column:
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

    def value(self, report: Report) -> Measured | None:
        """The value of a cell, with its spread."""
        return (over_floor if self.over_floor else value_of)(report, self.key, self.net)

    def text(self, value: float) -> str:
        """A value as text, without the unit that the title has."""
        if self.over_floor:
            return times(value)
        return format_value(self.key, value).removesuffix(self.unit).rstrip()


@dataclass(frozen=True)
class Cell:
    text: str
    interval: str = ""
    best: bool = False


def columns(comparison: Comparison, *, few: bool = False) -> tuple[Column, ...]:
    """The columns that any row has a figure for."""
    nets = comparison.net_names
    names = [comparison.short(net) if len(nets) > 1 else "" for net in nets]
    first, name = (nets[0], names[0]) if nets else ("", "")
    found = (
        *(Column("fd", net, True, title) for net, title in zip(nets, names, strict=True)),
        Column("precision", first, net_title="" if few else name),
        Column("recall", first, net_title="" if few else name),
        Column("coverage", first, net_title=name),
        *map(Column, ("accuracy", "r10_seen", "r10_held_out", "reconstruction_mse")),
        *map(Column, ("images_per_second", "parameters", "flops")),
    )
    reports = [row.report for row in comparison.rows]
    return tuple(
        column
        for column in found
        if not (few and column.key in WIDE)
        and any(report.figure(column.key, column.net) for report in reports)
    )


def cells(column: Column, rows: tuple[Row, ...], nets: tuple[str, ...]) -> tuple[Cell, ...]:
    """The cells of a column, the best ones marked: all that look like the best.

    Args:
        nets: The feature nets; the best is sought among rows that are close to real images in
            their features, and that can be run.
    """
    values = [column.value(row.report) for row in rows]
    plain = [Cell("–") if v is None else Cell(column.text(v.value), _pm(column, v)) for v in values]
    among = {id(row) for row in usable(can_run(rows), nets)}
    counting = [id(row) in among for row in rows]
    pairs = zip(values, counting, strict=True)
    there = [v.value for v, counts in pairs if counts and v is not None and not math.isnan(v.value)]
    better = KEYS[column.key].better
    if len(there) < 2 or not better:
        return tuple(plain)
    best = column.text(min(there) if better == "lower" else max(there))
    marked = zip(plain, counting, strict=True)
    return tuple(replace(cell, best=counts and cell.text == best) for cell, counts in marked)


def floor_cell(column: Column, rows: tuple[Row, ...]) -> Cell:
    """The cell of real training images, the baseline of generated ones."""
    if column.over_floor:
        return Cell("1×")
    figures = (row.report.figure(column.key, column.net) for row in rows)
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
