"""The features of very many pictures lie in files: memory does not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import genzoo
from genzoo_core import Encoder
from genzoo_eval.frozen_net import FrozenNet
from genzoo_eval.real import MOST, RealFeatures, spaced

ANONYMOUS = """import json, re, sys
from pathlib import Path
import torch

def anonymous():
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) * 1024
"""

SCRIPT = """from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.spread import in_parts

cache, rows, size = Path(sys.argv[1]), 1_000_000, 64
in_parts(1000, 250, lambda first, end: torch.zeros(end - first, size))  # what it takes anyway
before = anonymous()
make = lambda first, end: torch.arange(first, end).float()[:, None].expand(-1, size)
features = in_parts(rows, 250, make)
save_tensors(cache, "features", {"train": features})
found = load_tensors(cache, "features")["train"]
more = anonymous() - before
print(json.dumps({
    "size": found.nbytes,
    "right": torch.equal(found, make(0, rows)) and torch.equal(features, found),
    "more": more,
}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_features_are_made_cached_and_found_outside_of_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANONYMOUS + SCRIPT, str(tmp_path)], capture_output=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["right"]
    assert found["size"] == 256_000_000
    assert found["more"] < 0.2 * found["size"]


PAIRS = """from genzoo_eval.metrics.manifold import Manifold
from genzoo_eval.metrics.neighbours import nearest_other

features = torch.randn(12_000, 16)
nearest_other(features[:1000])
before = anonymous()
manifold = Manifold.of(features, 3, 5)
print(anonymous() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_looking_at_all_pairs_takes_the_memory_of_some() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ANONYMOUS + PAIRS], capture_output=True, check=True
    )
    assert int(done.stdout) < 0.2 * 4 * 12_000**2


def classifier() -> FrozenNet:
    opened = genzoo.open_zoo().open("features-mnist-classifier")
    assert isinstance(opened.module, Encoder)
    return FrozenNet("classifier", opened.sha256, opened.module)


def test_how_many_images_were_looked_at_is_told() -> None:
    told: list[tuple[int, int]] = []
    images = torch.zeros(600, 1, 28, 28, dtype=torch.uint8)
    classifier().features(images, lambda done, total: told.append((done, total)))
    assert told == [(250, 600), (500, 600), (600, 600)]


@given(st.integers(1, 400), st.integers(1, 200))
def test_the_features_that_are_looked_at_pair_by_pair_are_evenly_spaced(
    count: int, most: int
) -> None:
    rows = spaced(torch.arange(count)[:, None], most)[:, 0]
    assert len(rows) == min(count, most)
    steps = {int(step) for step in rows.diff()}
    assert rows[0] == 0
    assert steps <= {count // most, count // most + 1} - {0}


@pytest.mark.parametrize("dataset", ["more test images", "few test images"])
def test_of_more_images_than_that_so_many_are_looked_at_pair_by_pair(dataset: str) -> None:
    many, few = torch.arange(MOST + 1000.0)[:, None], torch.arange(500.0)[:, None]
    test, train = (few, many) if dataset == "few test images" else (many, few)
    nothing = torch.zeros(MOST)
    tensors = {"test": test, "train": train, "radii.3": nothing, "radii.5": nothing}
    real = RealFeatures.of(classifier(), tensors | {"unseen": nothing, "apart": nothing})
    assert torch.equal(real.target, many)
    assert real.manifold.features[::10_000, 0].tolist() == [0, 10_200, 20_400, 30_600, 40_800]
    assert real.moments.mean.item() == pytest.approx((MOST + 999) / 2)  # of all of them
