"""Which family is best at what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from genzoo_eval.comparing.columns import times
from genzoo_eval.comparing.comparison import (
    Comparison,
    Measured,
    Row,
    can_run,
    over_floor,
    quality,
    usable,
)
from genzoo_eval.comparing.families import in_order
from genzoo_eval.keys import format_value

OBEDIENCE = {
    "accuracy": "share of pictures in which a classifier sees the class that was asked for",
    "r10_held_out": "share of pictures whose held-out caption is among the first ten found",
}
"""What obedience is told by, and what that is; the first that was measured."""


@dataclass(frozen=True)
class Criterion:
    """Something to be best at.

    Attributes:
        title: What it is.
        value: What counts, of a row; None where it was not measured.
        text: The same in words.
        brief: The same in a word.
        lower: Whether less is better.
        usable: Whether only models count whose pictures are usable.
        explained: What was measured.
    """

    title: str
    value: Callable[[Row], Measured | None]
    text: Callable[[Row], str]
    brief: Callable[[Row], str]
    lower: bool
    usable: bool
    explained: str


@dataclass(frozen=True)
class Verdict:
    """Who is best at something.

    Attributes:
        criterion: At what.
        best: The best row.
        tied: Rows whose interval overlaps its own.
        among: Number of rows that were compared.
    """

    criterion: Criterion
    best: Row
    tied: tuple[Row, ...]
    among: int


def criteria(comparison: Comparison) -> tuple[Criterion, ...]:
    """What a comparison tells families apart by."""
    nets = comparison.net_names

    def distances(row: Row) -> str:
        found = [(comparison.short(net), over_floor(row.report, net)) for net in nets]
        several = len(found) > 1
        parts = [
            f"{times(m.value)} ({name})" if several else times(m.value) for name, m in found if m
        ]
        return " and ".join(parts) + " the floor"

    def mean(row: Row) -> str:
        found = quality(row.report, nets)
        return "–" if found is None else times(found.value)

    # What a model was asked for is a class or a caption: a dataset has one or the other.
    measured = {figure.key for row in comparison.rows for figure in row.report.figures}
    obeyed = next((key for key in OBEDIENCE if key in measured), "accuracy")
    one = Criterion
    return (
        one(
            "Quality",
            lambda row: quality(row.report, nets),
            distances,
            mean,
            True,
            False,
            "Fréchet distance ÷ floor"
            + (", geometric mean over the feature nets" if len(nets) > 1 else ""),
        ),
        one("Speed", *_figure("images_per_second"), False, True, "images per second"),
        one("Size", *_figure("parameters", " parameters"), True, True, "trained parameters"),
        one(
            "Obedience",
            *_figure(obeyed),
            False,
            False,
            OBEDIENCE[obeyed],
        ),
        one(
            "Reconstruction",
            *_figure("reconstruction_mse", " mean squared error"),
            True,
            False,
            "mean squared error of test images encoded and decoded",
        ),
    )


def _figure(
    key: str, unit: str = ""
) -> tuple[Callable[[Row], Measured | None], Callable[[Row], str], Callable[[Row], str]]:
    def value(row: Row) -> Measured | None:
        figure = row.report.figure(key)
        return None if figure is None else Measured(figure.value, figure.spread)

    def text(row: Row) -> str:
        found = value(row)
        return "–" if found is None else format_value(key, found.value)

    return value, lambda row: text(row) + unit, text


def judge(criterion: Criterion, rows: tuple[Row, ...]) -> Verdict | None:
    """The best of these rows, and those that cannot be told from it; None where none has a value.

    Args:
        criterion: At what.
        rows: Those that count.
    """
    found = [(row, value) for row in rows if (value := criterion.value(row)) is not None]
    if not found:
        return None
    found.sort(key=lambda pair: pair[1].value if criterion.lower else -pair[1].value)
    best, top = found[0]
    tied = tuple(row for row, value in found[1:] if value.overlaps(top))
    return Verdict(criterion, best, tied, len(found))


def verdicts(comparison: Comparison) -> tuple[Verdict, ...]:
    """The best at each criterion, of what can be run: models, and baselines that ship."""
    return tuple(
        verdict
        for criterion in criteria(comparison)
        if (verdict := judge(criterion, _counting(criterion, comparison, comparison.rows)))
    )


def by_family(
    comparison: Comparison,
) -> tuple[tuple[str, tuple[tuple[Verdict, bool] | None, ...]], ...]:
    """Each family with its best row at each criterion, and whether no other family's is better."""
    best = {verdict.criterion.title: verdict for verdict in verdicts(comparison)}
    table = []
    for family in in_order(row.family for row in comparison.rows):
        line: list[tuple[Verdict, bool] | None] = []
        for criterion in criteria(comparison):
            rows = _counting(criterion, comparison, comparison.rows)
            verdict = judge(criterion, tuple(row for row in rows if row.family == family))
            top = best.get(criterion.title)
            wins = top is not None and verdict is not None and verdict.best in (top.best, *top.tied)
            line.append(None if verdict is None else (verdict, wins))
        table.append((family, tuple(line)))
    return tuple(table)


def _counting(
    criterion: Criterion, comparison: Comparison, rows: tuple[Row, ...]
) -> tuple[Row, ...]:
    there = can_run(rows)
    return usable(there, comparison.net_names) if criterion.usable else there
