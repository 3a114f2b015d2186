"""A dataset of digits that every machine has: what a model of the zoo makes of seeds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from datasets import ClassLabel, Features, Image
from datasets import Dataset as Table
from evaluating_cases import CHEAP

import genzoo
from genzoo_core.images import to_pil, to_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate
from genzoo_eval.report import Report

CLASSES = 10
SIZES = {"train": 60, "test": 40}
"""Images of each class."""

FIRST = 10**6
"""Seed of the first training image."""


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("GENZOO_DATA", raising=False)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds "mnist": pictures of gan-mnist, from seeds that nothing else uses."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mnist").mkdir()
    features = Features({"image": Image(), "label": ClassLabel(num_classes=CLASSES)})
    prompts = [str(i) for i in range(CLASSES)]
    for number, (split, each) in enumerate(SIZES.items(), 1):
        made = to_uint8(genzoo.generate("gan-mnist", prompts, n=each, seed=FIRST * number).images)
        rows = {
            "image": [to_pil(picture) for picture in made],
            "label": [i // each for i in range(len(made))],
        }
        file = folder / "mnist" / f"{split}-00000-of-00001.parquet"
        Table.from_dict(rows, features=features).to_parquet(file)
    return folder


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
