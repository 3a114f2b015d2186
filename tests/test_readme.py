"""The README's and the docs' figures are those of the reports that ship."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from genzoo_eval.caching import shipped
from genzoo_eval.comparing.baselines import baselines, shipped_reports
from genzoo_eval.report import Report
from genzoo_stability.results import SHIPPED, StabilityResults
from genzoo_stability.table import lines

README = Path(__file__).parent.parent / "README.md"
NETS = ("features-mnist-classifier", "features-mnist-self-supervised")


def rows() -> dict[str, list[str]]:
    """The cells of the README's table, by what the row begins with after the family."""
    lines = re.findall(r"^\| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
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


def ratio(report: Report, net: str) -> float:
    (figure,) = [f for f in report.figures if f.key == "fd" and f.net == net]
    assert figure.floor is not None
    return figure.value / figure.floor


@pytest.mark.parametrize(("name", "report"), reports(), ids=[name for name, _ in reports()])
def test_distances_are_those_of_the_reports(name: str, report: Report) -> None:
    row = rows()[name]
    for cell, net in zip(row[2:4], NETS, strict=True):
        shown = float(cell.strip("*×"))
        # Three digits are shown.
        assert shown == pytest.approx(ratio(report, net), rel=0.005)


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
    told = (README.parent / "docs" / "measured.md").read_text(encoding="utf-8")
    assert "```text\n" + "\n".join(lines(results)) + "\n```" in told


def printed(tool: str) -> str:
    done = subprocess.run(
        [sys.executable, README.parent / "tools" / tool], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_page_of_weights_shows_what_its_command_prints() -> None:
    page = (README.parent / "docs" / "weights.md").read_text(encoding="utf-8")
    assert printed("targets.py") in page


def test_the_page_of_what_is_measured_shows_what_its_command_prints() -> None:
    page = (README.parent / "docs" / "measured.md").read_text(encoding="utf-8")
    assert printed("tutorial.py") in page


def test_the_page_of_conditioning_shows_what_its_command_prints() -> None:
    page = (README.parent / "docs" / "conditioning.md").read_text(encoding="utf-8")
    models, _, curve = printed("heeding.py").rstrip("\n").partition("\n\n")
    assert models in page
    assert curve
    assert curve in page
