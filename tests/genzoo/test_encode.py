"""`genzoo encode`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli, assert_refused
from PIL import Image
from safetensors import safe_open

import genzoo
from genzoo_core import ConfigError, ModelSpec, PartSpec


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


def test_codes_are_whole_numbers(digits: list[Path], cli: Cli) -> None:
    done = cli("encode", "coded", *digits, "-o", "z.npz", "--batch", "2", "--json")
    assert (done.code, json.loads(done.out)["shape"]) == (0, [3, 8])
    assert cli("encode", "coded", *digits, "-o", "z.safetensors").code == 0
    with safe_open("z.safetensors", "np") as file, np.load("z.npz") as arrays:
        assert set(arrays) == {"mean", "record"}
        codes = arrays["mean"]
        assert codes.dtype == np.int64
        assert len(np.unique(codes)) > 1
        np.testing.assert_array_equal(file.get_tensor("mean"), codes)
    pixels = np.stack([np.asarray(Image.open(path)) for path in digits])
    codec = genzoo.load("coded").codec
    with torch.inference_mode():
        expected = codec.encode(torch.from_numpy(pixels)[:, None] / 127.5 - 1).mode()
    np.testing.assert_array_equal(codes, expected)


def test_nothing_lies_between_two_codes(digits: list[Path], cli: Cli) -> None:
    ends = ("-i", digits[0], "-i", digits[1])
    done = cli("run", "coded", *ends, "--interpolate", "-o", "w.png")
    assert_refused(done, "its codes are discrete, and nothing lies between two of them")
    assert not Path("w.png").exists()
    assert cli("run", "coded", *ends, "-o", "again.png").code == 0
    assert cli("run", "coded", "--interpolate", "3,8", "-o", "seeds.png").code == 0


def test_codes_are_no_numbers_to_diffuse(painter: Path) -> None:
    zoo = genzoo.open_zoo()
    spec = ModelSpec(
        "genzoo/diffusion",
        {"shape": [1, 8, 8], "on": "latents", "noiser": {"component": "rectified-flow"}},
        parts={"codec": PartSpec(model="coded", sha256=zoo.card("coded").sha256)},
    )
    with pytest.raises(ConfigError, match="diffusion needs latents that are real numbers"):
        zoo.build(spec)


def test_json_and_a_name_of_its_own(digits: list[Path], cli: Cli) -> None:
    said = json.loads(cli("encode", "plain", digits[0], "--json").out)
    assert said["path"] == "plain-0.npz"
    assert said["shape"] == [1, 8]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["colour", "0.png"], "has no encoder"),
        (["plain", "missing.png"], "missing.png"),
        (["plain", "0.png", "-o", "z.png"], "give .npz, .safetensors or .parquet"),
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
