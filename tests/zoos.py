"""A zoo with a cache of its own, on one thread: for the tests of what measures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import genzoo
from genzoo_core.zoo import Zoo


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
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
