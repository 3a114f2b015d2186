"""The README's and the docs' figures are those of the reports that ship."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from genzoo_compare.baselines import baselines, shipped_reports
from genzoo_eval.keys import format_value
from genzoo_eval.report import Figure, Report
from genzoo_eval.report_store import shipped
from genzoo_stability.results import SHIPPED, StabilityResults
from genzoo_stability.table import lines

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
COMPARISON = ROOT / "docs" / "comparison.md"


def rows() -> dict[str, list[str]]:
    """The cells of the comparison's table, by what the row begins with after the family."""
    lines = re.findall(r"^\| (.*) \|$", COMPARISON.read_text(encoding="utf-8"), re.MULTILINE)
    cells = [line.split(" | ") for line in lines]
    return {row[1].split(":")[0].split(" with `")[0].strip("`"): row for row in cells}


def reports() -> list[tuple[str, Report]]:
    models = [
        (report.subject.name.removeprefix("genzoo/"), report)
        for report in shipped().values()
        if report.dataset == "mnist"
        and report.figure("fd") is not None
        and not report.subject.options.get("steps")
    ]
    return [*models, *shipped_reports("mnist").items()]


def ratio(figure: Figure) -> float:
    """A figure as a multiple of its floor."""
    assert figure.floor is not None
    return figure.value / figure.floor


def header() -> list[str]:
    """The titles of the comparison's table."""
    text = COMPARISON.read_text(encoding="utf-8")
    (line,) = re.findall(r"^\| (Family \|.*) \|$", text, re.MULTILINE)
    return line.split(" | ")


COLUMNS = {
    "Fréchet distance ÷ floor": "fd",
    "Precision": "precision",
    "Recall": "recall",
    "Coverage": "coverage",
    "Asked class seen": "accuracy",
    "Reconstruction error": "reconstruction_mse",
    "Parameters": "parameters",
    "Operations per image (MFLOP)": "flops",
}
"""Columns whose figures are in the reports, by their titles without the net; speeds are not."""


def expected(column: str, report: Report) -> str:
    """What the cell of a column says by a report."""
    title = column if column in COLUMNS else column.partition(" (")[0]
    key, net = COLUMNS[title], column.removeprefix(title).strip(" ()")
    found = [f for f in report.figures if f.key == key and f.net.endswith(net)]
    if not found:
        return "–"
    if key == "fd":
        return f"{ratio(found[0]):.3g}×"
    return format_value(key, found[0].value).removesuffix(" MFLOP")


@pytest.mark.parametrize(("name", "report"), reports(), ids=[name for name, _ in reports()])
def test_cells_are_those_of_the_reports(name: str, report: Report) -> None:
    for column, cell in zip(header()[2:], rows()[name][2:], strict=True):
        if column not in ("Speed (images/s)", "Training stability"):
            assert cell.strip("*") == expected(column, report), column


def test_the_best_are_told_with_the_cells_of_their_rows() -> None:
    (line,) = re.findall(r"^Best at .*$", COMPARISON.read_text(encoding="utf-8"), re.MULTILINE)
    best = re.findall(r"\(`([\w-]+)`, ([^;()]*(?:\(classifier\)[^;()]*)?)", line)
    assert len(best) == 5
    for name, told in best:
        cells = {cell.strip("*") for cell in rows()[name]}
        values = re.findall(r"[\d.,]*\d(?:×| %)?", told)
        assert values
        assert set(values) <= cells, (name, told)


def test_each_baseline_has_a_row_with_its_figures_or_the_reason_why_not() -> None:
    measured = {name for name, _ in reports()}
    assert len(baselines("mnist")) >= 9
    for baseline in baselines("mnist"):
        if baseline.name in measured:
            assert baseline.name in rows()
            continue
        row = rows()[baseline.title]
        assert baseline.missing
        assert baseline.missing.split("`")[0] in row[1]
        assert set(row[2:]) == {"–"}


def test_the_claims_are_those_of_the_results_that_ship() -> None:
    results = msgspec.json.decode(
        (SHIPPED / "stability-mnist.json").read_bytes(), type=StabilityResults
    )
    told = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    assert "```text\n" + "\n".join(lines(results)) + "\n```" in told


def printed(tool: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / tool], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_readme_is_short_and_shows_what_its_command_prints() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count("\n") <= 130
    assert printed("families.py") in text


def test_the_page_of_weights_shows_what_its_command_prints() -> None:
    page = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    assert printed("targets.py") in page


def test_the_page_of_what_is_measured_shows_what_its_command_prints() -> None:
    page = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    assert printed("tutorial.py") in page


def test_the_page_of_conditioning_shows_what_its_command_prints() -> None:
    page = (ROOT / "docs" / "conditioning.md").read_text(encoding="utf-8")
    tables = printed("heeding.py").rstrip("\n").split("\n\n")
    assert len(tables) == 3
    for table in tables:
        assert table in page


def of_model(name: str, steps: int | None = None) -> Report:
    """The report of one of genzoo's models at its own settings, or with other steps."""
    (found,) = (
        report
        for report in shipped().values()
        if report.subject.name == f"genzoo/{name}"
        and report.subject.options.get("steps") == steps
        and report.subject.options.get("guidance") is None
    )
    return found


def figure(report: Report, key: str, net: str = "") -> Figure:
    (found,) = (f for f in report.figures if f.key == key and f.net.endswith(net))
    return found


def floors(name: str, net: str, steps: int | None = None) -> str:
    return f"{ratio(figure(of_model(name, steps), 'fd', net)):.1f}"


def test_what_the_page_of_weights_says_of_fewer_steps_is_in_the_reports() -> None:
    page = " ".join((ROOT / "docs" / "weights.md").read_text(encoding="utf-8").split())
    of_steps = (("flow1-mnist", 1), ("flow1-mnist", None), ("flow-mnist", None))
    seen = [floors(name, "supervised", steps) for name, steps in of_steps]
    operations = [figure(of_model("flow1-emoji", s), "flops").value for s in (None, 2)]
    for sentence in (
        f"with which it is at {floors('flow1-mnist', 'classifier', 1)} floors",
        "sees {} floors in one, {} in two and {} in its teacher".format(*seen),
        "of its {:.0f} million operations ({:.0f} with".format(*operations),
    ):
        assert sentence in page
    recipes = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert f"(`--steps 1`: {floors('flow1-mnist', 'classifier', 1)} floors)" in recipes


def test_the_first_seeds_on_the_page_of_weights_are_those_of_the_reports() -> None:
    page = (ROOT / "docs" / "weights.md").read_text(encoding="utf-8")
    table = page.partition("## A second seed")[2]
    lines = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE)
    assert len(lines) == 4
    for name, line in lines:
        report, cells = of_model(name), line.split(" | ")
        emoji = report.dataset == "emoji"
        nets = ("dual" if emoji else "classifier", "supervised")
        for cell, net in zip(cells[:4:2], nets, strict=True):
            of = figure(report, "fd", net)
            assert of.floor is not None
            assert of.spread is not None
            assert cell == f"{ratio(of):.2f} ± {of.spread / of.floor:.2f}", name
        keys = ("r10_seen", "r10_held_out") if emoji else ("accuracy",)
        assert cells[4] == " / ".join(f"{figure(report, key).value:.1%}" for key in keys), name
