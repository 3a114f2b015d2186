"""Generators and discriminators."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genzoo_core.layers.config import MLPConfig
from genzoo_core.layers.residual import Residual
from genzoo_gan.config import ConvConfig, Network

Shape = tuple[int, int, int]
SLOPE = 0.2


class MLPGenerator(nn.Module):
    """The tutorial's: noise, one hidden layer, pixels."""

    def __init__(self, network: MLPConfig, shape: Shape, latent: int) -> None:
        super().__init__()
        self.shape = shape
        self.layers = nn.Sequential(
            nn.Linear(latent, network.hidden),
            nn.ReLU(),
            nn.Linear(network.hidden, math.prod(shape)),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, vector: Tensor | None) -> Tensor:
        out: Tensor = self.layers(z)
        return out.reshape(-1, *self.shape)


class Discriminator(nn.Module):
    """Images and a condition to an output, in two steps: two prompts share one reading."""

    def read(self, x: Tensor) -> Tensor:
        """Features `[B, F]` of images `[B, C, H, W]`, whatever the condition."""
        raise NotImplementedError

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        """Outputs `[B]` for features `[B, F]` and the condition's vector `[B, D]`."""
        raise NotImplementedError

    def forward(self, x: Tensor, vector: Tensor | None) -> Tensor:
        """Outputs `[B]` for images `[B, C, H, W]` and the condition's vector `[B, D]`."""
        return self.judge(self.read(x), vector)


class MLPDiscriminator(Discriminator):
    """The tutorial's: pixels, one hidden layer, a probability (or a logit)."""

    def __init__(self, network: MLPConfig, shape: Shape, probabilities: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(math.prod(shape), network.hidden),
            nn.ReLU(),
            nn.Linear(network.hidden, 1),
            *([nn.Sigmoid()] if probabilities else []),
        )

    def read(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        out: Tensor = self.layers(features)
        return out[:, 0]


class ConvGenerator(nn.Module):
    """Noise and condition, a feature map at a quarter of the size, residual blocks, pixels.

    After R3GAN's (Huang et al. 2024, section 4): no normalisation, LeakyReLU, residual blocks
    that begin as the identity. Plain 3×3 convolutions and pixel shuffling (Shi et al. 2016),
    with no work at full size, are what makes it fast on a CPU.
    """

    def __init__(self, network: ConvConfig, shape: Shape, latent: int, condition_dim: int) -> None:
        super().__init__()
        height, width = quarter(shape)
        half, channels = network.width, 2 * network.width
        self.layers = nn.Sequential(
            linear(latent + condition_dim, network.hidden),
            *(FlatBlock(network.hidden) for _ in range(network.depth)),
            nn.LeakyReLU(SLOPE),
            linear(network.hidden, channels * height * width),
            nn.Unflatten(1, (channels, height, width)),
            *(ResidualBlock(channels) for _ in range(network.blocks)),
            conv(channels, 4 * half),
            nn.PixelShuffle(2),
            *(ResidualBlock(half) for _ in range(network.blocks)),
            nn.LeakyReLU(SLOPE),
            conv(half, 4 * shape[0], gain=1.0),
            nn.PixelShuffle(2),
            nn.Tanh(),
        )

    def forward(self, z: Tensor, vector: Tensor | None) -> Tensor:
        """Images `[B, C, H, W]` for noise `[B, latent]` and the condition's vector `[B, D]`."""
        out: Tensor = self.layers(z if vector is None else torch.cat([z, vector], 1))
        return out


class ConvDiscriminator(Discriminator):
    """The generator's mirror: pixels, residual blocks, features, output.

    A condition enters by projection: the inner product of its embedding with the features is
    added to the output (Miyato & Koyama 2018, "cGANs with projection discriminator", equation 3).
    """

    def __init__(
        self, network: ConvConfig, shape: Shape, condition_dim: int, probabilities: bool
    ) -> None:
        super().__init__()
        height, width = quarter(shape)
        half, channels = network.critic_width, 2 * network.critic_width
        self.features = nn.Sequential(
            nn.PixelUnshuffle(2),
            conv(4 * shape[0], half, gain=1.0),
            *(ResidualBlock(half) for _ in range(network.critic_blocks)),
            nn.PixelUnshuffle(2),
            conv(4 * half, channels),
            *(ResidualBlock(channels) for _ in range(network.critic_blocks)),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            linear(channels * height * width, network.hidden),
            nn.LeakyReLU(SLOPE),
        )
        self.head = nn.Linear(network.hidden, 1)
        self.projection = nn.Linear(condition_dim, network.hidden) if condition_dim else None
        self.squash = nn.Sigmoid() if probabilities else nn.Identity()

    def read(self, x: Tensor) -> Tensor:
        features: Tensor = self.features(x)
        return features

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        out: Tensor = self.head(features)[:, 0]
        if self.projection is not None:
            embedding = self.projection(vector)
            out = out + (features * embedding).sum(1) / math.sqrt(features.shape[1])
        squashed: Tensor = self.squash(out)
        return squashed


def build_generator(network: Network, shape: Shape, latent: int, condition_dim: int) -> nn.Module:
    """The network from noise `[B, latent]` and a condition's vector to images in [-1, 1].

    `shape` is (C, H, W) of an image, `condition_dim` the vector's size; 0 for no condition.
    """
    if isinstance(network, MLPConfig):
        return MLPGenerator(network, shape, latent)
    return ConvGenerator(network, shape, latent, condition_dim)


def build_discriminator(
    network: Network, shape: Shape, condition_dim: int, probabilities: bool
) -> Discriminator:
    """The network from images and a condition's vector to logits, or probabilities, `[B]`."""
    if isinstance(network, MLPConfig):
        return MLPDiscriminator(network, shape, probabilities)
    return ConvDiscriminator(network, shape, condition_dim, probabilities)


def quarter(shape: Shape) -> tuple[int, int]:
    """(H, W) of the convolutional networks' smallest feature map."""
    _, height, width = shape
    return height // 4, width // 4


class ResidualBlock(Residual):
    """Two 3×3 convolutions beside the identity, pre-activated, without normalisation.

    The last convolution starts at zero, so that a fresh block is the identity (Zhang et al.
    2019, "Fixup initialization").
    """

    def __init__(self, channels: int) -> None:
        first, last = conv(channels, channels), conv(channels, channels, gain=0.0)
        super().__init__(nn.LeakyReLU(SLOPE), first, nn.LeakyReLU(SLOPE), last)


class FlatBlock(Residual):
    """The same with two fully connected layers."""

    def __init__(self, width: int) -> None:
        first, last = linear(width, width), nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        super().__init__(nn.LeakyReLU(SLOPE), first, nn.LeakyReLU(SLOPE), last)


def conv(inputs: int, outputs: int, gain: float = math.sqrt(2)) -> nn.Conv2d:
    """A 3×3 convolution; its weights keep the variance times `gain`²/2 (He et al. 2015)."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(9 * inputs))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that keeps the variance of what it reads."""
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(inputs))
    nn.init.zeros_(layer.bias)
    return layer
