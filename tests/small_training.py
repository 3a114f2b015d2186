"""A training of some steps from the command line, whose listeners can be tried."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from genzoo.cli import main

RECIPE = """
name = "small"

[card]
family = "diffusion"
summary = "A test."

[data]
name = "noise"
shape = [1, 8, 8]

[model]
component = "genzoo/diffusion"

[model.config]
shape = [1, 8, 8]
noiser = { component = "genzoo/rectified-flow" }
network = { type = "mlp", width = 8, blocks = 1, embedding = 8 }
steps = 2

[[stages]]
name = "denoising"
steps = 12
batch_size = 4

[report]
log_every = 4
sample_every = 8
checkpoint_every = 4
samples = 4
"""
"""Logs steps 4, 8 and 12, with samples at step 8."""


def train(folder: Path, *words: str, recipe: str = RECIPE) -> int:
    """Train in `folder`, which becomes `folder / "run"`; returns the command's exit code."""
    chance = random.Random(0)
    (folder / "noise").mkdir(exist_ok=True)
    for number in range(16):
        pixels = bytes(chance.randrange(256) for _ in range(64))
        Image.frombytes("L", (8, 8), pixels).save(folder / "noise" / f"{number}.png")
    (folder / "small.toml").write_text(recipe, encoding="utf-8")
    paths = ["--data", str(folder), "--out", str(folder / "run")]
    return main(["train", str(folder / "small.toml"), "--threads", "1", *paths, *words])
