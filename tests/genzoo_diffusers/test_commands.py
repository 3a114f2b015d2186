"""A folder of diffusers stands wherever a model can on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import genzoo
from genzoo_compare.choosing import choose
from genzoo_eval.command import are_pictures

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folders(run: Run, checkpoint: Callable[[str], Path]) -> None:
    """The folders "dit", "sd" and "ddpm" lie where `run` runs."""
    for name in ("dit", "sd", "ddpm"):
        os.symlink(checkpoint(name), name)


def test_info_says_what_a_checkpoint_is(run: Run) -> None:
    code, out, err = run("info", "./dit")
    assert code == 0, err
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "DiTPipeline of diffusers, sampled by DDIMScheduler." in lines
    assert "shape 3×16×16" in lines
    assert "conditioners label (reads the prompt)" in lines
    assert any(line.startswith("classes thing 0, item 0, thing 1, item 1, ") for line in lines)
    assert any(line.startswith("transformer/diffusion_pytorch_model ") for line in lines)
    found = json.loads(run("info", "./sd", "--json")[1])
    names = ["text_encoder/model", "unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model"]
    assert [part["name"] for part in found["parts"]] == names
    assert found["card"]["conditioners"] == ["prompt"]


def test_a_checkpoint_in_ones_own_list(run: Run) -> None:
    assert run("add", "./sd", "--name", "tiny")[0] == 0
    assert "StableDiffusionPipeline of diffusers" in run("list")[1]
    code, _, err = run("run", "tiny", "a cat", "--steps", "2", "-n", "2", "-o", "a.png")
    assert code == 0, err
    code, _, err = run("run", "--replay", "a.png", "-o", "b.png")
    assert code == 0
    assert "the same pixels as a.png" in err


def test_a_checkpoint_is_measured_and_compared_as_a_model(run: Run) -> None:
    zoo = genzoo.open_zoo()
    assert not are_pictures(zoo, "./sd")
    (chosen,) = choose(zoo, ("./ddpm",), "emoji")
    assert chosen.card is not None
    code, _, err = run("eval", "./ddpm", "--reference", "mnist", "--data", ".")
    assert code != 0
    assert "mnist" in err


def test_latents_of_its_autoencoder(run: Run) -> None:
    assert run("run", "./sd", "a", "--steps", "1", "-o", "a.png")[0] == 0
    assert run("encode", "./sd", "a.png", "-o", "z.npz")[0] == 0
    assert run("decode", "./sd", "z.npz", "-o", "b.png")[0] == 0
    assert run("run", "./sd", "--input", "a.png", "-o", "c.png")[0] == 0
