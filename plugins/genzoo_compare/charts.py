"""The charts of a comparison: matplotlib's SVG, made part of a page."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.families import LOOKS, OTHER, look
from genzoo_compare.terminal import cut
from genzoo_compare.verdicts import over_floor, times
from genzoo_core.text import printable

TEXT, MUTED, GRID = "#1a1e24", "#535b66", "#e4e7eb"
VARIABLES = {
    **{family.light: name for name, family in {**LOOKS, "other": OTHER}.items()},
    TEXT: "text",
    MUTED: "muted",
    GRID: "grid",
}
"""The variable of the style sheet for each colour that is drawn with: it knows light and dark."""

STYLE = {
    **{f"axes.spines.{side}": False for side in ("left", "right", "top", "bottom")},
    **{f"{axis}tick.major.size": 0 for axis in "xy"},
    **{f"{axis}tick.color": MUTED for axis in "xy"},
    "axes.axisbelow": True,
    "axes.labelcolor": MUTED,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "figure.dpi": 72,  # a point is a pixel
    "font.size": 12.5,
    "grid.color": GRID,
    "svg.fonttype": "none",
    "text.color": TEXT,
    "text.parse_math": False,
}
NOTHING = {"Creator": None, "Date": None, "Format": None, "Type": None}
XLINK = "{http://www.w3.org/1999/xlink}href"

LINE = 17
"""Pixels from one label to the next."""


@dataclass(frozen=True)
class Chart:
    net: str
    svg: str


@dataclass(frozen=True)
class Point:
    """A model at one setting: milliseconds per image, multiple of the floor, both in words."""

    time: float
    distance: float
    title: str


def bars(comparison: Comparison, net: str) -> Chart | None:
    """The Fréchet distances of all rows over their floor, with intervals; None without any."""
    found = [(row, over_floor(row.report, "fd", net)) for row in comparison.rows]
    there = [(row, m.value, m.spread or 0.0) for row, m in found if m is not None]
    if not there:
        return None
    titles = [f"{printable(row.name)} {times(value)}" for row, value, _ in there]
    right = 14 + 8 * max(len(times(value)) for _, value, _ in there)

    def draw() -> Axes:
        axes = _axes(480, 27 * len(there), left=138, right=right, foot=42, top=0)
        ends = [value + spread for _, value, spread in there]
        low, high = _logarithmic(axes, "x", [1.0, *ends, *(v for _, v, _ in there)], 5, times)
        axes.set_yticks(range(len(there)), [cut(printable(row.name), 17) for row, _, _ in there])
        axes.tick_params(axis="y", labelcolor=TEXT)
        axes.set_ylim(len(there) - 0.5, -0.5)
        axes.grid(axis="x")
        for place, ((row, value, spread), title) in enumerate(zip(there, titles, strict=True)):
            colour = look(row.family).light
            end = min(max(value, low), high)
            face = (colour, 0.15 if row.baseline else 1.0)
            axes.barh(place, end - low, 0.6, low, facecolor=face, edgecolor=colour, gid=title)
            if spread:
                begin = max(value - spread, low)
                error = [[max(end - begin, 0)], [value + spread - end]]
                axes.errorbar(end, place, xerr=error, fmt="none", color=TEXT, capsize=4)
            at = (max(end, value + spread), place)
            axes.annotate(times(value), at, (6, 0), textcoords="offset points", va="center")
        axes.axvline(1, color=TEXT, linewidth=1.5, linestyle=(0, (5, 3)))
        axes.annotate(
            "floor",
            (1, 0),
            (0, -36),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            color=MUTED,
        )
        return axes

    name = comparison.short(net)
    described = f"Fréchet distance over floor, {name} features: {'; '.join(titles)}."
    return Chart(name, _element(draw, f"bars {net}", described))


def scatter(comparison: Comparison, net: str) -> Chart | None:
    """Milliseconds per image against Fréchet distance over floor; None without any speed.

    Names stand at the right, as near to their points as they can without hiding another.
    """
    curves = [(row, points) for row in comparison.rows if (points := _points(row, net))]
    if not curves:
        return None
    points = [point for _, curve in curves for point in curve]
    height = max(350, LINE * len(curves))

    def draw() -> Axes:
        axes = _axes(600, height, left=62, right=190, foot=52, top=12)
        _logarithmic(axes, "x", [point.time for point in points], 7, "{:g}".format)
        ends = _logarithmic(axes, "y", [1.0, *(point.distance for point in points)], 7, times)
        axes.grid()
        axes.set_xlabel("milliseconds per image; left is faster, below is better", labelpad=8)
        axes.axhline(1, color=TEXT, linewidth=1.5, linestyle=(0, (5, 3)))
        to_axes = (axes.transData + axes.transAxes.inverted()).transform

        def at(point: Point) -> tuple[float, float]:
            return point.time, min(max(point.distance, ends[0]), ends[1])

        curves.sort(key=lambda pair: pair[1][0].distance)
        heights = [to_axes(at(curve[0]))[1] for _, curve in curves]
        for (row, curve), place in zip(curves, _apart(heights, LINE / height), strict=True):
            family, own = look(row.family), curve[0]
            x, y = zip(*sorted(map(at, curve)), strict=True)
            axes.plot(x, y, color=family.light, linewidth=2, alpha=0.6)
            for point in curve:
                axes.scatter(
                    *at(point),
                    100 if point is own else 40,
                    marker=family.marker,
                    facecolor=(family.light, 0.15 if row.baseline else 1.0),
                    edgecolor=family.light,
                    linewidth=1.5,
                    gid=point.title,
                    zorder=3,
                    clip_on=False,
                )
            steps = f" ({', '.join(str(n) for n, _ in row.curve)})" if len(curve) > 1 else ""
            axes.annotate(
                cut(printable(row.name), 24 - len(steps)) + steps,
                at(own),
                (1.03, place),
                textcoords="axes fraction",
                va="center",
                color=family.light,
                arrowprops={
                    "arrowstyle": "-",
                    "color": family.light,
                    "alpha": 0.4,
                    "relpos": (0, 0.5),
                },
            )
        return axes

    titles = "; ".join(point.title for point in points)
    described = f"Milliseconds per image and Fréchet distance over floor: {titles}."
    return Chart(comparison.short(net), _element(draw, f"scatter {net}", described))


def _axes(width: int, height: int, *, left: int, right: int, foot: int, top: int) -> Axes:
    """Axes of a new figure: its width, the height of the axes, and the margins, in pixels."""
    total = height + foot + top
    room = (left / width, foot / total, 1 - (left + right) / width, height / total)
    return Figure((width / 72, total / 72)).add_axes(room)


def _points(row: Row, net: str) -> list[Point]:
    """A row at its own settings first, then at other numbers of steps."""
    name = printable(row.name)
    steps = [(f"{name} in {n} step{'' if n == 1 else 's'}", report) for n, report in row.curve]
    points = []
    for title, report in ((name, row.report), *steps):
        speed, distance = report.figure("images_per_second"), over_floor(report, "fd", net)
        if speed is not None and speed.value > 0 and distance is not None:
            time, value = 1000 / speed.value, distance.value
            points.append(Point(time, value, f"{title}: {time:.3g} ms, {times(value)}"))
    return points


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """Ascending places in [0, 1], moved as little as keeps them a gap from one another."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + gap) if found else place)
    limit = 1.0
    for index in reversed(range(len(found))):
        found[index] = min(found[index], limit)
        limit = found[index] - gap
    return found


