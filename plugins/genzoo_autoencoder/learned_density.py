"""What the densities share that a network learns, as a second stage after the codec."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import torch
from torch import Tensor

from genzoo_autoencoder.encoding import moments
from genzoo_core import Context, FittedDensity, Posterior


class LearnedDensity(FittedDensity):
    """A network that latents are drawn from, which sees them at unit scale.

    Attributes:
        shift: The latents' mean, `[*shape]`, once `fit` has measured it.
        scale: Their standard deviation, `[*shape]`.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("shift", torch.zeros(self.shape))
        self.register_buffer("scale", torch.ones(self.shape))

    def fit(self, latents: Posterior, conditions: Mapping[str, Tensor]) -> None:
        """Measure the latents' scale; `loss` learns the rest, and it can be sampled from then."""
        mean, std = moments(latents)
        self.shift.copy_(mean)
        self.scale.copy_(std)
        self.fitted.fill_(True)

    def standardized(self, z: Tensor) -> Tensor:
        """Latents `[B, *shape]` at unit scale."""
        return (z - self.shift) / self.scale

    def latents(self, x: Tensor) -> Tensor:
        """Latents in the codec's own scale, with the shape of the standardised `x`."""
        return x * self.scale + self.shift
