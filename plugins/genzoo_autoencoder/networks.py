"""The encoder and decoder networks that autoencoders and VAEs share."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genzoo_autoencoder.config import ConvConfig, Network
from genzoo_core.component import Context
from genzoo_core.encoder import Encoder, check_continuous
from genzoo_core.errors import ConfigError
from genzoo_core.layers.config import MLPConfig
from genzoo_core.layers.residual import ResidualBlock, group_norm
from genzoo_core.specs import ComponentSpec

Shape = tuple[int, int, int]


def build_trunk(network: Network, shape: Shape, context: Context) -> tuple[list[nn.Module], int]:
    """The layers from images to features, and the number of features.

    The MLP's take flattened pixels, `[B, C*H*W]`; the convolutional ones images, `[B, C, H, W]`.
    A head, one linear layer, makes the latent of the features.

    Raises:
        ConfigError: The image's size does not fit the network.
    """
    if isinstance(network, MLPConfig):
        return [nn.Linear(math.prod(shape), network.hidden), nn.ReLU()], network.hidden
    if network.encoder is not None:
        features = Features(network.encoder, shape, context)
        return [features], features.size
    channels, height, width = quarter(network, shape)
    half = network.width
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(4 * shape[0], half, 3, padding=1)]
    layers += [ResidualBlock(half) for _ in range(network.blocks)]
    layers += [nn.Conv2d(half, channels, 3, stride=2, padding=1)]
    layers += [ResidualBlock(channels) for _ in range(network.blocks)]
    layers += [group_norm(channels), nn.SiLU(), nn.Flatten()]
    return layers, channels * height * width


def build_decoder(
    network: Network, shape: Shape, latent: int, condition_dim: int | None = None
) -> Decoder:
    """The network from latents, `[B, latent]`, to pixels.

    The MLP gives flattened pixels, `[B, C*H*W]`, the convolutional one images, `[B, C, H, W]`.
    With a `condition_dim` the convolutional one's blocks are modulated by a vector of that size.

    Raises:
        ConfigError: The image's size does not fit the network.
    """
    if isinstance(network, MLPConfig):
        pixels = math.prod(shape)
        return Decoder(
            nn.Linear(latent, network.hidden), nn.ReLU(), nn.Linear(network.hidden, pixels)
        )
    channels, height, width = quarter(network, shape)
    half = network.width
    layers: list[nn.Module] = [
        nn.Linear(latent, channels * height * width),
        nn.Unflatten(1, (channels, height, width)),
    ]
    layers += [conditioned(channels, condition_dim) for _ in range(network.blocks)]
    layers += [nn.Conv2d(channels, 4 * half, 3, padding=1), nn.PixelShuffle(2)]
    layers += [conditioned(half, condition_dim) for _ in range(network.blocks)]
    layers += [group_norm(half), nn.SiLU()]
    layers += [nn.Conv2d(half, 4 * shape[0], 3, padding=1), nn.PixelShuffle(2)]
    return Decoder(*layers)


def conditioned(channels: int, condition_dim: int | None) -> ResidualBlock:
    """A residual block that a condition vector of that size modulates; None for none."""
    block = ResidualBlock(channels)
    if condition_dim is not None:  # made last: a seed gives the weights that it always gave
        block.modulation = nn.Linear(condition_dim, 2 * channels)
    return block


def quarter(network: ConvConfig, shape: Shape) -> Shape:
    """(C, H, W) of the convolutional network's smallest feature map."""
    _, height, width = shape
    return 2 * network.width, height // 4, width // 4


class Features(nn.Module):
    """What an encoder of another plugin sees in images, as a layer.

    Args:
        spec: The encoder.
        shape: (C, H, W) of an image.
        context: Builds it.

    Raises:
        ConfigError: It cannot be built, gives codes, or was made for images of another shape.
    """

    def __init__(self, spec: ComponentSpec, shape: Shape, context: Context) -> None:
        super().__init__()
        self.encoder: Encoder = context.component("encoder", spec.component, spec.config)
        check_continuous(self.encoder, "a layer")
        self.size = math.prod(self.encoder.latent_shape)
        made_for = tuple(getattr(self.encoder, "shape", shape))
        if made_for != tuple(shape):
            raise ConfigError(
                f"{spec.component} is for images of {'×'.join(map(str, made_for))}, "
                f"these have {'×'.join(map(str, shape))}",
                "give both the same shape",
            )

    def forward(self, x: Tensor) -> Tensor:
        """The mode of the latent of images `[B, C, H, W]`, flattened: `[B, size]`."""
        return self.encoder.encode(x).mode().flatten(1)


class Decoder(nn.Sequential):
    """Layers one after the other, of which residual blocks are told the condition."""

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pixels for latents `[B, latent]` and a condition vector `[B, D]`."""
        for layer in self:
            z = layer(z, condition) if isinstance(layer, ResidualBlock) else layer(z)
        return z
