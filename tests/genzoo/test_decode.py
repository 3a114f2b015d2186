"""`genzoo decode`: the inverse of `genzoo encode`."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli, assert_refused
from PIL import Image
from safetensors.numpy import save_file

import genzoo
from genzoo_core import Input, UsageError

LATENTS = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
"""Three latents of `plain`."""


def draw(*size: int) -> list[Path]:
    """Three pictures of noise in the current folder."""
    rng = np.random.default_rng(0)
    paths = [Path(f"{index}.png") for index in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(path)
    return paths


def pixels(folder: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in sorted(Path(folder).iterdir())]


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("ae-mnist", (28, 28)),
        ("ae-mlp-mnist", (28, 28)),
        ("vae-mnist", (28, 28)),
        ("codec-mnist", (28, 28)),
        ("ldm-mnist", (28, 28)),
        ("vae-emoji", (32, 32, 3)),
        ("coded", (8, 8)),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_what_was_encoded_is_decoded_as_it_is_reconstructed(
    painter: Path, cli: Cli, model: str, size: tuple[int, ...], suffix: str
) -> None:
    pictures = draw(*size)
    assert cli("encode", model, *pictures, "-o", f"z.{suffix}").code == 0
    assert cli("decode", model, f"z.{suffix}", "-o", "decoded").code == 0
    inputs = [word for path in pictures for word in ("-i", path)]
    assert cli("run", model, *inputs, "-o", "reconstructed").code == 0
    np.testing.assert_array_equal(pixels("decoded"), pixels("reconstructed"))


@pytest.mark.parametrize("prompts", [["7"], ["0", "1", "2"]])
def test_a_prompt_reaches_the_decoder(painter: Path, cli: Cli, prompts: list[str]) -> None:
    pictures = draw(28, 28)
    cli("encode", "vae-mnist", *pictures, "-o", "z.npz")
    asked = [word for prompt in prompts for word in ("--prompt", prompt)]
    assert cli("decode", "vae-mnist", "z.npz", *asked, "--batch", "2", "-o", "decoded").code == 0
    inputs = [word for path in pictures for word in ("-i", path)]
    reconstruct = ["run", "vae-mnist", *prompts, *inputs, "--batch", "2", "-o", "reconstructed"]
    assert cli(*reconstruct).code == 0
    np.testing.assert_array_equal(pixels("decoded"), pixels("reconstructed"))
    assert cli("decode", "vae-mnist", "z.npz", "-o", "unasked").code == 0
    assert not np.array_equal(pixels("decoded"), pixels("unasked"))
    assert "same pixels" in cli("run", "--replay", "decoded/0002.png", "-o", "x.png").err


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", ["mean", "z", "arr_0"])
def test_latents_of_ones_own(painter: Path, cli: Cli, dtype: str, name: str) -> None:
    latents = LATENTS.astype(dtype)
    np.savez_compressed("z.npz", **{name: latents})
    save_file({name: latents}, "z.safetensors")
    codec = genzoo.load("plain").codec
    with torch.inference_mode():
        expected = codec.decode(torch.from_numpy(latents).float())
    for file in ("z.npz", "z.safetensors"):
        pictures = genzoo.generate("plain", latents=file)
        torch.testing.assert_close(pictures.images, expected)
        assert pictures.record.latents == Input(file, pictures.record.latents.sha256)
        assert pictures.seeds == ()


def test_many_latents_come_in_batches(silent_painter: Path, cli: Cli) -> None:
    """Also where the file is read again from an earlier place, as after a lack of memory."""
    latents = np.random.default_rng(1).normal(size=(70, 8)).astype(np.float32)
    np.savez("z.npz", mean=latents)
    save_file({"mean": latents}, "z.safetensors")
    whole = genzoo.generate("plain", latents=Path("z.npz"), batch=70).images
    for file in ("z.npz", "z.safetensors"):
        parts = genzoo.generate("plain", latents=file, batch=32)
        torch.testing.assert_close(parts.images, whole)
        assert cli("decode", "plain", file, "--batch", "32", "-o", "many", "-f").code == 0
        for number in (0, 40, 69):
            done = cli("run", "--replay", f"many/{number:04}.png", "-o", "one.png", "-f")
            assert "the same pixels" in done.err


def test_json_and_a_name_of_its_own(painter: Path, cli: Cli) -> None:
    np.savez("z.npz", mean=LATENTS)
    said = json.loads(cli("decode", "plain", "z.npz", "--json").out)
    assert (said["path"], said["seeds"], said["record"]["n"]) == ("plain-z.png", [], 3)
    assert Image.open("plain-z.png").size == (18 * (3 * 10 - 2), 18 * 8)
    assert cli("decode", "plain", "z.npz", "-o", "plain-z.png").code == 2
    assert cli("decode", "plain", "z.npz", "-o", "plain-z.png", "-f").code == 0


def test_a_replay_needs_the_very_latents(painter: Path, cli: Cli) -> None:
    np.savez("z.npz", mean=LATENTS)
    assert cli("decode", "plain", "z.npz", "-o", "a.png").code == 0
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert (done.code, done.out) == (0, "b.png\n")
    assert "the same pixels as a.png" in done.err
    Path("z.npz").rename("moved.npz")
    done = cli("run", "--replay", "a.png", "-o", "c.png")
    assert (done.code, "z.npz" in done.err) == (1, True)
    assert "--input FILE" in done.err
    assert cli("run", "--replay", "a.png", "-i", "moved.npz", "-o", "c.png").code == 0
    for others in (LATENTS + 1, LATENTS[:2]):
        np.savez("z.npz", mean=others)
        done = cli("run", "--replay", "a.png", "-o", "d.png")
        assert done.code == 1
        assert "input z.npz is not the file that was used then" in done.err


def test_codes_are_whole_numbers_of_the_codebook(painter: Path) -> None:
    codes = np.arange(16).reshape(2, 8) % 5
    np.savez("z.npz", mean=codes)
    expected = genzoo.generate("coded", latents="z.npz").images
    for dtype in ("int32", "uint8"):
        np.savez("z.npz", mean=codes.astype(dtype))
        torch.testing.assert_close(genzoo.generate("coded", latents="z.npz").images, expected)
    for wrong, says in (
        (codes / 1.0, "codes, int64 from 0 to 4"),
        (codes + 1, "latent 0 has codes"),
    ):
        np.savez("z.npz", mean=wrong)
        with pytest.raises(UsageError, match=says):
            genzoo.generate("coded", latents="z.npz")


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((3, 9), "float32"), "shape [3, 9]; painter/plain decodes [N, 8]"),
        (np.zeros(8, "float32"), "shape [8]; painter/plain decodes [N, 8]"),
        (np.zeros((0, 8), "float32"), "from 1 to 1,000,000 are decoded"),
        (np.zeros((3, 8), "int64"), "is int64; the latents of painter/plain are real numbers"),
        (np.zeros((3, 8), "bool"), "is bool: no latents"),
        (np.zeros((3, 8), "complex64"), "is complex64: no latents"),
        (np.full((3, 8), "x"), "no latents"),
        (np.zeros((3, 8), object), "holds object"),
        (np.zeros((3, 8), ">f4"), "byte order"),
        (np.asfortranarray(LATENTS), "np.ascontiguousarray"),
        (np.where(np.arange(24).reshape(3, 8) == 17, np.nan, 0), "latent 2 is not finite"),
        (np.full((3, 8), 1e300), "latent 0 is not finite"),
    ],
)
def test_arrays_that_are_no_latents(painter: Path, cli: Cli, array: np.ndarray, says: str) -> None:
    np.savez("z.npz", mean=array)
    done = cli("decode", "plain", "z.npz", "-o", "x.png")
    assert_refused(done, "z.npz", says)
    assert "damaged" not in done.err  # it is sound, and holds something else
    assert not Path("x.png").exists()


def test_files_that_are_no_latents(painter: Path, cli: Cli) -> None:
    np.savez("two.npz", a=LATENTS, b=LATENTS)
    np.savez("none.npz")
    np.savez("std.npz", std=LATENTS)
    with zipfile.ZipFile("other.npz", "w") as archive:
        archive.writestr("mean", b"")
    np.save("z.npy", LATENTS)
    Path("empty.npz").touch()
    os.mkfifo("pipe.npz")
    cli("run", "plain", "-n", "2", "-o", "pictures.npz")
    for file, says in (
        ("two.npz", "has 'a', 'b'"),
        ("none.npz", "has no array"),
        ("other.npz", "has no array"),
        ("std.npz", "has 'std'"),
        ("z.npy", "np.savez"),
        ("z.npy", "is a .npy file"),
        ("empty.npz", "is empty"),
        ("pipe.npz", "not a file"),
        ("pictures.npz", "has 'images', 'seeds'"),
        ("/dev/zero", "not a file"),
        (".", "not a file"),
        ("missing.npz", "No such file"),
    ):
        assert_refused(cli("decode", "plain", file, "-o", "x.png"), file, says)


def test_hostile_archives_are_refused_before_they_are_unpacked(painter: Path, cli: Cli) -> None:
    def header(shape: str) -> bytes:
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
        return b"\x93NUMPY\x01\x00v\x00" + text.ljust(117) + b"\n"

    for content, says in (
        (header("(1099511627776, 8)") + bytes(64), "64 bytes for shape"),
        (header("(2000000, 8)") + bytes(64_000_000), "from 1 to 1,000,000"),
        (header("(1, 16777216)") + bytes(2**26), "decodes [N, 8]"),
    ):
        with zipfile.ZipFile("z.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mean.npy", content)
        assert_refused(cli("decode", "plain", "z.npz"), "z.npz", says)
    np.savez("z.npz", mean=LATENTS)
    data = bytearray(Path("z.npz").read_bytes())
    data[data.index(LATENTS.tobytes()) + 5] ^= 1
    Path("z.npz").write_bytes(data)
    assert_refused(cli("decode", "plain", "z.npz"), "damaged")  # its checksum says so


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["colour", "z.npz"], "painter/colour has no decoder"),
        (["gan-mnist", "z.npz"], "autoencoders and VAEs can"),
        (["flow-mnist", "z.npz"], "has no decoder"),
        (["features-mnist-classifier", "z.npz"], "has no decoder"),
        (["plain", "z.npz", "--prompt", "3"], "takes no prompt"),
        (["vae-mnist", "z.npz", "--prompt", "3", "--prompt", "4"], "2 prompts do not go with 3"),
        (["plain", "z.npz", "--batch", "0"], "batch is 0"),
        (["plain", "z.npz", "-o", "x.gif"], "is nothing to animate; write a .png\n"),
        (["plain"], "LATENTS"),
    ],
)
def test_what_cannot_be_decoded(painter: Path, cli: Cli, words: list[str], says: str) -> None:
    latent = 32 if "vae-mnist" in words else 8
    np.savez("z.npz", mean=np.zeros((3, latent), np.float32))
    done = cli("decode", *words)
    assert done.code == 2
    assert says in done.err
    assert os.listdir() == ["z.npz"]


@pytest.mark.parametrize(
    "fields",
    [{"inputs": "a.png"}, {"interpolate": (1, 2)}, {"n": 2}, {"seed": 1}, {"latents": 3}],
)
def test_latents_go_with_no_other_source(painter: Path, fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        genzoo.generate("plain", **{"latents": "z.npz", **fields})
