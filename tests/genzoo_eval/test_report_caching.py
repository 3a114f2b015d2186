"""Reports that were made before, or that ship: found, and made once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genzoo_core.zoo import Zoo
from genzoo_eval.codecs import is_codec
from genzoo_eval.evaluating import evaluate
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.report_store import ReportKey, ReportStore, shipped, usual_n
from genzoo_eval.report_text import lines
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages


def test_a_report_is_made_once(zoo: Zoo, digits: Path, tmp_path: Path) -> None:
    told: list[str] = []
    settings = Settings(n=60, costs=False)
    first = evaluate(zoo, "gan-mlp-mnist", digits, settings, tell=told.append)
    assert told
    told.clear()
    assert evaluate(zoo, "gan-mlp-mnist", digits, settings, tell=told.append) == first
    assert told == []
    assert evaluate(zoo, "gan-mlp-mnist", digits, settings, again=True) == first
    other = Settings(n=60, seed=1, costs=False)
    assert evaluate(zoo, "gan-mlp-mnist", digits, other).figures != first.figures


def test_a_damaged_report_is_made_again(
    zoo: Zoo, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    report = Report(Subject("x", "0"), "mnist", "", 50, 0, (Figure("fd", 1.0),))
    key = ReportKey("0", {})
    store = ReportStore(zoo, "mnist", digits, print)
    store.put(key, report)
    assert store.get(key) == report
    (tmp_path / "another copy").mkdir()
    assert ReportStore(zoo, "mnist", tmp_path / "another copy", print).get(key) is None
    for file in (tmp_path / "cache" / "eval").iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    assert store.get(key) is None


def test_an_option_that_a_family_gains_does_not_hide_older_reports() -> None:
    def key(options: dict[str, object]) -> str:
        subject = Subject("x", "0", options=options)
        return ReportKey.of(subject, "mnist", Settings(costs=False), ()).digest

    assert key({"temperature": 1.0, "guidance": None}) == key({"temperature": 1.0})
    assert key({"temperature": 1.0, "guidance": 2.0}) != key({"temperature": 1.0})


def test_a_report_shows_options_as_they_are_set() -> None:
    chosen = {"component": "ddim", "config": {"eta": 0.5}}
    subject = Subject("x", "0", options={"steps": 4, "sampler": chosen}, conditions={"style": "a"})
    shown = list(lines(Report(subject, "mnist", "", 50, 0, (Figure("fd", 1.0),))))
    assert shown[1] == "  steps=4, sampler=ddim, sampler.eta=0.5, style=a"


def test_reports_that_ship_are_of_the_images_that_they_were_measured_against(
    zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    subject = ModelImages.open(zoo, "gan-mnist", Settings()).subject
    key = ReportKey.of(subject, "mnist", Settings(costs=False), load_nets(zoo, "mnist"))
    told: list[str] = []
    assert ReportStore(zoo, "mnist", None, told.append).get(key) == shipped()[key.digest]
    (tmp_path / "nothing").mkdir()
    assert ReportStore(zoo, "mnist", tmp_path / "nothing", told.append).get(key) is not None
    assert told == []
    for _ in range(2):  # the second time from the digest that was kept
        assert ReportStore(zoo, "mnist", digits, told.append).get(key) is None
    assert told == ["the test images of mnist are not those of the figures that ship"] * 2


def test_a_report_bears_the_name_that_was_asked_for(zoo: Zoo, tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(zoo.weights("gan-mnist").path.read_bytes())
    ships = evaluate(zoo, "gan-mnist", None, Settings(costs=False))
    report = evaluate(zoo, str(mine), None, Settings(costs=False))
    assert ships.subject.name == "genzoo/gan-mnist"
    assert report.subject.name == str(mine)
    assert report.command == f"genzoo eval {mine} --data DIR"
    assert report.figures == ships.figures
    assert report.subject.versions == ships.subject.versions


def test_every_shipped_report_is_found_for_the_model_that_ships(zoo: Zoo, tmp_path: Path) -> None:
    reports = shipped()
    for key, report in reports.items():
        if is_codec(zoo, report.subject.name):
            # Found without any data: there is none in this folder.
            plain = Settings(usual_n(report.dataset), costs=False)
            assert evaluate(zoo, report.subject.name, tmp_path, plain) == report
            continue
        settings = Settings(
            report.n,
            report.seed,
            report.subject.options,
            report.subject.conditions,
            costs=False,
        )
        images = ModelImages.open(zoo, report.subject.name, settings)
        nets = load_nets(zoo, report.dataset, ())
        assert ReportKey.of(images.subject, report.dataset, settings, nets).digest == key, (
            report.subject
        )
    assert {"genzoo/ae-mnist", "genzoo/flow-fashion", "genzoo/flow-emoji"} <= {
        report.subject.name for report in reports.values()
    }


def test_a_model_is_measured_with_as_many_images_as_its_figures_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path))
    asked = [sys.executable, "-m", "genzoo", "eval", "flow-emoji", "--no-costs", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    # 1,062: three of each of the 354 test images, of which 10,000 pictures would be too many.
    assert json.loads(done.stdout)["n"] == usual_n("emoji") == 1062
    assert usual_n("mnist") == usual_n("a dataset without figures") == 10_000
