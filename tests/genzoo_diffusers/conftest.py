"""The checkpoints, each saved once, and the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from checkpoints import save

from genzoo.cli import main


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one of `PIPELINES`; not to be written in."""
    root = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda name: save(name, root / name))


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `genzoo` in an empty folder; gives its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models.json"))

    def of_words(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        return main([*words]), *capfd.readouterr()

    return of_words
