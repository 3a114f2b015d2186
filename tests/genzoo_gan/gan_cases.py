"""What the tests of the GAN share: models that are built, and constant opponents."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

import genzoo
from genzoo_core import Batch, BatchRng, ComponentSpec, ModelSpec, Opened, Phase, Progress
from genzoo_gan.model import GAN
from genzoo_gan.networks import Discriminator

SHAPE = (1, 8, 8)
CONV = {"type": "conv", "width": 4, "critic_width": 4, "hidden": 16}
LABEL = {"label": ComponentSpec("genzoo/class-labels", {"classes": ["a", "b", "c"], "dim": 8})}


def build(*, labels: bool = False, training: bool = True, **config: Any) -> Opened:
    zoo = genzoo.open_zoo()
    spec = ModelSpec("genzoo/gan", config, conditioners=LABEL if labels else {})
    return zoo.build(spec, training=training)


def gan(*, labels: bool = False, training: bool = True, **config: Any) -> GAN:
    model = build(labels=labels, training=training, **config).module
    assert isinstance(model, GAN)
    return model


def loss(
    model: GAN, phase: str, batch: Batch, step: int = 0, total: int = 1000, seed: int = 0
) -> tuple[Tensor, dict[str, Tensor | float]]:
    """One phase's loss, its parameters alone requiring gradients, as the trainer has it."""
    by_name = {given.name: given for stage in model.stages() for given in stage.phases}
    model.requires_grad_(False)
    for parameter in by_name[phase].parameters:
        parameter.requires_grad_(True)
        parameter.grad = None
    rng = BatchRng(torch.Generator().manual_seed(seed), len(batch.images))
    return model.loss(batch, rng, by_name[phase], Progress(step, total))


def phase_of(model: GAN, name: str) -> Phase:
    (stage,) = model.stages()
    return next(phase for phase in stage.phases if phase.name == name)


class Pixels(Discriminator):
    """Judges pictures by their pixels."""

    def read(self, x: Tensor) -> Tensor:
        return x


class Opinion(Pixels):
    """A discriminator that says one thing of bright pictures and another of dark ones."""

    def __init__(self, bright: float, dark: float) -> None:
        super().__init__()
        self.bright = nn.Parameter(torch.tensor(float(bright)))
        self.dark = nn.Parameter(torch.tensor(float(dark)))

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        # Zero times the picture: an opinion that does not hang on it still has a gradient.
        is_bright = features.flatten(1).mean(1) > 0.5
        return torch.where(is_bright, self.bright, self.dark) + 0 * features.flatten(1).sum(1)


class Linear(Pixels):
    """D(x) = w·x, whose gradient is w everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        return features.flatten(1) @ self.weight


def against(discriminator: Discriminator, **config: Any) -> GAN:
    """A GAN of small convolutional networks with this discriminator, its fakes all grey."""
    model = gan(shape=SHAPE, network=CONV, **config)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.zero_()
    model.discriminator = discriminator
    return model


def bright(n: int = 4) -> Batch:
    """Reals that `Opinion` can tell from the grey fakes."""
    return Batch(torch.ones(n, *SHAPE))
