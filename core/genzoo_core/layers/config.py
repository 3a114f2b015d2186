"""Configs of networks that several families have. Imports no torch, for listings."""

from __future__ import annotations

from genzoo_core.config import Config
from genzoo_core.ranges import Blocks, Width


class MLPConfig(Config, tag="mlp"):
    """One hidden layer on flattened pixels, in each of a model's two networks."""

    hidden: Width = 128
    """Width of the hidden layer."""


class ResidualMLPConfig(Config, tag="mlp"):
    """The network `genzoo_core.layers.mlp.MLP`.

    Attributes:
        width: Width of the residual stream.
        blocks: Residual blocks.
        embedding: Width of the embedding of time and condition.
    """

    width: Width = 512
    blocks: Blocks = 2
    embedding: Width = 128
