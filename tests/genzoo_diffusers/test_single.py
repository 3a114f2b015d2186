"""A checkpoint in one file, with the configs of a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from checkpoints import save
from folders import edit
from ldm import one_file
from PIL import Image
from safetensors.torch import save_file

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def files(
    run: Run,
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file one.safetensors, with the weights of the folder "sd", lies where `run` runs."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    save("sd", tmp_path / "sd")
    save_file(one_file(diffusers.StableDiffusionPipeline.from_pretrained("sd")), "one.safetensors")
    os.symlink(checkpoint("xl"), "xl")


def test_one_file_and_the_configs_of_a_folder(run: Run) -> None:
    words = ["./one.safetensors", "a cat", "--steps", "2", "--seed", "11"]
    code, _, err = run("run", *words, "--set", "config=sd", "-o", "a.png")
    assert code == 0, err
    pipeline = diffusers.StableDiffusionPipeline.from_single_file(
        "one.safetensors", config="./sd", local_files_only=True
    )
    generator = torch.Generator().manual_seed(11)
    image = pipeline("a cat", num_inference_steps=2, generator=generator).images[0]
    mine = np.asarray(Image.open("a.png")).astype(int)
    assert np.abs(mine - np.asarray(image)).max() <= 1
    code, _, err = run("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels as a.png" in err
    edit(Path("sd/scheduler/scheduler_config.json"), steps_offset=0)
    code, _, err = run("run", "--replay", "a.png", "-o", "b.png", "-f")
    assert code == 1
    assert "was made with other weights" in err


def test_info_of_one_file(run: Run) -> None:
    found = json.loads(run("info", "./one.safetensors", "--json")[1])
    assert found["format"] == "genzoo/single-file"
    assert [part["name"] for part in found["parts"]] == ["one"]
    assert found["card"]["name"] == "one"


def test_without_configs_it_says_what_to_fetch(run: Run) -> None:
    code, _, err = run("run", "./one.safetensors", "a cat")
    (line,) = err.splitlines()
    assert code == 1
    assert "those of hf://stable-diffusion-v1-5/stable-diffusion-v1-5 cannot be had" in line
    assert line.endswith("or name a folder: --set config=FOLDER")


@pytest.mark.parametrize(
    ("config", "says"),
    [("gone", "cannot be had"), ("xl", "does not fit the configs of xl"), (".", "cannot be had")],
)
def test_configs_that_are_none_or_of_another(run: Run, config: str, says: str) -> None:
    code, _, err = run("run", "./one.safetensors", "a", "--set", f"config={config}")
    assert (code, says in err, len(err.splitlines())) == (1, True, 1), err


def test_configs_are_looked_through_as_any_others(run: Run) -> None:
    edit(Path("sd/unet/config.json"), auto_map={"AutoModel": "evil.Net"})
    code, _, err = run("run", "./one.safetensors", "a", "--set", "config=./sd")
    assert code == 1
    assert "code of its own, which is never run" in err
