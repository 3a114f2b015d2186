"""Densities over latents: one in closed form, one that learns what each class is like."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from genzoo_core import Conditioning, Context, Density, FittedDensity, Posterior, Rng
from genzoo_tiny.config import BellConfig, BoxConfig

D = 8  # of the joined condition


class Box(FittedDensity):
    """Uniform between the least and the largest of the training images' latents."""

    Config = BoxConfig
    low: Tensor
    high: Tensor

    def __init__(self, config: BoxConfig, context: Context) -> None:
        super().__init__(config, context)
        self.margin = config.margin
        self.register_buffer("low", torch.zeros(self.shape))
        self.register_buffer("high", torch.ones(self.shape))

    def fit(self, latents: Posterior, conditions: Mapping[str, Tensor]) -> None:
        self.low.copy_(latents.mean.amin(0) - self.margin)
        self.high.copy_(latents.mean.amax(0) + self.margin)
        self.fitted.fill_(True)

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        self.check_fitted()
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return middle + temperature * half * (2 * rng.uniform(self.shape, self.low) - 1)


class Bell(Density):
    """A normal whose mean a condition moves, learnt by its likelihood."""

    Config = BellConfig

    def __init__(self, config: BellConfig, context: Context) -> None:
        super().__init__(config, context)
        (size,) = self.shape
        self.conditioning = Conditioning(context, D)
        self.mean = nn.Linear(D, size) if context.conditioners else None
        self.bias = nn.Parameter(torch.zeros(size))
        self.log_std = nn.Parameter(torch.full((size,), config.log_std))

    def centre(self, conditions: Mapping[str, Tensor], n: int) -> Tensor:
        condition = self.conditioning(conditions, n)
        return self.bias if self.mean is None else self.bias + self.mean(condition.vector)

    def loss(
        self, z: Tensor, conditions: Mapping[str, Tensor], rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        apart = (z - self.centre(conditions, len(z))) / self.log_std.exp()
        return (apart.square() / 2 + self.log_std).mean(), {
            "std": self.log_std.detach().exp().mean()
        }

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        noise = temperature * self.log_std.exp() * rng.normal(self.shape, self.bias)
        return self.centre(conditions, rng.n) + noise
