"""`--precision` and `--device auto`: what a model computes with, and what its record says of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from painting import Cli
from PIL import Image
from processor import processor_has

import genzoo
from genzoo_core import Codec, UsageError

FAMILIES = ["ae-mnist", "vae-mnist", "gan-mnist", "flow1-mnist", "ldm-mnist", "plain"]


def npz(path: str) -> tuple[np.ndarray, dict[str, Any]]:
    """The pictures in a file, as numbers that can be subtracted, and their record."""
    with np.load(path) as file:
        return file["images"].astype(int), json.loads(str(file["record"]))["record"]


def draw(*names: str, size: int = 28) -> None:
    rng = np.random.default_rng(0)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8)).save(name)


@pytest.mark.parametrize("model", FAMILIES)
def test_pictures_of_half_precision_are_nearly_the_same(
    painter: Path, cli: Cli, model: str
) -> None:
    run = ["run", model, "-n", "2", "--seed", "1"]
    assert cli(*run, "-o", "fp32.npz").code == 0
    images, record = npz("fp32.npz")
    assert "precision" not in record  # the record of all that was ever made
    for precision, most in (("bf16", 1.0), ("fp16", 0.2)):
        done = cli(*run, "--precision", precision, "-o", f"{precision}.npz", "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["record"]["precision"] == precision
        others, record = npz(f"{precision}.npz")
        assert record["precision"] == precision
        apart = abs(others - images)
        assert 0 < apart.mean() < most  # in levels of 255
        done = cli("run", "--replay", f"{precision}.npz", "-o", "x.npz", "-f")
        assert (done.code, "the same pixels" in done.err) == (0, True), done.err
        assert npz("x.npz")[1]["precision"] == precision
    done = cli(*run, "--precision", "fp32", "-o", "x.npz", "-f")
    assert (npz("x.npz")[0] == images).all()
    assert npz("x.npz")[1] == npz("fp32.npz")[1]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_half_precision_that_a_processor_has_no_instructions_for_is_said(
    painter: Path, cli: Cli, precision: str
) -> None:
    done = cli("run", "gan-mnist", "--precision", precision)
    slow = precision != "fp32" and not processor_has(precision)
    said = f"this cpu has no instructions for {precision}: fp32 would be faster"
    assert (done.code, said in done.err.splitlines()) == (0, slow), done.err


def test_a_network_of_diffusion_is_guided_in_half_precision(painter: Path, cli: Cli) -> None:
    run = ["run", "flow-mnist", "7", "-n", "2", "--seed", "1", "--steps", "2"]
    guided = ["--guidance", "3", "--negative", "1"]
    assert cli(*run, *guided, "-o", "a.npz").code == 0
    assert cli(*run, *guided, "--precision", "bf16", "-o", "b.npz").code == 0
    assert 0 < abs(npz("a.npz")[0] - npz("b.npz")[0]).mean() < 1


def test_latents_are_float32_and_go_both_ways(painter: Path, cli: Cli) -> None:
    draw("a.png", "b.png")
    bf16 = ["--precision", "bf16"]
    for words in ([], bf16):
        out = ["-o", f"{len(words)}.npz"]
        assert cli("encode", "vae-mnist", "a.png", "b.png", *words, *out).code == 0
        assert cli("decode", "vae-mnist", "0.npz", *words, "-o", f"d{len(words)}.npz").code == 0
        pair = ["--input", "a.png", "--input", "b.png", *words]
        assert cli("run", "vae-mnist", *pair, "-o", f"r{len(words)}.npz").code == 0
    with np.load("0.npz") as plain, np.load("2.npz") as half:
        assert json.loads(str(half["record"]))["record"]["precision"] == "bf16"
        for name in ("mean", "std"):
            assert half[name].dtype == np.float32
            assert 0 < abs(half[name] - plain[name]).max() < 0.1
    for name in "dr":
        images, record = npz(f"{name}2.npz")
        assert record["precision"] == "bf16"
        assert 0 < abs(images - npz(f"{name}0.npz")[0]).mean() < 2
        done = cli("run", "--replay", f"{name}2.npz", "-o", "x.npz", "-f")
        assert (done.code, "the same pixels" in done.err) == (0, True), done.err
    # Codes are whole numbers in any precision.
    draw("c.png", size=8)
    assert cli("encode", "coded", "c.png", *bf16, "-o", "codes.npz").code == 0
    assert np.load("codes.npz")["mean"].dtype == np.int64
    assert cli("decode", "coded", "codes.npz", *bf16, "-o", "codes.png").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--interpolate", "3,8", "-n", "3", "-o", "x.gif"],
        ["7", "--seed", "3", "-o", "x.gif"],
        ["--interpolate", "-i", "a.png", "-i", "b.png", "-n", "3", "-o", "x.png"],
        ["--input", "a.png", "--strength", "0.5", "--seed", "2", "-o", "x.png"],
        ["--input", "a.png", "--strength", "0", "--seed", "2", "-o", "x.png"],
    ],
    ids=["walk", "film", "walk between inputs", "vary", "nothing of it"],
)
def test_every_task_computes_in_half_precision(painter: Path, cli: Cli, words: list[str]) -> None:
    draw("a.png", "b.png")
    done = cli("run", "vae-mnist", *words, "--precision", "bf16")
    assert done.code == 0, done.err
    done = cli("run", "--replay", words[-1], "-o", f"again{words[-1][1:]}", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["record"]["precision"] == "bf16"
    assert Path(words[-1]).read_bytes() == Path(f"again{words[-1][1:]}").read_bytes()


def test_what_a_mask_leaves_stays_to_the_pixel(painter: Path, cli: Cli) -> None:
    draw("a.png")
    mask = np.zeros((28, 28), dtype=np.uint8)
    mask[14:] = 255
    Image.fromarray(mask).save("mask.png")
    given = ["--input", "a.png", "--mask", "mask.png", "--steps", "2", "--seed", "1"]
    done = cli("run", "flow1-mnist", *given, "--precision", "bf16", "-o", "x.npz")
    assert done.code == 0, done.err
    assert (npz("x.npz")[0][0, :14, :, 0] == np.asarray(Image.open("a.png"))[:14]).all()


def test_a_wrong_precision_is_refused(painter: Path, cli: Cli) -> None:
    for command in (["run", "plain"], ["encode", "plain", "a.png"], ["decode", "plain", "z.npz"]):
        done = cli(*command, "--precision", "int8", "-o", "x.png")
        assert done.code == 2
        assert "'int8' is not one of 'auto', 'fp32', 'bf16', 'fp16'" in done.err
    with pytest.raises(UsageError, match="precision is 'half'; give one of auto, bf16, fp16, fp32"):
        genzoo.generate("plain", precision="half")
    with pytest.raises(UsageError, match="there is no precision 'half'; there are auto, fp32,"):
        genzoo.load("plain", precision="half")  # type: ignore[arg-type]
    assert cli("run", "plain", "--precision", "bf16", "-o", "x.npz").code == 0
    done = cli("run", "--replay", "x.npz", "--precision", "fp32", "-o", "y.npz")
    assert (done.code, "--replay takes its settings from the file" in done.err) == (2, True)


@pytest.mark.parametrize("precision", ["auto", "int8", 16, None])
def test_a_record_of_no_precision_is_refused(painter: Path, cli: Cli, precision: object) -> None:
    assert cli("run", "plain", "--precision", "bf16", "-o", "x.npz").code == 0
    with np.load("x.npz") as file:
        arrays = dict(file)
    told = f'"precision":{json.dumps(precision)}'
    arrays["record"] = np.array(str(arrays["record"]).replace('"precision":"bf16"', told))
    np.savez("x.npz", **arrays)
    done = cli("run", "--replay", "x.npz", "-o", "y.npz")
    assert (done.code, "the record in x.npz cannot be read" in done.err) == (2, True), done.err


def test_other_pixels_of_half_precision_may_be_those_of_another_machine(
    painter: Path, cli: Cli
) -> None:
    assert cli("run", "plain", "-n", "2", "--precision", "bf16", "-o", "x.npz").code == 0
    with np.load("x.npz") as file:
        arrays = dict(file)
    np.savez("x.npz", **{**arrays, "images": 255 - arrays["images"]})
    done = cli("run", "--replay", "x.npz", "-o", "y.npz")
    assert (done.code, "a machine that rounds bf16 in another way" in done.err) == (1, True)


def test_an_open_model_computes_in_what_is_wanted(painter: Path) -> None:
    zoo = genzoo.open_zoo()
    opened = zoo.open("gan-mnist")
    plain = genzoo.generate(opened, n=4, seed=0)
    half = genzoo.generate(opened, n=4, seed=0, precision="bf16")
    assert (plain.record.precision, half.record.precision) == ("fp32", "bf16")
    assert half.images.dtype == torch.float32
    assert not torch.equal(plain.images, half.images)
    assert torch.equal(genzoo.generate(opened, n=4, seed=0).images, plain.images)
    opened = zoo.open("gan-mnist", precision="bf16")
    assert opened.precision == "bf16"
    assert {tensor.dtype for tensor in opened.module.parameters()} == {torch.float32}
    assert torch.equal(genzoo.generate(opened, n=4, seed=0).images, half.images)
    asked = genzoo.generate(opened, n=4, seed=0, precision="fp32")
    assert torch.equal(asked.images, plain.images)


def test_a_loaded_model_computes_in_half_precision_by_itself(painter: Path) -> None:
    x = torch.rand(2, 1, 28, 28) * 2 - 1
    models = {
        precision: genzoo.load("ldm-mnist", precision=precision) for precision in ("fp32", "bf16")
    }
    models["copy"] = copy.deepcopy(models["bf16"])
    latents, pictures = {}, {}
    with torch.inference_mode():
        for name, model in models.items():
            codec = model.codec
            assert isinstance(codec, Codec)
            latents[name] = codec.encode(x).mode()
            pictures[name] = codec.decode(latents["fp32"])
            assert latents[name].dtype == pictures[name].dtype == torch.float32
    for made in (latents, pictures):
        assert 0 < (made["fp32"] - made["bf16"]).abs().mean() < 0.02
        assert torch.equal(made["copy"], made["bf16"])


def test_the_best_device_is_found(painter: Path, cli: Cli) -> None:
    best = "mps" if torch.backends.mps.is_available() else "cpu"
    best = "cuda" if torch.cuda.is_available() else best
    run = ["run", "plain", "--device", "auto", "-o", "x.npz", "--json"]
    assert json.loads(cli(*run).out)["record"].get("device", "cpu") == best
    assert cli("run", "--replay", "x.npz", "--device", "auto", "-o", "y.npz").code == 0
    draw("a.png", size=8)
    assert cli("encode", "plain", "a.png", "--device", "auto", "-o", "z.npz").code == 0
    assert cli("decode", "plain", "z.npz", "--device", "auto", "-o", "z.png").code == 0
    weight = next(genzoo.load("plain", device="auto").parameters())
    assert weight.device.type == best
    assert genzoo.generate("plain", device="auto").record.device == best
