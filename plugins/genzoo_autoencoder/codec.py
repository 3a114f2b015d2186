"""The autoencoder's encoder and decoder as a `Codec`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genzoo_autoencoder.config import MLPConfig, Network
from genzoo_autoencoder.networks import Shape, build_decoder, build_trunk
from genzoo_core import Codec, Condition, Posterior


class AutoencoderCodec(Codec):
    """Encoder and decoder of one of the architectures, with a latent of unit scale.

    The buffers `shift` and `scale` standardise the latent: `encode` gives `(z - shift) / scale`.
    They are 0 and 1 until `standardize` sets them.

    Args:
        shape: (C, H, W) of an image.
        latent: Number of latent dimensions.
        network: The architecture.
        condition_dim: Size of the condition vector that the decoder is told; None for none.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, shape: Shape, latent: int, network: Network, condition_dim: int | None = None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.latent_shape = (latent,)
        self.flat = isinstance(network, MLPConfig)
        trunk, features = build_trunk(network, shape)
        self.encoder = nn.Sequential(*trunk, *self.encoder_head(features, latent))
        self.add_heads(features, latent)
        self.decoder = build_decoder(network, shape, latent, condition_dim)
        self.register_buffer("shift", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))

    def encoder_head(self, features: int, latent: int) -> list[nn.Module]:
        """What ends the encoder: a linear layer to the latent."""
        return [nn.Linear(features, latent)]

    def add_heads(self, features: int, latent: int) -> None:
        """Add what reads the encoder's output; nothing here."""

    def posterior(self, encoded: Tensor) -> Posterior:
        """The posterior, before standardising, of the encoder's output."""
        return Posterior(encoded)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        raw = self.posterior(self.encoder(x.flatten(1) if self.flat else x))
        std = None if raw.std is None else raw.std / self.scale
        return Posterior((raw.mean - self.shift) / self.scale, std)

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        vector = None if condition is None else condition.vector
        out: Tensor = self.decoder(z * self.scale + self.shift, vector)
        return out.reshape(-1, *self.shape)

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Make latents of the given mean and standard deviation, `[latent]`, those of N(0, 1).

        Both are measured on what `encode` gives now.
        """
        self.shift.add_(self.scale * mean)
        self.scale.mul_(std)
