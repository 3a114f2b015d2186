"""A residual network on flat data, modulated by time and condition."""

from __future__ import annotations

import math

from torch import Tensor, nn

from genzoo_core.conditioner import Condition
from genzoo_core.layers.embedding import Embedding


class ResidualMLP(nn.Module):
    """Flat data in, as many numbers out, through modulated blocks; a fresh one gives zeros.

    Args:
        size: Numbers in and out.
        width: Width of the residual stream.
        blocks: Residual blocks.
        embedding: Width of the embedding that modulates them.
    """

    def __init__(self, size: int, *, width: int, blocks: int, embedding: int) -> None:
        super().__init__()
        self.read = nn.Linear(size, width)
        self.blocks = nn.ModuleList(MLPBlock(width, embedding) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.write = nn.Linear(width, size)
        nn.init.zeros_(self.write.weight)
        nn.init.zeros_(self.write.bias)

    def through(self, flat: Tensor, embedded: Tensor) -> Tensor:
        """`[B, size]` for data `[B, size]` and an embedding `[B, embedding]`."""
        h = self.read(flat)
        for block in self.blocks:
            h = block(h, embedded)
        out: Tensor = self.write(nn.functional.silu(self.norm(h)))
        return out


class MLP(ResidualMLP):
    """A residual network on data of any shape, modulated by time and condition.

    Blocks are those of DiT (Peebles & Xie 2023, adaLN-Zero) without attention. Beside them, the
    input reaches the output through a gate that depends on the time: predicted noise has as many
    dimensions as the data, more than the blocks can carry.
    """

    def __init__(self, shape: tuple[int, ...], *, width: int, blocks: int, embedding: int) -> None:
        size = math.prod(shape)
        # Made first, so that a seed gives the weights that it gave before there was a base.
        embed = Embedding(embedding)
        super().__init__(size, width=width, blocks=blocks, embedding=embedding)
        self.embedding = embed
        self.gate = nn.Linear(embedding, size)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, x: Tensor, time: Tensor, condition: Condition | None) -> Tensor:
        """The prediction for noisy data `x`, `[B, *shape]`, with its shape.

        `time`, `[B]`, is what the noiser's `embed` gives. The condition's vector is
        `[B, embedding]`; None for a model without conditioners.
        """
        embedded = self.embedding(time, condition)
        flat = x.flatten(1)
        out: Tensor = self.through(flat, embedded) + self.gate(embedded) * flat
        return out.reshape(x.shape)


class MLPBlock(nn.Module):
    """Two layers beside the identity, on `[B, width]`; a fresh block is the identity."""

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
