"""What the feature nets share: the network, and the scale of its features."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from genzoo_core import Batch, Condition, Context, Encoder, Posterior, Trainable
from genzoo_core.encoder import check_continuous
from genzoo_core.layers.residual import Residual
from genzoo_eval.nets.config import TrunkConfig


class ResidualBlock(Residual):
    """Two convolutions around a skip (He et al. 2016, "Identity mappings in deep residual
    networks", figure 4e), with group normalisation: no image depends on its batch."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            group_norm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            group_norm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation with up to eight groups."""
    return nn.GroupNorm(math.gcd(8, channels), channels)


class Seen(nn.Module):
    """What an encoder of another plugin sees in images `[B, C, H, W]`, flattened: `[B, D]`."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder.encode(x).mode().flatten(1)


def build_trunk(config: TrunkConfig, context: Context) -> nn.Sequential:
    """The network from images `[B, C, H, W]` to features `[B, features]`.

    Raises:
        ConfigError: The encoder that it names cannot be built, or gives codes.
    """
    if config.encoder is not None:
        spec = config.encoder
        encoder: Encoder = context.component("encoder", spec.component, spec.config)
        check_continuous(encoder, "a feature net")
        return nn.Sequential(
            Seen(encoder), nn.Linear(math.prod(encoder.latent_shape), config.features)
        )
    colours, height, width = config.shape
    half, deep = config.width, 2 * config.width
    patch = config.patch
    cells = math.ceil(height / patch / 4) * math.ceil(width / patch / 4)
    return nn.Sequential(
        nn.PixelUnshuffle(patch),
        nn.Conv2d(patch**2 * colours, half, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(half, deep, 3, stride=2, padding=1),
        *(ResidualBlock(deep) for _ in range(config.blocks)),
        group_norm(deep),
        nn.ReLU(),
        nn.Conv2d(deep, deep, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(deep * cells, config.features),
    )


class FeatureNet(Encoder, Trainable):
    """An encoder whose latents are features to measure distances in.

    `encode` gives `(trunk(x) - shift) / scale`. After training, `shift` is the mean of the
    training images' features and `scale`, one number, makes their mean variance 1: distances
    keep their proportions, and one net's Fréchet distances and kernels have the size of
    another's.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, config: TrunkConfig, context: Context) -> None:
        super().__init__()
        self.latent_shape = (config.features,)
        self.trunk = build_trunk(config, context)
        self.register_buffer("shift", torch.zeros(config.features))
        self.register_buffer("scale", torch.ones(1))

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        """The features of images, a point `[B, features]`; the condition is not looked at."""
        return Posterior((self.trunk(x) - self.shift) / self.scale)

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Measure the features' mean and scale."""
        count = 0
        total, squares = torch.zeros(2, *self.latent_shape, dtype=torch.float64)
        for batch in batches:
            features = self.trunk(batch.images).double().cpu()
            count += len(features)
            total += features.sum(0)
            squares += features.square().sum(0)
        if not count:
            return
        mean = total / count
        variance = (squares / count - mean.square()).mean()
        self.shift.copy_(mean)
        self.scale.fill_(float(variance.clamp_min(1e-12).sqrt()))
