"""Rows of a request with conditions and seeds of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from painting import Cli

import genzoo
from genzoo_core.errors import UsageError


def test_each_row_has_its_condition_and_its_seed(painter: Path) -> None:
    made = genzoo.generate(
        "colour", ["3", "7"], n=2, seeds=[40, 9], conditions={"text": ["a cat", "a dog"]}
    )
    assert made.seeds == (40, 41, 9, 10)
    assert made.record.seed == 40
    cat = genzoo.generate("colour", "3", n=2, seed=40, conditions={"text": "a cat"})
    dog = genzoo.generate("colour", "7", n=2, seed=9, conditions={"text": "a dog"})
    alone = torch.cat([cat.images, dog.images])
    torch.testing.assert_close(made.images, alone, rtol=1e-4, atol=1e-5)


def test_seeds_and_conditions_alone_make_rows(painter: Path) -> None:
    seeds = genzoo.generate("plain", seeds=(5, 3))
    assert seeds.seeds == (5, 3)
    texts = genzoo.generate("colour", conditions={"text": ("a", "b", "c")}, seed=1, n=2)
    assert texts.seeds == (1, 2, 3, 4, 5, 6)
    one = genzoo.generate("colour", "3", conditions={"text": ["a", "b"]}, seed=0)
    assert len(one.images) == 2  # one prompt stands for all rows


def test_they_are_made_again_from_the_record(painter: Path, cli: Cli, tmp_path: Path) -> None:
    from genzoo.run.outputs.destination import Destination, write

    zoo = genzoo.open_zoo()
    made = genzoo.generate(
        "colour", ["3", "7"], n=2, seeds=[40, 9], conditions={"text": ["a cat", "a dog"]}
    )
    write(Destination(Path("a.npz"), "npz"), [made], zoo)  # type: ignore[arg-type]
    done = cli("run", "--replay", "a.npz", "-o", "b.npz")
    assert done.code == 0, done.err
    assert "the same pixels as a.npz" in done.err
    with np.load("b.npz") as arrays:
        assert arrays["seeds"].tolist() == [40, 41, 9, 10]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"seeds": (1, 2, 3), "prompts": ["1", "2"]}, "2 prompts do not go with 3 rows"),
        ({"seeds": (1,), "prompts": ["1", "2"]}, "1 seeds do not go with 2 rows"),
        ({"seeds": (1, 2), "seed": 3}, "a seed of its own"),
        ({"seeds": (1, -2)}, "seeds go from 0 to"),
        ({"seeds": (2**63 - 1,), "n": 2}, "out of range"),
        ({"seeds": (1, 2), "interpolate": (3, 8)}, "--seed does not go with"),
        ({"seeds": (1, "2")}, "seeds is (1, '2')"),
        ({"conditions": {"text": ("a", "b")}, "seeds": (1, 2, 3)}, "2 values of text"),
        ({"conditions": {"text": ("a", 5)}}, "conditions is"),
        ({"conditions": {"text": ("a", "")}}, "the prompt is empty"),
        ({"conditions": ["text"]}, "conditions is"),
        ({"conditions": {"text": ()}}, "0 values of text do not go with 1 rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused(painter: Path, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        genzoo.generate("colour", fields.pop("prompts", ()), **fields)
    assert says in str(caught.value)
