"""Small diffusion models, and pictures that they can learn in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

import genzoo
from genzoo_core import ComponentSpec, Dataset, ModelSpec, Opened, PartSpec, Recipe, SampleRng
from genzoo_diffusion.model import Diffusion
from genzoo_train.training import train

N = 48
LABELS = [i % 3 for i in range(N)]
FLOW: dict[str, Any] = {"component": "genzoo/rectified-flow"}
UNET: dict[str, Any] = {"type": "unet", "width": 8, "blocks": 1, "embedding": 16}
MLP: dict[str, Any] = {"type": "mlp", "width": 64, "blocks": 1, "embedding": 32}
LABEL = ComponentSpec("genzoo/class-labels", {"classes": ["zero", "one", "two"]})


def ddpm(schedule: str, prediction: str = "eps") -> dict[str, Any]:
    return {
        "component": "genzoo/ddpm",
        "config": {"schedule": schedule, "prediction": prediction},
    }


def spec_of(*, labels: bool = False, codec: str | None = None, **config: Any) -> ModelSpec:
    given: dict[str, Any] = {"noiser": FLOW, "network": MLP, "shape": [1, 8, 8]} | config
    return ModelSpec(
        "genzoo/diffusion",
        given,
        conditioners={"label": LABEL} if labels else {},
        parts={} if codec is None else {"codec": PartSpec(codec)},
    )


def built(**config: Any) -> Opened:
    return genzoo.open_zoo().build(spec_of(**config), training=True)


def build(*, awake: bool = True, **config: Any) -> Diffusion:
    """A model in double precision; `awake`, its layers that start at zero do not."""
    torch.manual_seed(0)
    model = built(**config).module
    assert isinstance(model, Diffusion)
    if awake:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval().double()


def sample(
    model: Diffusion,
    seeds: list[int],
    conditions: Mapping[str, Tensor] | None = None,
    **options: Any,
) -> Tensor:
    with torch.inference_mode():
        return model.sample(SampleRng(seeds), conditions or {}, model.Options(**options))


def blobs() -> Dataset:
    """48 grey 8×8 pictures: a bright row on black, whose place is the label."""
    images = torch.zeros(N, 1, 8, 8, dtype=torch.uint8)
    for i, label in enumerate(LABELS):
        images[i, :, 2 * label + 1] = 255
    return Dataset(images, {"label": LABELS})


def recipe_of(spec: ModelSpec, *, steps: int, stage: str = "denoising") -> Recipe:
    conditioners = {
        name: {**msgspec.to_builtins(given), "column": name, "drop": 0.2}
        for name, given in spec.conditioners.items()
    }
    settings = {"optimizer": "adamw", "lr": 3e-3, "schedule": "linear", "warmup": 20}
    return msgspec.convert(
        {
            "name": "mine",
            "card": {"family": "diffusion", "summary": "A test."},
            "data": {"name": "blobs", "shape": [1, 8, 8]},
            "model": {
                "component": spec.component,
                "kind": spec.kind,
                "config": spec.config,
                "conditioners": conditioners,
                "parts": {role: {"model": part.model} for role, part in spec.parts.items()},
            },
            "stages": [
                {"name": stage, "steps": steps, "batch_size": 48, "phases": {stage: settings}}
            ],
            "report": {"sample_every": 0, "checkpoint_every": 10_000},
        },
        Recipe,
    )


def trained(out: Path, spec: ModelSpec, *, steps: int, stage: str = "denoising") -> Path:
    """The weights file of a training on `blobs`."""
    zoo = genzoo.open_zoo()
    return train(zoo, recipe_of(spec, steps=steps, stage=stage), blobs(), out)


def rows_lit(pictures: Tensor) -> list[int]:
    """Which of the three rows is brightest in each picture."""
    rows: list[int] = pictures[:, 0, 1:6:2].mean(2).argmax(1).tolist()
    return rows


def error_of(pictures: Tensor) -> float:
    """Root mean squared distance to the closest real picture, of pixels in [-1, 1]."""
    real = blobs().images[:3].double() / 127.5 - 1
    distances = (pictures.double()[:, None] - real[None]).square().flatten(2).mean(2)
    return float(distances.min(1).values.mean().sqrt())
