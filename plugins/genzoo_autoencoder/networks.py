"""The encoder and decoder networks that autoencoders and VAEs share."""

from __future__ import annotations

import math
from collections.abc import Iterator

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
    """Layers from images of `shape`, `[B, C, H, W]`, to features, `[B, size]`.

    `context` builds the encoder component, where the architecture names one.

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
        super().__init__(*down(shape[0], network.width, network.blocks), nn.Flatten())
        self.size = math.prod(quarter(network, shape))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1) if isinstance(self[0], nn.Linear) else x
        for layer in self:
            x = layer(x)
        return x


class Decoder(nn.Sequential):
    """Layers from latents, `[B, latent]`, to pixels.

    A condition's vector, `[B, condition_dim]`, modulates residual blocks; an MLP takes none.
    """

    def __init__(
        self, network: Network, shape: Shape, latent: int, condition_dim: int | None = None
    ) -> None:
        if isinstance(network, MLPConfig):
            hidden, pixels = network.hidden, math.prod(shape)
            super().__init__(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, pixels))
            self.shape = shape
            return
        smallest = quarter(network, shape)
        super().__init__(
            nn.Linear(latent, math.prod(smallest)),
            nn.Unflatten(1, smallest),
            *up(shape[0], network.width, network.blocks, condition_dim),
        )
        self.shape = shape

    def forward(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        """Images, `[B, C, H, W]`, of latents, `[B, latent]`, and a condition's vector, `[B, D]`."""
        vector = None if condition is None else condition.vector
        for layer in self:
            z = layer(z, vector) if isinstance(layer, ResidualBlock) else layer(z)
        return z.reshape(-1, *self.shape)


def down(colours: int, width: int, blocks: int) -> Iterator[nn.Module]:
    """Layers from images `[B, colours, H, W]` to a map `[B, 2 * width, H / 4, W / 4]`."""
    yield nn.PixelUnshuffle(2)
    yield nn.Conv2d(4 * colours, width, 3, padding=1)
    yield from (ResidualBlock(width) for _ in range(blocks))
    yield nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
    yield from (ResidualBlock(2 * width) for _ in range(blocks))
    yield group_norm(2 * width)
    yield nn.SiLU()


def up(
    colours: int, width: int, blocks: int, condition_dim: int | None = None
) -> Iterator[nn.Module]:
    """Layers from a map `[B, 2 * width, H / 4, W / 4]` to pixels; a condition modulates blocks."""
    yield from (conditioned(2 * width, condition_dim) for _ in range(blocks))
    yield nn.Conv2d(2 * width, 4 * width, 3, padding=1)
    yield nn.PixelShuffle(2)
    yield from (conditioned(width, condition_dim) for _ in range(blocks))
    yield group_norm(width)
    yield nn.SiLU()
    yield nn.Conv2d(width, 4 * colours, 3, padding=1)
    yield nn.PixelShuffle(2)


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
    """An encoder component as a layer.

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
