"""Time and condition as vectors, for the layers that they modulate."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import Condition

FREQUENCIES = 32


class TimeEmbedding(nn.Module):
    """A time as a vector of D = `dim` numbers: two layers on its sinusoids."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * FREQUENCIES, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, time: Tensor) -> Tensor:
        """`[B, D]` of times `[B]` about 1 in size, such as a noiser's `embed` gives."""
        out: Tensor = self.layers(sinusoids(time))
        return out


class Embedding(TimeEmbedding):
    """Time and condition as one vector, activated, for the layers that it modulates."""

    def forward(self, time: Tensor, condition: Condition | None = None) -> Tensor:
        """`[B, D]` of a noiser's `embed`, `[B]`, and a condition whose vector is `[B, D]`."""
        embedded = super().forward(time)
        if condition is not None:
            embedded = embedded + condition.vector
        return nn.functional.silu(embedded)


def sinusoids(time: Tensor) -> Tensor:
    """Sines and cosines of times `[B]` about 1 in size, `[B, 2 * FREQUENCIES]`.

    The frequencies fall from 1000 to 0.1: those of Vaswani et al. 2017 (section 3.5) for a time
    that counts 1000 steps, as in DDPM.
    """
    exponents = torch.arange(FREQUENCIES, device=time.device, dtype=time.dtype) / FREQUENCIES
    angles = time[:, None] * (1000 * (-math.log(10_000) * exponents).exp())
    return torch.cat([angles.sin(), angles.cos()], 1)
