"""The tables of a comparison: what stands in them, and who is best."""

from __future__ import annotations

import dataclasses
import json
import math

import msgspec
import pytest
from comparison_cases import BLIND, HOSTILE, SEEING, comparison, report, rows

from genzoo_compare.as_json import as_json
from genzoo_compare.baselines import Baseline
from genzoo_compare.columns import cells, columns, floor_cell
from genzoo_compare.comparison import Comparison, Row
from genzoo_compare.markdown import as_markdown
from genzoo_compare.terminal import as_text
from genzoo_compare.verdicts import Measured, by_family, over_floor, quality, times, verdicts
from genzoo_eval.report import Report

NETS = (SEEING, BLIND)


PAPER = Baseline("paper", "gan", "A paper", "Its authors", "mnist", note="half of its steps")


def a_row(name: str, family: str = "gan", **figures: float) -> Row:
    defaults: dict[str, float] = {"seeing": 2, "blind": 2, "speed": 100, "parameters": 1000}
    given = report(name, family, **{**defaults, **figures})  # type: ignore[arg-type]
    return Row(name, family, given)


def best_of(found: Comparison) -> dict[str, str]:
    return {verdict.criterion.title: verdict.best.name for verdict in verdicts(found)}


def test_quality_is_the_geometric_mean_of_the_nets_multiples_of_the_floor() -> None:
    found = quality(report("x", "gan", seeing=2, blind=8, speed=1, parameters=1), NETS)
    assert found is not None
    assert found.value == pytest.approx(4)  # the root of 2 · 8
    assert found.spread is None


def test_the_spread_of_quality_is_that_of_a_product_of_independent_factors() -> None:
    # Relative spreads of 0.3 / 3 and 0.3 / 3: d(√(ab)) / √(ab) = ½ √(0.1² + 0.1²).
    found = quality(report("x", "gan", seeing=3, blind=3, speed=1, parameters=1, spread=0.3), NETS)
    assert found is not None
    assert found.spread == pytest.approx(3 * 0.5 * math.sqrt(0.02))


def test_a_model_that_was_not_measured_in_every_net_has_no_quality() -> None:
    whole = report("x", "gan", seeing=2, blind=8, speed=1, parameters=1)
    seen = tuple(f for f in whole.figures if (f.key, f.net) != ("fd", BLIND))
    assert quality(msgspec.structs.replace(whole, figures=seen), NETS) is None


def test_a_row_without_a_positive_floor_has_no_multiple() -> None:
    whole = report("x", "gan", seeing=2, blind=8, speed=1, parameters=1)
    figures = tuple(msgspec.structs.replace(figure, floor=-0.1) for figure in whole.figures)
    found = msgspec.structs.replace(whole, figures=figures)
    assert over_floor(whole, "fd", SEEING) is not None
    assert over_floor(found, "fd", SEEING) is None
    assert quality(found, NETS) is None


def test_what_lies_below_its_floor_is_explained() -> None:
    rows = (a_row("far", seeing=1.5), a_row("near", seeing=0.9))
    assert "Below 1×" not in as_text(Comparison("mnist", rows[:1]))
    assert "Below 1×: nearer to real pictures than other real ones" in " ".join(
        as_text(Comparison("mnist", rows)).split()
    )


def test_intervals_overlap_within_two_standard_errors_of_the_difference() -> None:
    assert Measured(1.0, 0.3).overlaps(Measured(1.9, 0.4))  # 0.9 < 2 · 0.5
    assert not Measured(1.0, 0.3).overlaps(Measured(2.1, 0.4))
    assert not Measured(1.0).overlaps(Measured(1.1, 5.0))  # nothing is known of the first


def test_the_best_at_each_criterion() -> None:
    assert best_of(comparison()) == {
        "Quality": "gan-mnist",
        "Speed": "ae-mnist",  # ae-mlp-mnist is faster, but makes noise
        "Size": "ae-mnist",  # "odd" is smaller, but above ten floors
        "Obedience": "flow-mnist",
        "Reconstruction": "ae-mnist",
    }


def test_what_cannot_be_run_here_is_best_at_nothing_and_named_below_the_table() -> None:
    here = a_row("here", parameters=1000)
    paper = dataclasses.replace(a_row("paper", parameters=10), baseline=PAPER, shipped=False)
    found = Comparison("mnist", (here, paper))
    assert set(best_of(found).values()) == {"here"}
    (_, _, told) = as_markdown(found).rstrip().rpartition("\n\n")
    assert told.startswith("Speed was measured on 2 cores. `paper`: half of its steps. ")
    assert "The weights of `paper` do not ship: `genzoo train" in told
    assert "paper: half of its steps" in as_text(found)
    tutorial = dataclasses.replace(paper, shipped=True)
    assert "not ship" not in as_markdown(Comparison("mnist", (here, tutorial)))


def test_what_is_far_from_real_is_best_of_no_column() -> None:
    near = tuple(a_row(name, seeing=2, blind=2, speed=v) for name, v in (("a", 100), ("b", 90)))
    noise = a_row("noise", seeing=900, blind=90, speed=9000)
    found = Comparison("mnist", (*near, noise), nets=comparison().nets)
    (column,) = (c for c in columns(found) if c.key == "images_per_second")
    marked = [cell.best for cell in cells(column, found.rows, found.net_names)]
    assert marked == [True, False, False]
    assert "**9,000**" not in as_markdown(found)
    paper = dataclasses.replace(near[0], name="paper", baseline=PAPER, shipped=False)
    beside = Comparison("mnist", (near[1], a_row("c", seeing=2, blind=2, speed=80), paper))
    marked = [cell.best for cell in cells(column, beside.rows, beside.net_names)]
    assert marked == [True, False, False]  # what cannot be run here is best of nothing


