"""`--compile`: the networks of a model through `torch.compile`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import genzoo
from genzoo_core.compiling import compile_networks

NEEDS_COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no compiler")
MODEL = "gan-mlp-mnist"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what is compiled in it: what others compiled may be damaged."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def genzoo_run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "genzoo", "run", *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def npz(path: str) -> tuple[np.ndarray, dict[str, Any]]:
    with np.load(path) as file:
        return file["images"].astype(int), json.loads(str(file["record"]))["record"]


def test_of_a_model_it_is_the_networks_and_not_what_reads_prompts() -> None:
    module = genzoo.load("ldm-mnist")
    compile_networks(module)
    named = [name for name, part in module.named_modules() if part._compiled_call_impl]
    assert named == ["conditioning.vectors.label", "codec.encoder", "codec.decoder", "network"]


@pytest.mark.long
@NEEDS_COMPILER
def test_pictures_are_the_same_but_for_rounding_and_the_record_says_it(place: Path) -> None:
    words = [MODEL, "-n", "4", "--seed", "1", "-o"]
    assert genzoo_run(*words, "plain.npz").returncode == 0
    done = genzoo_run(*words, "compiled.npz", "--compile")
    assert done.returncode == 0, done.stderr
    (plain, before), (compiled, record) = npz("plain.npz"), npz("compiled.npz")
    assert abs(compiled - plain).max() <= 1
    assert record["compile"] is True
    assert "compile" not in before
    done = genzoo_run("--replay", "compiled.npz", "-o", "again.npz")
    assert "the same pixels" in done.stderr
    assert npz("again.npz")[1]["compile"] is True


@pytest.mark.long
def test_without_a_compiler_it_says_what_is_wrong(place: Path) -> None:
    done = genzoo_run(MODEL, "--compile", "-o", "x.png", CXX="/nowhere/c++")
    assert done.returncode == 2
    assert f"genzoo/{MODEL} cannot be compiled: " in done.stderr
    assert done.stderr.rstrip().endswith("leave out --compile")
