"""Processes that a measurement starts: nothing but what they are for has a say in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from genzoo_core.errors import GenzooError
from genzoo_core.zoo import Zoo
from genzoo_eval.costs import run_once
from genzoo_eval.evaluating import evaluate
from genzoo_eval.settings import Settings

LIES = ("numpy", "torch", "json", "random", "subprocess", "resource", "click", "genzoo")
"""Modules that these processes import."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files that could pass for modules."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in LIES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} is none of yours')\n")
    monkeypatch.chdir(folder)
    return folder


def test_what_is_timed_imports_nothing_of_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-16")
    took = run_once("gan-mlp-mnist", {}, 1)
    assert took.seconds > 0
    assert took.memory > 50e6


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("print('x' * 10**6)\nraise SystemExit('no room é')", "failed: SystemExit: no room é"),
        ("import os\nos._exit(3)", "failed: nothing"),
    ],
)
def test_what_is_timed_and_fails_is_an_error_in_plain_words(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nif '-m' in sys.orig_argv:\n    exec({code!r})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(GenzooError) as caught:
        run_once("gan-mlp-mnist", {}, 1)
    assert str(caught.value) == f"`genzoo run gan-mlp-mnist` {message}"


def test_figures_are_there_where_speed_cannot_be_measured(
    warm_zoo: Zoo, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif '-m' in sys.orig_argv:\n    raise SystemExit('no room')\n", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = evaluate(warm_zoo, "gan-mlp-mnist", digits, Settings(n=60))
    assert report.figure("fd") is not None
    assert report.machine == ""
    assert report.notes[-1] == (
        "speed and memory are not measured: `genzoo run gan-mlp-mnist` failed: SystemExit: no room"
    )
