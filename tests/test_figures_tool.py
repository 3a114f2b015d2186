"""`tools/figures.py` puts figures and reports where genzoo reads them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_store import shipped

TOOL = Path(__file__).parent.parent / "tools" / "figures.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The tool in a checkout with the recipes of two models."""
    for name in ("one", "two"):
        recipe = tmp_path / "plugins" / "genzoo_eval" / "recipes" / f"{name}.toml"
        recipe.parent.mkdir(parents=True, exist_ok=True)
        recipe.touch()
    (tmp_path / "tools").mkdir()
    shutil.copy(TOOL, tmp_path / "tools")
    return tmp_path


def put(checkout: Path, *reports: Report, option: str = "") -> None:
    files = []
    for number, report in enumerate(reports):
        files.append(checkout / f"{number}.json")
        files[-1].write_bytes(msgspec.json.encode(report))
    words = [sys.executable, checkout / "tools" / "figures.py", *([option] if option else [])]
    subprocess.run([*words, *files], check=True)


def report(name: str, sha256: str = "0", steps: int = 5, *figures: Figure) -> Report:
    subject = Subject(f"genzoo/{name}", f"{name}-{sha256}", options={"steps": steps})
    return Report(subject, "mnist", "", 50, 0, figures, command=f"genzoo eval {name}")


def test_figures_of_a_report_are_those_of_the_card(checkout: Path) -> None:
    first = Figure("fd", 0.123456, "net", 0.1, 0.01, 50), Figure("coverage", 0.5, "net", n=50)
    put(checkout, report("two"), report("one", "0", 5, *first, Figure("kid", 1.0)))
    text = (checkout / "plugins/genzoo_eval/figures.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["one", "two"]
    fixed = {"note": "in the features of net", "n": 50, "command": "genzoo eval one"}
    assert json.loads(text)["one"] == [
        {"name": "Fréchet distance", "value": 0.1235, "unit": "", "floor": 0.1, **fixed},
        {"name": "Coverage", "value": 50.0, "unit": "%", **fixed},
    ]
    assert "é" in text


def test_reports_that_ship_take_the_place_of_those_of_older_weights(checkout: Path) -> None:
    def of_each() -> set[tuple[str, int]]:
        shipped.cache_clear()
        found = shipped(checkout / "plugins/genzoo_eval/results").values()
        return {(r.subject.sha256, r.subject.options["steps"]) for r in found}

    put(checkout, report("one"), report("one", steps=1), report("two"), option="--curves")
    assert of_each() == {("one-0", 5), ("one-0", 1), ("two-0", 5)}
    new, fewer = report("one", "1"), report("one", "1", steps=1)
    put(checkout, new, fewer, option="--curves")  # what was measured of older weights goes
    assert of_each() == {("one-1", 5), ("one-1", 1), ("two-0", 5)}
    put(checkout, msgspec.structs.replace(new, figures=(Figure("fd", 1.0),)), option="--curves")
    assert of_each() == {("one-1", 5), ("one-1", 1), ("two-0", 5)}
    shipped.cache_clear()


def test_the_files_that_ship_are_in_the_form_that_the_tool_writes() -> None:
    files = list(TOOL.parent.parent.glob("plugins/*/figures.json"))
    assert len(files) >= 7
    for file in files:
        figures = json.loads(file.read_bytes())
        text = json.dumps(dict(sorted(figures.items())), indent=1, ensure_ascii=False)
        assert file.read_text(encoding="utf-8") == text + "\n", file