def test_ties_are_told_in_markdown_too() -> None:
    names = {"a": 2.0, "b": 2.05, "c": 3.0}
    rows = tuple(a_row(n, seeing=v, blind=v, spread=0.1) for n, v in names.items())
    told = as_markdown(Comparison("mnist", rows))
    assert "**Quality**" in told
    assert "; as good within the errors: `b`)" in told


def test_where_no_model_is_usable_all_are_judged_by_speed() -> None:
    slow, fast = a_row("slow", seeing=50, blind=50), a_row("fast", seeing=900, blind=90, speed=200)
    assert best_of(Comparison("mnist", (slow, fast)))["Speed"] == "fast"


def test_what_cannot_be_told_from_the_best_is_named_beside_it() -> None:
    names = {"a": 2.0, "b": 2.05, "c": 3.0}
    found = tuple(a_row(n, seeing=v, blind=v, spread=0.1) for n, v in names.items())
    (verdict, *_) = verdicts(Comparison("mnist", found))
    assert verdict.best.name == "a"
    assert [row.name for row in verdict.tied] == ["b"]


def test_each_family_has_its_best_and_one_of_all_is_marked() -> None:
    table = dict(by_family(comparison()))
    assert list(table)[:4] == ["autoencoder", "vae", "gan", "diffusion"]
    quality_of = {family: line[0] for family, line in table.items()}
    assert [name for name, cell in quality_of.items() if cell and cell[1]] == ["gan"]
    assert table["gan"][4] is None  # a GAN cannot encode


def test_the_best_cells_of_a_column_are_those_shown_alike() -> None:
    found = tuple(a_row(str(i), speed=v) for i, v in enumerate((10.0, 1234.2, 1233.9)))
    (column,) = (c for c in columns(Comparison("mnist", found)) if c.key == "images_per_second")
    drawn = cells(column, found, ())
    assert [cell.text for cell in drawn] == ["10", "1,234", "1,234"]
    assert [cell.best for cell in drawn] == [False, True, True]


def test_the_floor_has_a_row_of_its_own() -> None:
    shown = columns(comparison())
    floors = {column.key: floor_cell(column, rows()).text for column in shown}
    assert floors["fd"] == "1×"
    assert floors["precision"] == "95.0 %"
    assert floors["images_per_second"] == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1×"), (1.7234, "1.72×"), (99.96, "100×"), (224.4, "224×")]
)
def test_multiples_as_text(value: float, text: str) -> None:
    assert times(value) == text


def test_the_terminals_table_has_a_line_for_each_model_and_fits_100_columns() -> None:
    text = as_text(comparison())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    for row in rows():
        (line,) = (line for line in lines if line.startswith(f"  {row.name} "))
        assert f"{row.report.figures[0].value / 3:.3g}×" in line
    assert "real training images" in text
    assert "GAN; training stability: 1 of 9 trainings failed" in text
    assert "Diffusion; training stability: not measured" in text
    assert "Not measured: Two-stage VAE: no component stacks two" in text
    assert "¹ ae-mlp-mnist: with prior=standard-normal" in text


@pytest.mark.parametrize("room", [60, 80, 90])
def test_a_narrower_terminal_gets_fewer_columns_of_whole_rows(room: int) -> None:
    lines = as_text(comparison(), room).splitlines()
    assert max(map(len, lines)) <= room
    for row in rows():
        (line,) = (line for line in lines if line.startswith(f"  {row.name} "))
        assert f"{row.report.figures[0].value / 3:.3g}×" in line
    assert as_text(comparison(), 300) == as_text(comparison())


def test_nothing_that_others_wrote_reaches_a_terminal_as_a_command() -> None:
    found = comparison()
    hostile = dataclasses.replace(found.rows[0], name=HOSTILE)
    named = dataclasses.replace(found, rows=(hostile, found.rows[-1]))
    for text in (as_text(named), as_markdown(named)):
        assert "\x1b" not in text


def test_markdown_is_one_table_whatever_names_hold() -> None:
    found = comparison()
    hostile = dataclasses.replace(found.rows[0], name=HOSTILE)
    text = as_markdown(dataclasses.replace(found, rows=(hostile, *found.rows[1:])))
    table = [line for line in text.splitlines() if line.startswith("|")]
    unescaped = [line.replace("\\|", "").count("|") for line in table]
    assert len(set(unescaped)) == 1
    # Header, rule, floor, a line for each model and for what is missing.
    assert len(table) == 3 + len(found.rows) + 1
    assert "| GAN | `gan-mnist` | **1.7×** | **1.9×** |" in text
    assert "`genzoo eval gan-mnist --data mnist`" in text


def test_json_holds_every_report_whole() -> None:
    found = json.loads(as_json(comparison()))
    assert [row["model"] for row in found["rows"]] == [row.name for row in rows()]
    for line, row in zip(found["rows"], rows(), strict=True):
        assert msgspec.convert(line["report"], Report) == row.report
    assert found["best"]["quality"]["model"] == "gan-mnist"
    assert [point["steps"] for point in found["rows"][3]["curve"]] == [1, 2, 5]
    assert found["missing"][0]["reason"] == "no component stacks two"


def test_a_comparison_of_one_model_without_figures_can_be_drawn() -> None:
    bare = msgspec.structs.replace(rows()[0].report, figures=())
    lonely = Comparison("mnist", (Row("lonely", "vae", bare),))
    assert "lonely" in as_text(lonely)
    assert "`lonely`" in as_markdown(lonely)
    assert json.loads(as_json(lonely))["best"] == {}
