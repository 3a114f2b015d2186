"""The charts of a comparison, and the colours that tell families apart."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from comparison_cases import SEEING, comparison
from hypothesis import given
from hypothesis import strategies as st

import genzoo_eval.comparing
from genzoo_eval.comparing.bars import bars
from genzoo_eval.comparing.families import LOOKS, OTHER
from genzoo_eval.comparing.scale import LogScale
from genzoo_eval.comparing.scatter import scatter

CSS = (Path(genzoo_eval.comparing.__file__).parent / "templates" / "report.css").read_text()

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


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20))
def test_a_logarithmic_scale_keeps_order_and_stays_within_its_ends(values: list[float]) -> None:
    scale = LogScale.around(values, 10, 500)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 10 <= places[0] <= places[-1] <= 500
    ticks = scale.ticks()
    assert len(ticks) <= 40
    assert list(ticks) == sorted(ticks)


def test_equal_factors_are_equal_distances() -> None:
    scale = LogScale(1, 1000, 0, 300)
    assert [scale.at(value) for value in (1, 10, 100, 1000)] == [0, 100, 200, 300]
    assert scale.ticks(4) == (1, 10, 100, 1000)


def test_bars_are_in_order_of_length_and_carry_their_intervals() -> None:
    chart = bars(comparison(), SEEING)
    by_name = {bar.name: bar for bar in chart.bars}
    assert list(by_name) == [row.name for row in comparison().rows]
    assert by_name["gan-mnist"].end < by_name["vae-mnist"].end < by_name["ae-mlp-mnist"].end
    assert chart.floor < by_name["gan-mnist"].end
    interval = by_name["gan-mnist"].interval
    assert interval is not None
    assert interval[0] < by_name["gan-mnist"].end < interval[1]
    assert by_name["flow-mnist"].interval is None
    assert "gan-mnist 1.7×" in chart.described


def test_more_steps_lie_further_right_and_lower() -> None:
    chart = scatter(comparison(), SEEING)
    points = {point.text: point for point in chart.points}
    curve = [points[text] for text in ("1 step", "2 steps", "5 steps", "flow-mnist")]
    assert [p.x for p in curve] == sorted(p.x for p in curve)
    assert [p.y for p in curve] == sorted(p.y for p in curve)  # y points down
    assert len(chart.lines) == 1
    assert chart.lines[0][1].count(",") == 4
    # 55 images per second are 18.2 ms.
    assert "flow-mnist: 18.2 ms, 3×" in chart.described


def test_no_text_of_the_scatter_lies_on_another() -> None:
    points = scatter(comparison(), SEEING).points
    for a, b in itertools.combinations(points, 2):
        if abs(a.at[1] - b.at[1]) < 12:
            assert abs(a.at[0] - b.at[0]) > 12, (a.text, b.text)
