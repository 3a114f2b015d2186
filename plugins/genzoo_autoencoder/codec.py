"""The autoencoder's encoder and decoder as a `Codec`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genzoo_autoencoder.config import Network
from genzoo_autoencoder.networks import Shape, build_decoder, build_trunk
from genzoo_core import Codec, Condition, Context, Posterior
from genzoo_core.layers.config import MLPConfig


class NetworkCodec(Codec):
    """Encoder and decoder of one of the architectures.

    Args:
        shape: (C, H, W) of an image.
        latent: Number of latent dimensions.
        network: The architecture.
        condition_dim: Size of the condition vector that the decoder is told; None for none.
        context: Builds the encoder component, where the architecture names one.
    """

    def __init__(
        self,
        shape: Shape,
        latent: int,
        network: Network,
        condition_dim: int | None,
        context: Context,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.latent_shape = (latent,)
        self.flat = isinstance(network, MLPConfig)
        trunk, features = build_trunk(network, shape, context)
        self.encoder = nn.Sequential(*trunk, *self.encoder_head(features, latent))
        self.add_heads(features, latent)
        self.decoder = build_decoder(network, shape, latent, condition_dim)

    def encoder_head(self, features: int, latent: int) -> list[nn.Module]:
        """What ends the encoder: a linear layer to the latent."""
        return [nn.Linear(features, latent)]

    def add_heads(self, features: int, latent: int) -> None:
        """Add what reads the encoder's output; nothing here."""

    def posterior(self, encoded: Tensor) -> Posterior:
        """The posterior of the encoder's output."""
        return Posterior(encoded)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        return self.posterior(self.encoder(x.flatten(1) if self.flat else x))

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        out: Tensor = self.decoder(z, None if condition is None else condition.vector)
        return out.reshape(-1, *self.shape)


class AutoencoderCodec(NetworkCodec):
    """A codec whose latents are brought to unit scale once it is trained.

    `encode` gives `(z - shift) / scale`; these buffers are 0 and 1 until `standardize` sets them.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        shape: Shape,
        latent: int,
        network: Network,
        condition_dim: int | None,
        context: Context,
    ) -> None:
        super().__init__(shape, latent, network, condition_dim, context)
        self.register_buffer("shift", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        return Posterior((super().encode(x, condition).mean - self.shift) / self.scale)

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        return super().decode(z * self.scale + self.shift, condition)

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Make latents of the given mean and standard deviation, `[latent]`, those of N(0, 1).

        Both are measured on what `encode` gives now.
        """
        self.shift.add_(self.scale * mean)
        self.scale.mul_(std)
