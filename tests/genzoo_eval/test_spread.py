"""An evaluation on several processes gives what one process gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_measuring_own_pictures import write

SCRIPT = Path(__file__).with_name("spread_cases.py")


def run(ranks: int, cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The script on so many ranks, with a cache of their own."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    environment = {**os.environ, "GENZOO_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *(launcher if ranks > 1 else []), str(SCRIPT), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


def test_rows_are_shared_out_and_all_ranks_have_all_of_them(tmp_path: Path) -> None:
    def found(ranks: int) -> dict[str, dict[str, Any]]:
        lines = run(ranks, tmp_path, "parts").stdout.splitlines()
        return {line[0]: json.loads(line[2:]) for line in lines}

    alone, shared = found(1)["0"], found(3)
    assert alone["rows"][4] == [[i, 10 * i] for i in range(23)]
    assert alone["bytes"] == [i % 256 for i in range(300)]
    assert [alone[key] for key in ("raised", "first", "of some")] == [True, True, "here"]
    assert sorted(shared) == ["0", "1", "2"]
    for index, each in shared.items():
        for key in ("rows", "bytes", "raised", "of all"):
            assert each[key] == alone[key]
        assert each["first"] == (index == "0")
        assert each["of some"] is None


def test_figures_are_those_of_one_process(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write(photos / "train", 200, 1)
    write(photos / "test", 60, 2)
    for file in photos.rglob("*.png"):  # those of the model are grey
        Image.open(file).convert("L").save(file)
    words = ("eval", "gan-mnist", "--data", str(photos), "-n", "150", "--no-costs", "--json")
    one, two = (json.loads(run(ranks, tmp_path / str(ranks), *words).stdout) for ranks in (1, 2))
    keys = [(figure["key"], figure.get("net")) for figure in one["figures"]]
    assert ("fd", "features-photos-self-supervised") in keys
    assert keys == [(figure["key"], figure.get("net")) for figure in two["figures"]]
    for alone, shared in zip(one["figures"], two["figures"], strict=True):
        for name in ("value", "floor", "spread"):
            assert (name in shared) == (name in alone)
            assert shared.get(name, 0) == pytest.approx(alone.get(name, 0), rel=1e-6)
    # A second time it is read from the cache of either.
    again = json.loads(run(2, tmp_path / "2", *words).stdout)
    assert again == two


def test_the_first_rank_measures_what_all_have_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    photos = write(tmp_path / "photos", 200, 1)
    words = ("train", "gan", "--data", str(photos), "--steps", "2", "--out", str(tmp_path / "run"))
    said = run(2, tmp_path / "cache", *words).stderr
    assert said.count("training a net to measure with, features-photos-self-supervised") == 1
    assert said.count("distance to real pictures") == 1