def _logarithmic(
    axes: Axes, which: str, values: Iterable[float], most: int, text: Callable[[float], str]
) -> tuple[float, float]:
    """Make an axis logarithmic around the positive ones of some values, with round ticks."""
    positive = [value for value in values if 0 < value < math.inf] or [1.0]
    low, high = min(positive), max(positive)
    room = max((high / low) ** 0.06, 1.25)
    low, high = low / room, high * room
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    ticks: list[float] = []
    for factors in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = LogLocator(subs=factors, numticks=most).tick_values(low, high)
        ticks = [tick for tick in found if low <= tick <= high]
        if len(ticks) <= most:
            break
    axes.set(**{f"{which}ticks": ticks, f"{which}ticklabels": map(text, ticks)})
    axes.minorticks_off()
    return low, high


def _element(draw: Callable[[], Axes], salt: str, described: str) -> str:
    """A drawing as an element of a page: its colours the page's, its ids unlike other drawings'."""
    out = io.BytesIO()
    with style.context(["default", {**STYLE, "svg.hashsalt": salt}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the browser has other fonts
        figure = draw().figure
        assert isinstance(figure, Figure)
        figure.savefig(out, format="svg", metadata=NOTHING)
    text = out.getvalue().decode()
    used = set(re.findall(r"#(\w+)", " ".join(re.findall(r"url\(#\w+\)|href=\"#\w+", text))))
    root = ElementTree.fromstring(text)
    root.remove(root[0])  # a style sheet, which would rule the whole page
    for element in list(root.iter()):
        element.tag = element.tag.rpartition("}")[2]
        if XLINK in element.attrib:
            element.set("href", element.attrib.pop(XLINK))
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"]))
        name = element.attrib.pop("id", "")
        if name in used:
            element.set("id", name)
        elif name and not re.fullmatch(r"[\w.]+_\d+", name):
            title = ElementTree.Element("title")
            title.text = name
            element.insert(0, title)
    box = root.attrib["viewBox"]
    root.attrib = {"viewBox": box, "role": "img", "aria-label": described}
    return ElementTree.tostring(root, encoding="unicode")


def _style(text: str) -> str:
    text = re.sub("#[0-9a-f]{6}", lambda colour: f"var(--{VARIABLES[colour[0]]})", text)
    return re.sub("font-family: [^;]*; ", "", text)  # the page's
