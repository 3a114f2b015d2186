"""How close pictures are to real ones, and which model and family is best at what."""

from __future__ import annotations

import math
from dataclasses import dataclass

from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.families import in_order
from genzoo_eval.api import KEYS, Report, format_value
from genzoo_eval.api import over_floor as multiple

USABLE = 10.0
"""Multiple of the floor below which a Fréchet distance counts as close. The best of a column, the
fastest and the smallest are sought among such models, where there are any: noise is quickly made.
"""

OBEDIENCE = {
    "accuracy": "share of pictures in which a classifier sees the class that was asked for",
    "r10_held_out": "share of pictures whose held-out caption is among the first ten found",
}
"""What obedience is measured by, and what that is; the first that there is."""


@dataclass(frozen=True)
class Measured:
    """A value with its standard error, or None where that was not measured."""

    value: float
    spread: float | None = None

    def overlaps(self, other: Measured) -> bool:
        """Whether the two lie within two standard errors of their difference."""
        if self.spread is None or other.spread is None:
            return self.value == other.value
        return abs(self.value - other.value) <= 2 * math.hypot(self.spread, other.spread)


def value_of(report: Report, key: str, net: str = "") -> Measured | None:
    """A figure; None where it was not measured."""
    figure = report.figure(key, net)
    return None if figure is None else Measured(figure.value, figure.spread)


def over_floor(report: Report, key: str, net: str = "") -> Measured | None:
    """A figure as a multiple of its floor; None where there is no such multiple."""
    figure = report.figure(key, net)
    value = None if figure is None else multiple(figure.value, figure.floor)
    if figure is None or value is None:
        return None
    return Measured(value, figure.spread and multiple(figure.spread, figure.floor))


BELOW_FLOOR = (
    "Below 1×: nearer to real pictures than other real ones are, so the net sees no fault in them; "
    "look at the pictures, at their sharpness and for copies."
)


def explained(comparison: Comparison) -> str:
    """What a distance below its floor means, where a row has one; else ""."""
    pairs = ((row.report, net) for row in comparison.rows for net in comparison.net_names)
    found = (over_floor(report, "fd", net) for report, net in pairs)
    return BELOW_FLOOR if any(each is not None and each.value < 1 for each in found) else ""


def times(value: float) -> str:
    """A multiple as text: 1.72×, 224×."""
    return f"{value:,.0f}×" if value >= 100 else f"{value:.3g}×"


def quality(report: Report, nets: tuple[str, ...]) -> Measured | None:
    """Fréchet distance over floor, the geometric mean over feature nets.

    No net sees everything; a model must be close in all of them. The spread is that of a
    product of independent factors, to first order. None where a net's figure is missing.
    """
    ratios = [m for net in nets if (m := over_floor(report, "fd", net)) is not None]
    if not ratios or len(ratios) < len(nets):
        return None
    value = math.exp(sum(math.log(max(m.value, 1e-9)) for m in ratios) / len(ratios))
    spreads = [m.spread / m.value for m in ratios if m.spread is not None and m.value > 0]
    if len(spreads) < len(ratios):
        return Measured(value)
    return Measured(value, value * math.hypot(*spreads) / len(ratios))


