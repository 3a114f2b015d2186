"""The networks that remove noise."""

from __future__ import annotations

from collections.abc import Mapping

from genzoo_core import Conditioner, ConfigError
from genzoo_core.layers.mlp import MLP
from genzoo_diffusion.config import Network, UNetConfig
from genzoo_diffusion.unet import UNet


def build_network(network: Network, shape: tuple[int, ...], *, spatial: bool = False) -> MLP | UNet:
    """The network for data of `shape`, without the batch; `spatial` where conditions have maps.

    Raises:
        ConfigError: The architecture does not take data of this shape.
    """
    if not isinstance(network, UNetConfig):
        return MLP(shape, width=network.width, blocks=network.blocks, embedding=network.embedding)
    if len(shape) != 3:
        raise ConfigError(
            f"a U-Net needs data with a height and a width, not of shape {list(shape)}",
            'use network = { type = "mlp" }',
        )
    return UNet(network, (shape[0], shape[1], shape[2]), spatial=spatial)


def check_tokens(network: Network, conditioners: Mapping[str, Conditioner]) -> None:
    """Refuse a network that attends to tokens where no conditioner gives any.

    Raises:
        ConfigError: Says what to change.
    """
    if not isinstance(network, UNetConfig) or not network.cross_attention:
        return
    if all(conditioner.token_dim is None for conditioner in conditioners.values()):
        raise ConfigError(
            "the network attends to tokens, but no conditioner gives any",
            "set cross_attention = false, or use a conditioner with tokens, such as genzoo/text",
        )
