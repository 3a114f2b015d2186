"""Bars of the Fréchet distance over its floor, with intervals: where everything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from genzoo_eval.comparing.columns import times
from genzoo_eval.comparing.comparison import Comparison, over_floor
from genzoo_eval.comparing.families import css_name
from genzoo_eval.comparing.scale import LogScale

WIDTH, LEFT, RIGHT = 480, 132, 62
STEP, TOP = 27, 8
LABEL = 17
"""Most characters of a name."""


@dataclass(frozen=True)
class Bar:
    """A bar.

    Attributes:
        name: The model's.
        label: As much of it as there is room for.
        css: The family's class.
        y: Coordinate of its middle.
        end: Coordinate at which it ends.
        interval: Where its whiskers begin and end, or None.
        text: Its value in words.
        text_at: Where that begins.
        baseline: Whether it stands for published work.
    """

    name: str
    label: str
    css: str
    y: int
    end: float
    interval: tuple[float, float] | None
    text: str
    text_at: float
    baseline: bool


@dataclass(frozen=True)
class Bars:
    """A chart of bars.

    Attributes:
        net: What the distances are measured in.
        width: Of the drawing.
        height: Of the drawing.
        start: Coordinate at which bars begin.
        floor: Coordinate of the floor, 1.
        bottom: Coordinate of the axis.
        ticks: Coordinate and text of the lines.
        bars: Its bars, models first.
        described: The chart in words.
    """

    net: str
    width: int
    height: int
    start: float
    floor: float
    bottom: int
    ticks: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]
    described: str


def bars(comparison: Comparison, net: str) -> Bars:
    """The distances of all rows in the features of one net."""
    found = [(row, over_floor(row.report, net)) for row in comparison.rows]
    there = [(row, m) for row, m in found if m is not None]
    ends = [m.value + (m.spread or 0) for _, m in there]
    scale = LogScale.around([1.0, *ends, *(m.value for _, m in there)], LEFT, WIDTH - RIGHT)
    drawn = []
    for index, (row, m) in enumerate(there):
        interval = (
            None
            if m.spread is None
            else (scale.at(max(m.value - m.spread, scale.low)), scale.at(m.value + m.spread))
        )
        drawn.append(
            Bar(
                row.name,
                row.name if len(row.name) <= LABEL else row.name[: LABEL - 1] + "…",
                css_name(row.family),
                TOP + STEP * index + STEP // 2,
                scale.at(m.value),
                interval,
                times(m.value),
                max(scale.at(m.value), interval[1] if interval else 0) + 6,
                row.baseline,
            )
        )
    bottom = TOP + STEP * len(drawn)
    told = "; ".join(f"{bar.name} {bar.text}" for bar in drawn)
    return Bars(
        net=comparison.short(net),
        width=WIDTH,
        height=bottom + 40,
        start=LEFT,
        floor=scale.at(1),
        bottom=bottom,
        ticks=tuple((scale.at(value), times(value)) for value in scale.ticks(5)),
        bars=tuple(drawn),
        described=f"Fréchet distance over floor, {comparison.short(net)} features: {told}.",
    )
