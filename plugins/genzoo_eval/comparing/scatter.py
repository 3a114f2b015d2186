"""Speed against quality, both logarithmic: where everything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from genzoo_eval.comparing.columns import times
from genzoo_eval.comparing.comparison import Comparison, Row, over_floor
from genzoo_eval.comparing.families import Shape, css_name, look
from genzoo_eval.comparing.scale import LogScale
from genzoo_eval.report import Report

WIDTH, HEIGHT = 560, 420
LEFT, RIGHT, TOP, BOTTOM = 62, 22, 14, 52
FLOOR = "floor: real training images"
LETTER, LINE = 7.5, 14
"""Size of a letter of the labels, for finding room for them."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Point:
    """A point.

    Attributes:
        x: Of its middle.
        y: Of its middle.
        css: The family's class.
        marker: The family's shape.
        text: What stands beside it.
        told: What it is, in words.
        at: Where the text stands, on its base line.
        anchor: Which part of the text stands there, in SVG's words.
        small: Whether it is a point of a curve that is not the model's own setting.
        baseline: Whether it stands for published work.
    """

    x: float
    y: float
    css: str
    marker: Shape
    text: str
    told: str
    at: tuple[float, float]
    anchor: Anchor
    small: bool
    baseline: bool


@dataclass(frozen=True)
class Scatter:
    """The chart.

    Attributes:
        net: What the distances are measured in.
        width: Of the drawing.
        height: Of the drawing.
        frame: Where values are drawn.
        floor: Coordinate of the floor, 1.
        floor_text: What stands below its line, at its left end.
        x_ticks: Coordinate and text of the lines across.
        y_ticks: Coordinate and text of the lines along.
        points: The points; none where no speed was measured.
        lines: A curve for each model with several numbers of steps: its class and points.
        described: The chart in words.
    """

    net: str
    width: int
    height: int
    frame: Box
    floor: float
    floor_text: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    points: tuple[Point, ...]
    lines: tuple[tuple[str, str], ...]
    described: str


@dataclass(frozen=True)
class _Spot:
    """A model at one setting: milliseconds per image, floors, what it is called."""

    row: Row
    time: float
    distance: float
    text: str
    small: bool


def scatter(comparison: Comparison, net: str) -> Scatter:
    """Milliseconds per image against Fréchet distance over floor, in one net's features."""
    curves = [_curve(row, net) for row in comparison.rows]
    spots = [spot for curve in curves for spot in curve]
    x = LogScale.around((spot.time for spot in spots), LEFT, WIDTH - RIGHT)
    y = LogScale.around((1.0, *(spot.distance for spot in spots)), HEIGHT - BOTTOM, TOP)
    lines = tuple(
        (
            css_name(curve[0].row.family),
            " ".join(f"{x.at(s.time)},{y.at(s.distance)}" for s in sorted(curve, key=_time)),
        )
        for curve in curves
        if len(curve) > 1
    )
    floor = y.at(1)
    told = (LEFT, floor, LEFT + LETTER * len(FLOOR), floor + LINE + 4)
    points = _placed([(x.at(s.time), y.at(s.distance), s) for s in spots], told)
    return Scatter(
        net=comparison.short(net),
        width=WIDTH,
        height=HEIGHT,
        frame=(LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
        floor=floor,
        floor_text=FLOOR,
        x_ticks=tuple((x.at(value), f"{value:g}") for value in x.ticks()),
        y_ticks=tuple((y.at(value), times(value)) for value in y.ticks()),
        points=points,
        lines=lines,
        described="Milliseconds per image and Fréchet distance over floor: "
        + "; ".join(point.told for point in points)
        + ".",
    )


def _time(spot: _Spot) -> float:
    return spot.time


def _curve(row: Row, net: str) -> list[_Spot]:
    own = _spot(row, row.report, net, row.name, small=False)
    others = [
        _spot(row, report, net, f"{steps} step{'' if steps == 1 else 's'}", small=True)
        for steps, report in row.curve
    ]
    return [spot for spot in (own, *others) if spot is not None]


def _spot(row: Row, report: Report, net: str, text: str, *, small: bool) -> _Spot | None:
    speed, distance = report.figure("images_per_second"), over_floor(report, net)
    if speed is None or speed.value <= 0 or distance is None:
        return None
    return _Spot(row, 1000 / speed.value, distance.value, text, small)


def _placed(spots: list[tuple[float, float, _Spot]], told: Box) -> tuple[Point, ...]:
    """The points with their texts where they hide neither a point nor a text, if possible.

    Args:
        spots: Coordinates and what is there.
        told: The room of a text that is there already.
    """
    taken: list[Box] = [told, *((x - 7, y - 7, x + 7, y + 7) for x, y, _ in spots)]
    points = []
    for x, y, spot in spots:
        text = spot.text if len(spot.text) <= 24 else spot.text[:23] + "…"
        places = [(_box(place, x, y, LETTER * len(text)), place) for place in PLACES]
        box, (anchor, dx, dy) = min(places, key=lambda pair: _hidden(pair[0], taken))
        taken.append(box)
        family = spot.row.family
        name = spot.row.name if not spot.small else f"{spot.row.name} in {spot.text}"
        points.append(
            Point(
                x=x,
                y=y,
                css=css_name(family),
                marker=look(family).marker,
                text=text,
                told=f"{name}: {spot.time:.3g} ms, {times(spot.distance)}",
                at=(round(x + dx, 1), round(y + dy + 4, 1)),
                anchor=anchor,
                small=spot.small,
                baseline=spot.row.baseline,
            )
        )
    return tuple(points)


PLACES: tuple[tuple[Anchor, int, int], ...] = (
    *(("start", 10, 0), ("end", -10, 0), ("middle", 0, -16), ("middle", 0, 16)),
    *(("start", 8, -14), ("start", 8, 14), ("end", -8, -14), ("end", -8, 14)),
    *(("middle", 0, -30), ("middle", 0, 30), ("start", 10, -28), ("start", 10, 28)),
)
"""Where a text may stand beside its point, the best first."""


def _box(place: tuple[Anchor, int, int], x: float, y: float, width: float) -> Box:
    """The room that a text of a width takes at a place."""
    anchor, dx, dy = place
    left = x + dx - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return (left, y + dy - LINE / 2, left + width, y + dy + LINE / 2)


def _hidden(box: Box, taken: Iterable[Box]) -> float:
    """How much of what is taken a box would hide, and how far it leaves the frame; an area."""
    left, top, right, bottom = box
    covered = sum(
        max(0.0, min(right, x1) - max(left, x0)) * max(0.0, min(bottom, y1) - max(top, y0))
        for x0, y0, x1, y1 in taken
    )
    outside = max(0.0, LEFT - left) + max(0.0, right - WIDTH) + max(0.0, TOP - top)
    return covered + 100 * (outside + max(0.0, bottom - (HEIGHT - BOTTOM)))
