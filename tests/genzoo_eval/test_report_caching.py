"""Reports that were made before, or that ship: found, and made once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genzoo_core.zoo import Zoo
from genzoo_eval.caching import Asked, ReportCache, ship, shipped, usual_n
from genzoo_eval.codecs import is_codec
from genzoo_eval.evaluating import evaluate
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.known import Known, asked_of
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.settings import Settings
from genzoo_eval.showing import lines
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


def test_a_damaged_report_is_made_again(tmp_path: Path) -> None:
    report = Report(Subject("x", "0"), "mnist", "", 50, 0, (Figure("fd", 1.0),))
    asked = Asked("0", {}, {}, {}, 50, 0, "mnist", ("net",), costs=False)
    cache = ReportCache(tmp_path, "copy")
    cache.put(asked, report)
    assert cache.get(asked) == report
    assert ReportCache(tmp_path, "another copy").get(asked) is None
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    assert cache.get(asked) is None


def test_an_option_that_a_family_gains_does_not_hide_older_reports() -> None:
    def key(options: dict[str, object]) -> str:
        return Asked.of(Subject("x", "0", options=options), "mnist", 50, 0, ("net",), False).key()

    assert key({"temperature": 1.0, "guidance": None}) == key({"temperature": 1.0})
    assert key({"temperature": 1.0, "guidance": 2.0}) != key({"temperature": 1.0})


def test_a_report_shows_options_as_they_are_set() -> None:
    chosen = {"component": "ddim", "config": {"eta": 0.5}}
    subject = Subject("x", "0", options={"steps": 4, "sampler": chosen}, conditions={"style": "a"})
    shown = list(lines(Report(subject, "mnist", "", 50, 0, (Figure("fd", 1.0),))))
    assert shown[1] == "  steps=4, sampler=ddim, sampler.eta=0.5, style=a"


def test_shipped_reports_are_found_by_what_was_asked(tmp_path: Path) -> None:
    def asked(sha256: str) -> str:
        return Asked(sha256, {}, {"steps": 5}, {}, 50, 0, "mnist", ("net",), True).key()

    old = Report(Subject("x", "0"), "mnist", "", 50, 0, (Figure("fd", 2.0),))
    few = Report(Subject("x", "0", options={"steps": 1}), "mnist", "", 50, 0, ())
    other = Report(Subject("y", "0"), "mnist", "", 50, 0, ())
    new = Report(Subject("x", "1"), "mnist", "", 50, 0, (Figure("fd", 1.0),))
    fewer = Report(Subject("x", "1", options={"steps": 1}), "mnist", "", 50, 0, ())
    file = tmp_path / "reports-mnist.json"
    ship(file, [(asked("0"), old), ("few", few), ("other", other)])
    assert shipped(tmp_path) == {asked("0"): old, "few": few, "other": other}
    shipped.cache_clear()
    ship(file, [(asked("1"), new), ("fewer", fewer)])  # whatever was measured of older weights goes
    assert shipped(tmp_path) == {asked("1"): new, "fewer": fewer, "other": other}


def test_reports_that_ship_are_of_the_images_that_they_were_measured_against(
    zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    subject = ModelImages.open(zoo, "gan-mnist", {}, {}, lambda *_: None).subject
    asked = asked_of(subject, "mnist", Settings(costs=False), load_nets(zoo, "mnist"))
    told: list[str] = []
    assert Known(zoo, "mnist", None, told.append).get(asked) == shipped()[asked.key()]
    (tmp_path / "nothing").mkdir()
    assert Known(zoo, "mnist", tmp_path / "nothing", told.append).get(asked) is not None
    assert told == []
    for _ in range(2):  # the second time from the digest that was kept
        assert Known(zoo, "mnist", digits, told.append).get(asked) is None
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
        images = ModelImages.open(
            zoo, report.subject.name, settings.options, settings.conditions, lambda *_: None
        )
        nets = load_nets(zoo, report.dataset, ())
        assert asked_of(images.subject, report.dataset, settings, nets).key() == key, report.subject
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
