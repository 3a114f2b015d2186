"""The encoder and decoder networks that autoencoders and VAEs share."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genzoo_autoencoder.config import ConvConfig, MLPConfig, Network
from genzoo_core.errors import ConfigError

Shape = tuple[int, int, int]


def build_trunk(network: Network, shape: Shape) -> tuple[list[nn.Module], int]:
    """The layers from images to features, and the number of features.

    The MLP's take flattened pixels, `[B, C*H*W]`; the convolutional ones images, `[B, C, H, W]`.
    A head, one linear layer, makes the latent of the features.

    Raises:
        ConfigError: The image's size does not fit the network.
    """
    if isinstance(network, MLPConfig):
        return [nn.Linear(math.prod(shape), network.hidden), nn.ReLU()], network.hidden
    channels, height, width = quarter(network, shape)
    half = network.width
    layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(4 * shape[0], half, 3, padding=1)]
    layers += [ResidualBlock(half) for _ in range(network.blocks)]
    layers += [nn.Conv2d(half, channels, 3, stride=2, padding=1)]
    layers += [ResidualBlock(channels) for _ in range(network.blocks)]
    layers += [group_norm(channels), nn.SiLU(), nn.Flatten()]
    return layers, channels * height * width


def build_decoder(network: Network, shape: Shape, latent: int) -> nn.Sequential:
    """The network from latents, `[B, latent]`, to pixels.

    The MLP gives flattened pixels, `[B, C*H*W]`, the convolutional one images, `[B, C, H, W]`.

    Raises:
        ConfigError: The image's size does not fit the network.
    """
    if isinstance(network, MLPConfig):
        pixels = math.prod(shape)
        return nn.Sequential(
            nn.Linear(latent, network.hidden), nn.ReLU(), nn.Linear(network.hidden, pixels)
        )
    channels, height, width = quarter(network, shape)
    half = network.width
    layers: list[nn.Module] = [
        nn.Linear(latent, channels * height * width),
        nn.Unflatten(1, (channels, height, width)),
    ]
    layers += [ResidualBlock(channels) for _ in range(network.blocks)]
    layers += [nn.Conv2d(channels, 4 * half, 3, padding=1), nn.PixelShuffle(2)]
    layers += [ResidualBlock(half) for _ in range(network.blocks)]
    layers += [group_norm(half), nn.SiLU()]
    layers += [nn.Conv2d(half, 4 * shape[0], 3, padding=1), nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


def quarter(network: ConvConfig, shape: Shape) -> Shape:
    """(C, H, W) of the convolutional network's smallest feature map."""
    _, height, width = shape
    if height % 4 or width % 4:
        raise ConfigError(
            f"the convolutional network needs sides divisible by 4, not {height}×{width}"
        )
    return 2 * network.width, height // 4, width // 4


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside the identity, pre-activated (He et al. 2016, arXiv:1603.05027).

    The last convolution starts at zero, so that a fresh block is the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = group_norm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = group_norm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        self.activation = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv1(self.activation(self.norm1(x)))
        h = self.conv2(self.activation(self.norm2(h)))
        return x + h


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation over groups of 8 channels (of all, where 8 does not divide them)."""
    return nn.GroupNorm(channels // 8 if channels % 8 == 0 else 1, channels)
