"""A report as lines, whole or as wide as a terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import msgspec
import pytest

from genzoo.cli import main
from genzoo_eval.keys import over_floor
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_store import shipped
from genzoo_eval.report_text import BELOW_FLOOR, LEARNT, figure_cells, lines

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


@pytest.mark.parametrize(
    ("value", "floor", "times"),
    [(3.0, 2.0, 1.5), (0.0, 2.0, 0.0), (-0.1, 2.0, None), (1.0, -0.1, None), (1.0, 0.0, None)],
)
def test_no_multiple_is_shown_of_what_has_none(
    value: float, floor: float, times: float | None
) -> None:
    assert over_floor(value, floor) == times
    *_, shown = figure_cells(Figure("kid", value, "net", floor=floor))
    assert shown == ("" if times is None else f"{times:.3g}×")


@pytest.mark.parametrize(("value", "explained"), [(0.2, True), (0.25, False), (0.5, False)])
def test_a_distance_below_its_floor_is_explained(value: float, explained: bool) -> None:
    figures = (
        Figure("fd", value, "net", floor=0.25),
        Figure("kid", 0.1, "net", floor=0.2),
        Figure("sharpness", 3.0, floor=4.0),
    )
    found = list(lines(msgspec.structs.replace(REPORT, figures=figures)))
    assert found.count(BELOW_FLOOR) == explained


@pytest.mark.parametrize(("share", "said"), [(0.37, LEARNT), (0.11, LEARNT), (0.05, BELOW_FLOOR)])
def test_copies_explain_a_distance_below_its_floor(share: float, said: str) -> None:
    figures = (
        Figure("fd", 0.2, "net", floor=0.25),
        Figure("memorised", share, "net", floor=0.01),
    )
    found = list(lines(msgspec.structs.replace(REPORT, figures=figures)))
    assert [line for line in found if line in (LEARNT, BELOW_FLOOR)] == [said]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({"class_accuracy": ("cat", "dog")}, "class accuracy: cat 96.0 %, dog 92.4 %"),
        ({}, "class accuracy, in their order: 96.0 %, 92.4 %"),
    ],
)
def test_rows_name_their_classes_where_they_are_known(
    classes: dict[str, tuple[str, ...]], said: str
) -> None:
    tables = {"class_accuracy": (0.96, 0.924)}
    assert said in list(lines(msgspec.structs.replace(REPORT, tables=tables, classes=classes)))


def test_how_far_to_trust_figures_is_said_before_them() -> None:
    found = list(lines(msgspec.structs.replace(REPORT, notes=("rough figures",))))
    assert found[2] == "rough figures"
    sharp = list(
        lines(msgspec.structs.replace(REPORT, figures=(Figure("sharpness", 3.0, floor=4.0),)))
    )
    assert any(line.endswith("floor 4  0.75×") for line in sharp)


def test_figures_that_ship_are_said_to() -> None:
    report = next(iter(shipped().values()))
    says = "these figures ship with genzoo; --again measures them here"
    timed = (*report.figures, Figure("images_per_second", 100.0))
    assert says in list(lines(msgspec.structs.replace(report, figures=timed)))
    assert says not in list(lines(msgspec.structs.replace(report, figures=timed[1:])))
    assert says not in list(lines(REPORT))


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_what_ships_is_said_on_a_terminal_in_lines_that_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GENZOO_DATA", raising=False)
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setattr(sys, "stdout", shown := Terminal())
    # With no data at hand: nothing is measured.
    assert main(["eval", "gan-mnist", "--no-costs"]) == 0
    lines = shown.getvalue().splitlines()
    assert "these figures ship with genzoo; --again measures them here" in lines
    assert max(map(len, lines)) <= 72
    assert lines[-1] == "measured by: genzoo eval gan-mnist --data DIR"
