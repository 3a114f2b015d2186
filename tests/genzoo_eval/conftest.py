"""A zoo with a cache of its own, and a report that many tests read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from evaluating_cases import CHEAP

import genzoo
from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate
from genzoo_eval.report import Report


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("GENZOO_DATA", raising=False)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """The zoo, with a cache of its own in this process and in those that it starts."""
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return genzoo.open_zoo()


@pytest.fixture(scope="session")
def warm_zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    """The zoo, with a cache that all tests of a session share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield genzoo.open_zoo()


@pytest.fixture(scope="session")
def itself(warm_zoo: Zoo, digits: Path) -> Report:
    """gan-mnist against pictures of its own."""
    return evaluate(warm_zoo, "gan-mnist", digits, CHEAP)
