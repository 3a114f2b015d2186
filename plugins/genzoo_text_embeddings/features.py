"""What a frozen encoder knows of texts, as one tensor that a training keeps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from genzoo_core import Condition


@dataclass(frozen=True)
class Features:
    """Pooled and token vectors of texts, all of length 1.

    Attributes:
        pooled: `[B, D]`; 0 for a text that asks for nothing.
        tokens: `[B, T, D]`; 0 where there is none.
        present: `[B]`, True for a text that says something.
        mask: `[B, T]`, True where a token counts.
    """

    pooled: Tensor
    tokens: Tensor
    present: Tensor
    mask: Tensor


def pack(condition: Condition, count: int) -> Tensor:
    """Features as rows: the pooled vector, then `count` tokens, each followed by whether it counts.

    A text without a single token asks for nothing.

    Args:
        condition: What an encoder gives, vector `[B, D]` and tokens `[B, any, D]`.
        count: Most tokens.

    Returns:
        float32 `[B, 1 + count, D + 1]` on the CPU.
    """
    n, dim = condition.vector.shape
    out = torch.zeros(n, 1 + count, dim + 1)
    present = torch.ones(n, dtype=torch.bool)
    if condition.tokens is not None:
        shape, device = condition.tokens.shape[:2], condition.tokens.device
        mask = torch.ones(shape, device=device) if condition.mask is None else condition.mask
        present = mask.bool().any(1).cpu()
        used = min(count, shape[1])
        out[:, 1 : 1 + used, :dim] = _unit(condition.tokens[:, :used])
        out[:, 1 : 1 + used, dim] = mask[:, :used].cpu()
    out[:, 0, :dim] = _unit(condition.vector)
    out[:, 0, dim] = 1
    return out * present[:, None, None]


def unpack(packed: Tensor) -> Features:
    """The features in what `pack` gave, `[B, 1 + T, D + 1]`."""
    vectors, counts = packed[..., :-1], packed[..., -1] > 0.5
    return Features(vectors[:, 0], vectors[:, 1:], counts[:, 0], counts[:, 1:])


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.float(), dim=-1).cpu()
