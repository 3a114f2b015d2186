"""A recipe for the awkward model, and pictures to train it on."""

from __future__ import annotations

from typing import Any

import msgspec
import torch

from genzoo_core import Recipe

N = 40


def make_images() -> torch.Tensor:
    """uint8 `[N, 1, 8, 8]`, all different."""
    values = torch.arange(N)[:, None] * 5 + torch.arange(64) * 3
    return (values % 256).to(torch.uint8).reshape(N, 1, 8, 8)


def recipe(fault: str = "", *, sleep: float = 0.0, **changes: Any) -> Recipe:
    """A recipe for the awkward model: 12 steps of the first stage, 8 of the second."""
    fields = {
        "name": "mine",
        "card": {"family": "awkward", "summary": 'A "test" – of all.'},
        "data": {"name": "stripes", "shape": [1, 8, 8]},
        "model": {
            "component": "genzoo-awkward/awkward",
            "config": {"fault": fault, "sleep": sleep},
        },
        "stages": [
            {"name": "game", "steps": 12, "batch_size": 16, "ema": 500},
            {"name": "flow", "steps": 8, "batch_size": 16, "ema": 500},
        ],
        "weights_dtype": "float32",
        "report": {"log_every": 4, "sample_every": 6, "checkpoint_every": 5, "samples": 4},
    }
    return msgspec.convert(fields | changes, Recipe)


SLOW = """
name = "mine"
weights_dtype = "float32"

[card]
family = "awkward"
summary = "A test."

[data]
name = "stripes"
shape = [1, 8, 8]

[model]
component = "genzoo-awkward/awkward"
config = { sleep = 0.05 }

[[stages]]
name = "game"
steps = 12
batch_size = 16
ema = 500

[[stages]]
name = "flow"
steps = 8
batch_size = 16
ema = 500

[report]
log_every = 4
sample_every = 6
checkpoint_every = 1
samples = 4
"""
"""The same training as that of `recipe()`, at a pace that leaves time to stop it."""
