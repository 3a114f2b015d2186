"""The networks that remove noise."""

from __future__ import annotations

from genzoo_core import ConfigError
from genzoo_core.layers.mlp import MLP
from genzoo_diffusion.config import MLPConfig, Network
from genzoo_diffusion.unet import UNet


def build_network(network: Network, shape: tuple[int, ...]) -> MLP | UNet:
    """The network for data of `shape`, without the batch.

    Raises:
        ConfigError: The architecture does not take data of this shape.
    """
    if isinstance(network, MLPConfig):
        return MLP(shape, width=network.width, blocks=network.blocks, embedding=network.embedding)
    if len(shape) != 3:
        raise ConfigError(
            f"a U-Net needs data with a height and a width, not of shape {list(shape)}",
            'use network = { type = "mlp" }',
        )
    return UNet(network, (shape[0], shape[1], shape[2]))
