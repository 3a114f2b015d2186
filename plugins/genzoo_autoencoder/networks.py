"""The encoder and decoder networks that autoencoders and VAEs share."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genzoo_autoencoder.config import ConvConfig, Network
from genzoo_core.component import Context
from genzoo_core.conditioner import Condition
from genzoo_core.encoder import Encoder, check_continuous
from genzoo_core.errors import ConfigError
from genzoo_core.layers.config import MLPConfig
from genzoo_core.layers.residual import ResidualBlock, group_norm
from genzoo_core.specs import ComponentSpec

Shape = tuple[int, int, int]


class Trunk(nn.Sequential):
    """Layers from images, `[B, C, H, W]`, to features, `[B, size]`.

    Args:
        network: The architecture.
        shape: (C, H, W) of an image.
        context: Builds the encoder component, where the architecture names one.

    Attributes:
        size: Number of features.

    Raises:
        ConfigError: The encoder component does not fit.
    """

    def __init__(self, network: Network, shape: Shape, context: Context) -> None:
        if isinstance(network, MLPConfig):
            super().__init__(nn.Linear(math.prod(shape), network.hidden), nn.ReLU())
            self.size = network.hidden
            return
        if network.encoder is not None:
            features = Features(network.encoder, shape, context)
            super().__init__(features)
            self.size = features.size
            return
        half, (channels, height, width) = network.width, quarter(network, shape)
        super().__init__(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * shape[0], half, 3, padding=1),
            *(ResidualBlock(half) for _ in range(network.blocks)),
            nn.Conv2d(half, channels, 3, stride=2, padding=1),
            *(ResidualBlock(channels) for _ in range(network.blocks)),
            group_norm(channels),
            nn.SiLU(),
            nn.Flatten(),
        )
        self.size = channels * height * width

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1) if isinstance(self[0], nn.Linear) else x
        for layer in self:
            x = layer(x)
        return x


class Decoder(nn.Sequential):
    """Layers from latents, `[B, latent]`, to pixels; a condition modulates the residual blocks.

    Args:
        network: The architecture. An MLP takes no condition.
        shape: (C, H, W) of an image.
        latent: Number of latent dimensions.
        condition_dim: D of the condition's vector; None for none.
    """

    def __init__(
        self, network: Network, shape: Shape, latent: int, condition_dim: int | None = None
    ) -> None:
        if isinstance(network, MLPConfig):
            hidden, pixels = network.hidden, math.prod(shape)
            super().__init__(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))
            self.shape = shape
            return
        half, (channels, height, width) = network.width, quarter(network, shape)
        super().__init__(
            nn.Linear(latent, channels * height * width),
            nn.Unflatten(1, (channels, height, width)),
            *(conditioned(channels, condition_dim) for _ in range(network.blocks)),
            nn.Conv2d(channels, 4 * half, 3, padding=1),
            nn.PixelShuffle(2),
            *(conditioned(half, condition_dim) for _ in range(network.blocks)),
            group_norm(half),
            nn.SiLU(),
            nn.Conv2d(half, 4 * shape[0], 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.shape = shape

    def forward(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        """Images, `[B, C, H, W]`, of latents, `[B, latent]`, and a condition's vector, `[B, D]`."""
        vector = None if condition is None else condition.vector
        for layer in self:
            z = layer(z, vector) if isinstance(layer, ResidualBlock) else layer(z)
        return z.reshape(-1, *self.shape)


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
