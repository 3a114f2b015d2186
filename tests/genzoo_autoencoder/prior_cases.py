"""Small autoencoders and VAEs with a flow over their latents, and data to train them on."""

from __future__ import annotations

from typing import Any

import msgspec
import torch

import genzoo
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_core import ComponentSpec, Dataset, ModelSpec, Recipe

FIRST = {"autoencoder": "reconstruction", "vae": "elbo"}
"""Name of the stage that comes before "prior"."""

LABEL = {"component": "genzoo/class-labels", "config": {"classes": ["dark", "light"]}}
STYLE = {"component": "genzoo/class-labels", "config": {"classes": ["plain", "fancy"]}}
CONFIG: dict[str, Any] = {
    "shape": [1, 8, 8],
    "latent": 3,
    "network": {"type": "conv", "width": 8},
    "prior": {"type": "flow", "width": 16, "blocks": 1, "embedding": 8, "steps": 3},
}


def build(family: str, conditioners: dict[str, Any] | None = None, **config: Any) -> LatentModel:
    """A model of a family, "autoencoder" or "vae", that is to be trained."""
    given = {name: msgspec.convert(c, ComponentSpec) for name, c in (conditioners or {}).items()}
    spec = ModelSpec(f"genzoo/{family}", CONFIG | config, conditioners=given)
    torch.manual_seed(0)
    module = genzoo.open_zoo().build(spec, training=True).module
    assert isinstance(module, LatentModel)
    return module


def shades() -> Dataset:
    """40 grey 8×8 pictures, all different, with two labels."""
    values = torch.arange(40)[:, None] * 5 + torch.arange(64) * 3
    images = (values % 256).to(torch.uint8).reshape(40, 1, 8, 8)
    return Dataset(images, {"label": [i % 2 for i in range(40)]})


def recipe(family: str) -> Recipe:
    """A recipe of 10 steps for the codec and 8 for the flow."""
    return msgspec.convert(
        {
            "name": "mine",
            "card": {"family": family, "summary": "A test."},
            "data": {"name": "shades", "shape": [1, 8, 8]},
            "model": {
                "component": f"genzoo/{family}",
                "config": CONFIG,
                "conditioners": {"label": {**LABEL, "column": "label", "drop": 0.2}},
            },
            "stages": [
                {"name": FIRST[family], "steps": 10, "batch_size": 16, "ema": 500},
                {"name": "prior", "steps": 8, "batch_size": 16, "ema": 500},
            ],
            "report": {"sample_every": 4, "checkpoint_every": 3, "samples": 4},
        },
        Recipe,
    )
