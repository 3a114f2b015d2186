"""A report as lines, whole or as wide as a terminal."""

from __future__ import annotations

import pytest

from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_text import lines

FIGURES = (
    Figure("fd", 0.5, "net", floor=0.25, spread=0.0125),
    Figure("r10_rarer", 0.899, "net", floor=1.0, spread=0.027),
    Figure("precision", 0.9, "net", floor=0.95, spread=0.01),
)
REPORT = Report(
    Subject("acme/x", "ab" * 32, options={"steps": None, "temperature": 0.5}),
    "mnist",
    "cd" * 32,
    1000,
    0,
    FIGURES,
)


def test_what_is_left_out_is_no_setting() -> None:
    assert list(lines(REPORT))[1] == "  temperature=0.5"


@pytest.mark.parametrize("room", [65, 70, 80])
def test_on_a_narrow_terminal_long_titles_are_broken_and_no_figure_is_lost(room: int) -> None:
    whole, narrow = list(lines(REPORT)), list(lines(REPORT, room))
    assert max(map(len, narrow)) <= room
    text = " ".join(" ".join(narrow).split())
    for figure in ("0.5", "± 0.0125", "floor 0.25", "89.9 %", "real 100.0 %", "0.899×"):
        assert figure in text
    assert "\n".join(whole) == "\n".join(lines(REPORT, 200))


def test_a_terminal_that_is_too_narrow_for_figures_gets_them_whole() -> None:
    assert list(lines(REPORT, 20)) == list(lines(REPORT))
