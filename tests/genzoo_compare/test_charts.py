"""The charts of a comparison, and the colours that tell families apart."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib as mpl
import msgspec
import pytest
from comparison_cases import SEEING, comparison, report

import genzoo_compare
from genzoo_compare.charts import Chart, bars, scatter
from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.families import LOOKS, OTHER

CSS = (Path(genzoo_compare.__file__).parent / "templates" / "report.css").read_text()

# Machado, Oliveira & Fernandes 2009, table 1, severity 1.0; for linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def linear(colour: str) -> tuple[float, float, float]:
    """Linear RGB of "#rrggbb" (IEC 61966-2-1)."""
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return r, g, b


def contrast(a: str, b: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2)."""
    r, g, b_ = (0.2126, 0.7152, 0.0722)
    light = sorted(sum(w * v for w, v in zip((r, g, b_), linear(c), strict=True)) for c in (a, b))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(rgb: tuple[float, ...]) -> tuple[float, float, float]:
    """CIE L*a*b*, white point D65, of linear RGB."""
    r, g, b = (min(max(v, 0.0), 1.0) for v in rgb)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    x, y, z = (v ** (1 / 3) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def variables(block: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))


LIGHT = variables(CSS.split("@media")[0])
DARK = variables(CSS.split("@media")[1])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_every_colour_can_be_read_on_every_ground(theme: str) -> None:
    ground = LIGHT if theme == "light" else DARK
    inks = [ground[name] for name in ("text", "muted", "link")]
    inks += [getattr(look, theme) for look in (*LOOKS.values(), OTHER)]
    for ink, name in itertools.product(inks, ("page", "card")):
        assert contrast(ink, ground[name]) >= 4.5, (ink, name)
    assert contrast(ground["text"], ground["best"]) >= 4.5
    assert contrast(ground["muted"], ground["best"]) >= 4.5


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_families_stay_apart_for_the_colour_blind(theme: str, blindness: str) -> None:
    matrix = BLINDNESS[blindness]
    seen = {
        name: lab(
            tuple(
                sum(m * v for m, v in zip(line, linear(getattr(look, theme)), strict=True))
                for line in matrix
            )
        )
        for name, look in LOOKS.items()
    }
    for (one, a), (other, b) in itertools.combinations(seen.items(), 2):
        distance = sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5
        # A difference of 2.3 is just noticeable (Mahy et al. 1994); bars lie side by side.
        assert distance > 10, (one, other, distance)


def test_families_differ_in_shape_too() -> None:
    assert len({look.marker for look in LOOKS.values()}) == len(LOOKS)


def drawn(chart: Chart | None) -> Element:
    assert chart is not None
    return ElementTree.fromstring(chart.svg)


def titled(chart: Chart | None) -> dict[str, tuple[float, float, float, float]]:
    """The room of each bar or point, by its title: left, top, right, bottom."""
    found = {}
    for group in drawn(chart).iter("g"):
        title = group.find("title")
        if title is not None:
            assert title.text
            place = group.find(".//use")
            if place is None:
                path = group.find(".//path")
                assert path is not None
                numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.attrib["d"])]
                xs, ys = numbers[::2], numbers[1::2]
            else:
                xs, ys = [float(place.attrib["x"])], [float(place.attrib["y"])]
            found[title.text] = (min(xs), min(ys), max(xs), max(ys))
    return found


def texts(chart: Chart | None) -> list[tuple[str, float, float, float, float]]:
    """Each text of a chart with its room, letters being as wide as those of a wide font."""
    found = []
    for element in drawn(chart).iter("text"):
        text = element.text or ""
        width, x, y = 7.4 * len(text), float(element.attrib["x"]), float(element.attrib["y"])
        anchor = re.search("text-anchor: (\\w+)", element.attrib["style"])
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor[1] if anchor else "start"]
        found.append((text, x - share * width, y - 11, x + (1 - share) * width, y + 3))
    return found


def overlaps(chart: Chart | None) -> list[tuple[str, str]]:
    return [
        (a[0], b[0])
        for a, b in itertools.combinations(texts(chart), 2)
        if a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    ]


def crowd(n: int, **figures: float) -> Comparison:
    """Many models that are as good and as fast as one another."""
    fields: dict[str, float] = {"seeing": 2, "blind": 2, "speed": 100, "parameters": 5, **figures}
    found = [report(f"model-{i}", "gan", **fields) for i in range(n)]  # type: ignore[arg-type]
    return Comparison("mnist", tuple(Row(r.subject.name[7:], "gan", r) for r in found))


