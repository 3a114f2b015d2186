"""A normalising flow: a family that genzoo itself does not have."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from genzoo_core import (
    Batch,
    Condition,
    Context,
    GenerativeModel,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
)
from genzoo_tiny.config import FlowConfig, FlowOptions
from genzoo_tiny.networks import Net

D = 8  # of the joined condition


class Coupling(nn.Module):
    """An affine coupling: one half scales and shifts the other (Dinh et al. 2017, equation 4)."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.net = Net(size, 2 * size, hidden, D)

    def scale_and_shift(self, kept: Tensor, condition: Condition | None) -> tuple[Tensor, Tensor]:
        log_scale, shift = self.net(kept, condition).chunk(2, 1)
        return 2 * torch.tanh(log_scale / 2), shift  # bounded, so that no step can explode

    def forward(self, x: Tensor, condition: Condition | None) -> tuple[Tensor, Tensor]:
        """Towards noise: the halves swapped, and the logarithm of the determinant, `[B]`."""
        kept, moved = x.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept, condition)
        return torch.cat([moved * log_scale.exp() + shift, kept], 1), log_scale.sum(1)

    def inverse(self, z: Tensor, condition: Condition | None) -> Tensor:
        """Back to data."""
        moved, kept = z.chunk(2, 1)
        log_scale, shift = self.scale_and_shift(kept, condition)
        return torch.cat([kept, (moved - shift) * (-log_scale).exp()], 1)


class TinyFlow(GenerativeModel[FlowOptions]):
    """RealNVP on pixels (Dinh et al. 2017): trained by its exact likelihood."""

    Config = FlowConfig
    Options = FlowOptions

    def __init__(self, config: FlowConfig, context: Context) -> None:
        super().__init__(context, D)
        self.sample_shape = config.shape
        self.pixels = math.prod(config.shape)
        self.noise = config.noise
        self.couplings = nn.ModuleList(
            Coupling(self.pixels // 2, config.hidden) for _ in range(config.couplings)
        )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: FlowOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        condition = self.condition(conditions, rng.n)
        z = options.temperature * rng.normal((self.pixels,), next(self.parameters()))
        for coupling in reversed(self.couplings):
            z = coupling.inverse(z, condition)
        return z.reshape(-1, *self.sample_shape).clamp(-1, 1)

    def stages(self) -> tuple[Stage, ...]:
        return (Stage("likelihood", (Phase("likelihood", tuple(self.parameters())),)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        condition = self.condition(batch.conditions, rng.n)
        x = batch.images.flatten(1)
        # Pixels that take few values have no density: a little noise gives them one.
        z = x + self.noise * rng.normal((self.pixels,), x)
        log_determinant = torch.zeros(rng.n).to(x)
        for coupling in self.couplings:
            z, more = coupling(z, condition)
            log_determinant = log_determinant + more
        log_prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return -(log_prior + log_determinant).mean() / self.pixels, {}
