"""An evaluation whose real images are in the cache begins to make pictures soon."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from shelf import Shelf

from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate
from genzoo_eval.settings import Settings

STOPS = """
import json, os, sys
from genzoo_core import hookimpl

@hookimpl
def genzoo_before_run(record):
    with open(os.environ["SEEN"], "w", encoding="utf-8") as file:
        json.dump(sorted(sys.modules), file)
    os._exit(0)
"""

SLOW = {"torchmetrics", "torchvision", "datasets", "scipy", "transformers", "matplotlib"}
"""Libraries that take longer to import than all else that happens before the first picture."""


@pytest.mark.parametrize("model", ["gan-mlp-mnist", "gan-mnist"])
def test_slow_libraries_wait_for_the_first_pictures(
    model: str, warm_zoo: Zoo, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(warm_zoo, model, digits, Settings(n=60, costs=False))
    site = tmp_path / "site"
    site.mkdir()
    shelf = Shelf(site, Path(os.environ["GENZOO_CACHE"]))
    head = 'api = 2\nhooks = ["genzoo_before_run"]'
    shelf.add("acme-stops", head=head, files={"__init__.py": STOPS})
    monkeypatch.setenv("PYTHONPATH", str(site))
    words = ["eval", model, "--data", str(digits), "-n", "60", "--seed", "1", "--no-costs"]
    seen = tmp_path / "modules.json"
    done = shelf.genzoo(*words, SEEN=str(seen))
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(seen.read_text(encoding="utf-8")))
    assert "torch" in modules
    assert modules & SLOW == set()


def test_floors_from_the_cache_are_those_that_were_measured(zoo: Zoo, digits: Path) -> None:
    settings = Settings(n=60, costs=False)
    measured = evaluate(zoo, "gan-mnist", digits, settings)
    assert evaluate(zoo, "gan-mnist", digits, settings, again=True) == measured
    with_floor = {each.key for each in measured.figures if each.floor is not None}
    assert {"fd", "class_tv", "accuracy", "sharpness"} <= with_floor