def test_longer_bars_are_larger_distances() -> None:
    found = titled(bars(comparison(), SEEING))
    names = [row.name for row in comparison().rows]
    assert [title.split()[0] for title in found] == names
    ends = {title: box[2] for title, box in found.items()}
    assert ends["gan-mnist 1.7×"] < ends["vae-mnist 2.4×"] < ends["ae-mlp-mnist 224×"]
    # Equal factors are equal distances: from 1.9 to 3 as from 7 to 11.05.
    assert ends["odd 11×"] - ends["flow-mnist 3×"] == pytest.approx(
        (ends["ae-mlp-mnist 224×"] - ends["flow-mnist 3×"])
        * (math.log(11 / 3) / math.log(224 / 3)),
        abs=0.5,
    )


def test_an_interval_is_drawn_around_the_end_of_its_bar() -> None:
    whole = drawn(bars(comparison(), SEEING))
    bare = drawn(bars(crowd(6), SEEING))
    caps = [len(list(chart.iter("use"))) for chart in (whole, bare)]
    assert caps == [2 * 3, 0]  # three rows have a spread


def test_more_steps_lie_further_right_and_lower() -> None:
    found = titled(scatter(comparison(), SEEING))
    # 55 images per second are 18.2 ms.
    names = (
        *("flow-mnist in 1 step: 1.11 ms, 90×", "flow-mnist in 2 steps: 2 ms, 20×"),
        *("flow-mnist in 5 steps: 5.26 ms, 6×", "flow-mnist: 18.2 ms, 3×"),
    )
    places = [found[name] for name in names]
    assert [x for x, *_ in places] == sorted(x for x, *_ in places)
    assert [y for _, y, *_ in places] == sorted(y for _, y, *_ in places)  # y points down
    assert "flow-mnist (1, 2, 5)" in [text for text, *_ in texts(scatter(comparison(), SEEING))]


def test_a_chart_says_in_words_what_it_shows() -> None:
    label = drawn(bars(comparison(), SEEING)).attrib["aria-label"]
    assert label.startswith("Fréchet distance over floor, classifier features: ae-mnist 1.9×; ")
    label = drawn(scatter(comparison(), SEEING)).attrib["aria-label"]
    assert "flow-mnist: 18.2 ms, 3×" in label


@pytest.mark.parametrize("draw", [bars, scatter])
@pytest.mark.parametrize(
    "found",
    [
        comparison(),
        crowd(40),
        crowd(2, speed=1e-7, seeing=1e8),
        crowd(3, speed=1e8, seeing=1.0001),
        crowd(1, seeing=0.0),
    ],
    ids=["families", "crowd", "bad", "good", "perfect"],
)
def test_no_text_lies_on_another_or_leaves_the_drawing(
    draw: Callable[[Comparison, str], Chart | None], found: Comparison
) -> None:
    chart = draw(found, SEEING)
    assert overlaps(chart) == []
    names = {text.partition(" ")[0] for text, *_ in texts(chart)}
    assert {row.name for row in found.rows} <= names
    _, _, width, height = map(float, drawn(chart).attrib["viewBox"].split())
    for text, left, top, right, bottom in texts(chart):
        assert left >= 0, text
        assert top >= 0, text
        assert right <= width, text
        assert bottom <= height, text


@pytest.mark.parametrize("draw", [bars, scatter])
def test_colours_are_those_of_the_page(draw: Callable[[Comparison, str], Chart | None]) -> None:
    chart = draw(comparison(), SEEING)
    assert chart is not None
    assert not re.search("#[0-9a-f]{6}|black|rgb", chart.svg)
    used = set(re.findall(r"var\(--(\w+)\)", chart.svg))
    assert used <= set(LIGHT) | {*LOOKS, "other"}
    assert {"autoencoder", "other", "text", "muted", "grid"} <= used


@pytest.mark.parametrize("draw", [bars, scatter])
def test_equal_figures_are_drawn_alike_whatever_the_reader_set(
    draw: Callable[[Comparison, str], Chart | None],
) -> None:
    first = draw(comparison(), SEEING)
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert draw(comparison(), SEEING) == first


@pytest.mark.parametrize("name", ["$x^$", "数字", "a<b>&c", "it's 100 %", "_x", "patch_3"])
@pytest.mark.parametrize("draw", [bars, scatter])
def test_any_name_is_written_as_it_is(
    draw: Callable[[Comparison, str], Chart | None], name: str
) -> None:
    found = comparison()
    named = dataclasses.replace(found.rows[0], name=name)
    chart = draw(dataclasses.replace(found, rows=(named, *found.rows[1:])), SEEING)
    assert name in [text for text, *_ in texts(chart)]
    assert any(title.startswith(f"{name}") for title in titled(chart))


def test_without_speeds_or_distances_there_is_no_chart() -> None:
    found = comparison()
    bare = msgspec.structs.replace(found.rows[0].report, figures=())
    lonely = dataclasses.replace(found, rows=(Row("x", "gan", bare),))
    assert bars(lonely, SEEING) is None
    assert scatter(lonely, SEEING) is None
