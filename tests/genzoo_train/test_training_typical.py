"""What a model keeps of its training data, to draw with where nothing is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from training_cases import make_images

from genzoo_core import DataError, Dataset, Recipe
from genzoo_core.request import Request
from genzoo_core.zoo import Zoo
from genzoo_train.building import typical_values
from genzoo_train.training import train

FAST = {"denoising": {"lr": 1e-2}}
CAPTIONS = ["sun", "moon", "star", "comet", "planet"]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, ["comet"]),
        (2, ["comet", "planet"]),
        (4, ["comet", "moon", "planet", "star"]),
        (5, sorted(CAPTIONS)),
        (900, sorted(CAPTIONS)),
    ],
)
def test_values_are_distinct_and_evenly_spaced_in_their_order(
    count: int, expected: list[str]
) -> None:
    assert typical_values(CAPTIONS * 3, count) == expected


def recipe(**text: Any) -> Recipe:
    """A flow that reads captions, trained until it heeds them a little."""
    conditioner = {"component": "genzoo/text", "column": "text", "config": {"tokens": 0}}
    fields = {
        "name": "sky",
        "card": {"family": "diffusion", "summary": "A test."},
        "data": {"name": "sky", "shape": [1, 8, 8]},
        "model": {
            "component": "genzoo/diffusion",
            "parts": {"text": {"model": "genzoo/text-minilm"}},
            "conditioners": {"text": conditioner | text},
            "config": {
                "shape": [1, 8, 8],
                "noiser": {"component": "genzoo/rectified-flow"},
                "network": {"type": "mlp", "width": 16, "blocks": 1, "embedding": 16},
                "unasked": "typical",
            },
        },
        "stages": [{"name": "denoising", "steps": 40, "batch_size": 8, "phases": FAST}],
    }
    return msgspec.convert(fields, Recipe)


def test_a_model_keeps_captions_and_draws_with_them_where_nothing_is_asked(
    zoo: Zoo, tmp_path: Path
) -> None:
    images = make_images()
    sky = Dataset(images, {"text": [CAPTIONS[i % 5] for i in range(len(images))]})
    weights = train(zoo, recipe(typical=1), sky, tmp_path / "run")
    built = zoo.open(str(weights))
    assert built.spec.conditioners["text"].config["typical"] == ("comet",)

    unasked = zoo.generate(Request(str(weights), n=2, seed=3)).images
    asked = zoo.generate(Request(str(weights), ("comet",), n=2, seed=3)).images
    torch.testing.assert_close(unasked, asked)
    empty = zoo.generate(Request(str(weights), ("",), n=2, seed=3)).images
    assert not torch.allclose(empty, asked, atol=1e-3)

    kept = train(zoo, recipe(typical=1), sky, tmp_path / "run", resume=True)
    assert kept.read_bytes() == weights.read_bytes()
    none = zoo.open(str(train(zoo, recipe(), sky, tmp_path / "none")))
    assert none.spec.conditioners["text"].config["typical"] == ()


def test_a_column_that_is_not_there_has_no_typical_values(zoo: Zoo, tmp_path: Path) -> None:
    sky = Dataset(make_images(), {"words": ["sun"] * len(make_images())})
    with pytest.raises(DataError, match="dataset sky has no column 'text'; it has words"):
        train(zoo, recipe(typical=1), sky, tmp_path / "run")
