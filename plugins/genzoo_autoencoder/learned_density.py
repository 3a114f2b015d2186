"""Densities that are learnt on the latents of a codec that is done learning, as a second stage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from genzoo_autoencoder.density import Density
from genzoo_core import Rng


class LearnedDensity(Density):
    """A network that latents are drawn from, which sees them at unit scale.

    Args:
        shape: Shape of a latent.

    Attributes:
        shift: The latents' mean, `[*shape]`, once `standardize` was told it.
        scale: Their standard deviation, `[*shape]`.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("shift", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Say how the latents are distributed that it is about to learn; it can sample from then.

        Args:
            mean: Their mean, `[*shape]`.
            std: Their standard deviation, `[*shape]`, above 0.
        """
        self.shift.copy_(mean)
        self.scale.copy_(std)
        self.fitted.fill_(True)

    def standardized(self, z: Tensor) -> Tensor:
        """Latents `[B, *shape]` at unit scale."""
        return (z - self.shift) / self.scale

    def latents(self, x: Tensor) -> Tensor:
        """Latents in the codec's own scale, with the shape of the standardised `x`."""
        return x * self.scale + self.shift

    @abstractmethod
    def loss(
        self, z: Tensor, conditions: Mapping[str, Tensor], rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """What is to be minimised, a scalar, and figures to log.

        Args:
            z: Latents, `[B, *shape]`.
            conditions: Prepared values by name of the conditioner, each `[B, ...]`.
            rng: Where chance comes from.
        """
