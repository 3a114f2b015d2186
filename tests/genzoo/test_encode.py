"""`genzoo encode`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli
from PIL import Image
from safetensors import safe_open

import genzoo


@pytest.fixture
def digits(painter: Path) -> list[Path]:
    """Three pictures of the size of `plain`'s."""
    rng = np.random.default_rng(0)
    paths = [painter / f"{index}.png" for index in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    return paths


def test_latents_are_those_of_the_encoder(digits: list[Path], cli: Cli) -> None:
    done = cli("encode", "plain", *digits, "-o", "z.npz", "--batch", "2")
    assert (done.code, done.out) == (0, "z.npz\n")
    pixels = np.stack([np.asarray(Image.open(path)) for path in digits])
    codec = genzoo.load("plain").codec
    x = torch.from_numpy(pixels)[:, None] / 127.5 - 1
    with torch.inference_mode(), np.load("z.npz") as arrays:
        expected = codec.encode(x)
        np.testing.assert_allclose(arrays["mean"], expected.mean, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(arrays["std"], expected.std)
        record = json.loads(str(arrays["record"]))["record"]
    assert [given["path"] for given in record["inputs"]] == [str(path) for path in digits]
    assert record["encode"] is True


def test_safetensors_say_the_same(digits: list[Path], cli: Cli) -> None:
    assert cli("encode", "plain", *digits, "-o", "z.safetensors").code == 0
    cli("encode", "plain", *digits, "-o", "z.npz")
    with safe_open("z.safetensors", "np") as file, np.load("z.npz") as arrays:
        np.testing.assert_array_equal(file.get_tensor("mean"), arrays["mean"])
        assert json.loads(file.metadata()["genzoo"]) == json.loads(str(arrays["record"]))


def test_json_and_a_name_of_its_own(digits: list[Path], cli: Cli) -> None:
    said = json.loads(cli("encode", "plain", digits[0], "--json").out)
    assert said["path"] == "plain-0.npz"
    assert said["shape"] == [1, 8]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["colour", "0.png"], "has no encoder"),
        (["plain", "missing.png"], "missing.png"),
        (["plain", "0.png", "-o", "z.png"], "give .npz or .safetensors"),
        (["plain", "0.png", "--set", "label=3"], "no option 'label'"),
        (["plain"], "INPUTS"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    digits: list[Path], cli: Cli, words: list[str], says: str
) -> None:
    done = cli("encode", *words)
    assert done.code == 2
    assert says in done.err


def test_latents_are_not_replayed(digits: list[Path], cli: Cli) -> None:
    cli("encode", "plain", digits[0], "-o", "z.npz")
    done = cli("run", "--replay", "z.npz")
    assert done.code == 1
    assert "holds latents" in done.err
