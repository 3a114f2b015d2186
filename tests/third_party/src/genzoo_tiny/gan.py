"""A GAN."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn

from genzoo_core import (
    Batch,
    Context,
    GenerativeModel,
    Noiser,
    NoOptions,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
)
from genzoo_tiny.config import TinyConfig
from genzoo_tiny.networks import Net

D = 8


class TinyGAN(GenerativeModel[NoOptions]):
    """Non-saturating (Goodfellow et al. 2014); the discriminator exists only in training."""

    Config = TinyConfig

    def __init__(self, config: TinyConfig, context: Context) -> None:
        super().__init__(context, D)
        self.sample_shape = config.shape
        self.latent = config.latent
        pixels = math.prod(config.shape)
        self.generator = Net(config.latent, pixels, config.hidden, D)
        self.discriminator = Net(pixels, 1, config.hidden, D) if context.training else None

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: NoOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        z = Noiser().prior(rng, (self.latent,), self.generator.write.weight)
        out: Tensor = self.generator(z, self.condition(conditions, rng.n)).tanh()
        return out.reshape(-1, *self.sample_shape)

    def stages(self) -> tuple[Stage, ...]:
        assert self.discriminator is not None
        generator = (*self.generator.parameters(), *self.conditioning.parameters())
        phases = (
            Phase("discriminator", tuple(self.discriminator.parameters())),
            Phase("generator", generator, every=2),
        )
        return (Stage("game", phases),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        assert self.discriminator is not None
        condition = self.condition(batch.conditions, rng.n)
        fake = self.discriminator(self.sample(rng, batch.conditions, NoOptions()), condition)
        if phase.name == "generator":
            return nn.functional.softplus(-fake).mean(), {}
        real = self.discriminator(batch.images, condition)
        loss = nn.functional.softplus(fake) + nn.functional.softplus(-real)
        return loss.mean(), {"real": real.mean().detach()}