def can_run(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows whose models ship; all, where none does."""
    return tuple(row for row in rows if row.shipped) or rows


def usable(rows: tuple[Row, ...], nets: tuple[str, ...]) -> tuple[Row, ...]:
    """The rows whose pictures are close to real ones; all, where none are."""
    close = [(row, quality(row.report, nets)) for row in rows]
    return tuple(row for row, q in close if q is not None and q.value < USABLE) or rows


@dataclass(frozen=True)
class Criterion:
    """Something to be best at.

    Attributes:
        key: The figure that it is measured by; "fd" stands for the quality in all nets.
        unit: What stands behind the figure in a sentence.
        usable: Whether only models count whose pictures are close to real ones.
    """

    title: str
    key: str
    explained: str
    nets: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    usable: bool = False

    def value(self, row: Row) -> Measured | None:
        """What counts; None where it was not measured."""
        if self.key == "fd":
            return quality(row.report, tuple(net for net, _ in self.nets))
        return value_of(row.report, self.key)

    def brief(self, row: Row) -> str:
        """The value as text, "–" where there is none."""
        value = self.value(row)
        if value is None:
            return "–"
        return times(value.value) if self.key == "fd" else format_value(self.key, value.value)

    def text(self, row: Row) -> str:
        """The value as text with its unit, the quality by net."""
        if self.key != "fd":
            return self.brief(row) + self.unit
        found = [(name, over_floor(row.report, "fd", net)) for net, name in self.nets]
        names = len(found) > 1
        parts = [times(m.value) + (f" ({name})" if names else "") for name, m in found if m]
        return " and ".join(parts) + " the floor"


@dataclass(frozen=True)
class Verdict:
    """Who is best at something."""

    criterion: Criterion
    best: Row
    tied: tuple[Row, ...]


def criteria(comparison: Comparison) -> tuple[Criterion, ...]:
    """What families are compared by."""
    nets = tuple((net, comparison.short(net)) for net in comparison.net_names)
    # Prompts are classes or captions: a dataset has one or the other.
    keys = {figure.key for row in comparison.rows for figure in row.report.figures}
    obeyed = next((key for key in OBEDIENCE if key in keys), "accuracy")
    mean = ", geometric mean over the feature nets" if len(nets) > 1 else ""
    return (
        Criterion("Quality", "fd", f"Fréchet distance ÷ floor{mean}", nets),
        Criterion("Speed", "images_per_second", "images per second", usable=True),
        Criterion("Size", "parameters", "trained parameters", unit=" parameters", usable=True),
        Criterion("Obedience", obeyed, OBEDIENCE[obeyed]),
        Criterion(
            "Reconstruction",
            "reconstruction_mse",
            "mean squared error of test images encoded and decoded",
            unit=" mean squared error",
        ),
    )


def judge(criterion: Criterion, rows: tuple[Row, ...]) -> Verdict | None:
    """The best of these rows, and those within its interval; None without any value."""
    found = [(row, value) for row in rows if (value := criterion.value(row)) is not None]
    if not found:
        return None
    sign = 1 if KEYS[criterion.key].better == "lower" else -1
    (best, top), *others = sorted(found, key=lambda pair: sign * pair[1].value)
    return Verdict(criterion, best, tuple(row for row, value in others if value.overlaps(top)))


def verdicts(comparison: Comparison) -> tuple[Verdict, ...]:
    """The best at each criterion, of what can be run: models, and baselines that ship."""
    found = (judge(each, _counting(each, comparison)) for each in criteria(comparison))
    return tuple(verdict for verdict in found if verdict is not None)


def by_family(
    comparison: Comparison,
) -> tuple[tuple[str, tuple[tuple[Verdict, bool] | None, ...]], ...]:
    """Each family with its best row at each criterion, and whether no other family's is better."""
    best = {verdict.criterion.title: verdict for verdict in verdicts(comparison)}
    table = []
    for family in in_order(row.family for row in comparison.rows):
        line: list[tuple[Verdict, bool] | None] = []
        for criterion in criteria(comparison):
            rows = _counting(criterion, comparison)
            verdict = judge(criterion, tuple(row for row in rows if row.family == family))
            top = best.get(criterion.title)
            wins = top is not None and verdict is not None and verdict.best in (top.best, *top.tied)
            line.append(None if verdict is None else (verdict, wins))
        table.append((family, tuple(line)))
    return tuple(table)


def _counting(criterion: Criterion, comparison: Comparison) -> tuple[Row, ...]:
    there = can_run(comparison.rows)
    return usable(there, comparison.net_names) if criterion.usable else there
