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

from genzoo.catalogue import Catalogue
from genzoo.pictures.provenance import RecordError, read
from genzoo.pictures.replay import plan_replay
from genzoo.zoo import RegistryZoo
from genzoo_core.errors import GenzooError, NotFittedError

LONGEST = 2500
"""Characters of the longest message."""


def refusal_of(path: Path, zoo: RegistryZoo) -> GenzooError | None:
    """Why a file cannot be replayed; None where it can."""
    try:
        plan_replay(path, zoo).plan.check_options()
    except GenzooError as error:
        return error
    return None


def test_a_mutated_record_is_replayed_or_refused(painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "3", "--set", "text=a", "-n", "2", "--seed", "5", "-o", "a.png"]
    assert cli(*words).code == 0
    with Image.open("a.png") as image:
        record = json.loads(image.info["genzoo"])
    pixels = Image.new("RGB", (18, 8))
    zoo = RegistryZoo(Catalogue.open())
    path = Path("b.png")
    replayed = 0

    @fuzzed(500)
    @given(DATA_EDITS)
    def replay(edits: list[tuple[str, int, Any]]) -> None:
        nonlocal replayed
        info = PngInfo()
        info.add_itxt("genzoo", json.dumps(changed(record, edits)))
        pixels.save(path, pnginfo=info)
        refusal = refusal_of(path, zoo)
        replayed += refusal is None
        if refusal is not None:
            assert not isinstance(refusal, NotFittedError)
            assert len(" ".join(str(refusal).split())) < LONGEST

    replay()
    assert replayed > 0
    assert sorted(os.listdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize("suffix", [".png", ".gif", ".npz", ".safetensors"])
def test_a_damaged_file_of_pictures_is_read_or_refused(
    painter: Path, cli: Cli, suffix: str
) -> None:
    path = Path(f"a{suffix}")
    assert cli("run", "colour", "3", "-n", "2", "--seed", "5", "-o", path).code == 0
    whole = path.read_bytes()
    chance = random.Random(suffix)
    refused = 0
    for _ in range(250):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(damaged), chance.choice([64, 600, len(damaged)])))
            damaged[at] = chance.choice([0, 1, 0xFF, chance.randrange(256), ord("("), ord("9")])
        path.write_bytes(damaged[: chance.choice([len(damaged), chance.randrange(len(damaged))])])
        try:
            read(path)
        except RecordError:
            refused += 1
    assert refused > 0
