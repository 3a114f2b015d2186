"""Mutations of a picture's record, and of files that hold one: replayed, or refused in one line."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from mutations import DATA_EDITS, changed, fuzzed
from painting import Cli
from PIL import Image
from PIL.PngImagePlugin import PngInfo

LONGEST = 2500
"""Characters of the longest message."""


def is_replayed(cli: Cli, path: Path) -> bool:
    """Whether the pictures of a file are made again; where not, one line says why."""
    done = cli("run", "--replay", path, "-o", "again.png", "-f")
    assert done.code in (0, 1, 2), done
    assert "Traceback" not in done.err
    if done.code:
        assert done.out == ""
        refusal = done.err.splitlines()[-1]
        assert refusal.startswith("Error: ")
        assert "internal error" not in refusal
        assert "not fitted" not in refusal
        assert len(refusal) < LONGEST
    return done.code == 0


def test_a_mutated_record_is_replayed_or_refused(painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "3", "--set", "text=a", "-n", "2", "--seed", "5", "-o", "a.png"]
    assert cli(*words).code == 0
    with Image.open("a.png") as image:
        record = json.loads(image.info["genzoo"])
        pixels = image.copy()
    path = Path("b.png")
    outcomes: set[bool] = set()

    @fuzzed(500)
    @given(DATA_EDITS)
    def replay(edits: list[tuple[str, int, Any]]) -> None:
        info = PngInfo()
        info.add_itxt("genzoo", json.dumps(changed(record, edits)))
        pixels.save(path, pnginfo=info)
        outcomes.add(is_replayed(cli, path))

    replay()
    assert outcomes == {True, False}
    assert sorted(os.listdir()) == ["a.png", "again.png", "b.png"]


@pytest.mark.parametrize("suffix", [".png", ".gif", ".npz", ".safetensors"])
def test_a_damaged_file_of_pictures_is_read_or_refused(
    painter: Path, cli: Cli, suffix: str
) -> None:
    path = Path(f"a{suffix}")
    assert cli("run", "colour", "3", "-n", "2", "--seed", "5", "-o", path).code == 0
    whole = path.read_bytes()
    chance = random.Random(suffix)
    outcomes: set[bool] = set()
    for _ in range(250):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(damaged), chance.choice([64, 600, len(damaged)])))
            damaged[at] = chance.choice([0, 1, 0xFF, chance.randrange(256), ord("("), ord("9")])
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        outcomes.add(is_replayed(cli, path))
    assert False in outcomes
