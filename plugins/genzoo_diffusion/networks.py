"""The networks that remove noise: what they share, and the one for flat data."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genzoo_core import Condition, ConfigError
from genzoo_diffusion.config import MLPConfig, Network
from genzoo_diffusion.embedding import Embedding
from genzoo_diffusion.unet import UNet


def build_network(network: Network, shape: tuple[int, ...]) -> MLP | UNet:
    """The network for data of `shape`, without the batch.

    Raises:
        ConfigError: The architecture does not take data of this shape.
    """
    if isinstance(network, MLPConfig):
        return MLP(network, shape)
    if len(shape) != 3:
        raise ConfigError(
            f"a U-Net needs data with a height and a width, not of shape {list(shape)}",
            'use network = { type = "mlp" }',
        )
    return UNet(network, (shape[0], shape[1], shape[2]))


class MLP(nn.Module):
    """A residual network on flattened data, modulated by time and condition.

    Blocks are those of DiT (Peebles & Xie 2023, adaLN-Zero) without attention. Beside them, the
    input reaches the output through a gate that depends on the time: predicted noise has as many
    dimensions as the data, more than the blocks can carry.

    Args:
        config: Its size.
        shape: Shape of the data, without the batch.
    """

    def __init__(self, config: MLPConfig, shape: tuple[int, ...]) -> None:
        super().__init__()
        size = math.prod(shape)
        self.embedding = Embedding(config.embedding)
        self.read = nn.Linear(size, config.width)
        self.blocks = nn.ModuleList(
            MLPBlock(config.width, config.embedding) for _ in range(config.blocks)
        )
        self.norm = nn.LayerNorm(config.width)
        self.write = nn.Linear(config.width, size)
        self.gate = nn.Linear(config.embedding, size)
        for layer in (self.write, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, time: Tensor, condition: Condition | None) -> Tensor:
        """The prediction, with the shape of `x`; see `UNet.forward`."""
        embedded = self.embedding(time, condition)
        flat = x.flatten(1)
        h = self.read(flat)
        for block in self.blocks:
            h = block(h, embedded)
        out: Tensor = self.write(nn.functional.silu(self.norm(h))) + self.gate(embedded) * flat
        return out.reshape(x.shape)


class MLPBlock(nn.Module):
    """Two layers beside the identity; a fresh block is the identity."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(embedding, 3 * width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        scale, shift, gate = self.modulation(embedded).chunk(3, 1)
        h = self.first(self.norm(x) * (1 + scale) + shift)
        out: Tensor = x + gate * self.second(nn.functional.silu(h))
        return out
