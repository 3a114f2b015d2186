"""Euclidean distances between many features, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

# A block stays in the cache of a core: 128 rows × 10,000 columns of float32 are 5 MB.
ROWS = 128


def squared_distances(a: Tensor, b: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Blocks of the matrix of squared Euclidean distances, in the features' precision.

    Args:
        a: Features `[N, D]`.
        b: Features `[M, D]`.

    Yields:
        The rows of `a`, and their squared distances `[rows, M]` from all of `b`, at least 0. The
        block may be written to.
    """
    # |x|² + |y|² - 2 x·y cancels badly far from the origin.
    centre = b.mean(0)
    a, b = a - centre, b - centre
    squares = b.square().sum(1)
    for start in range(0, len(a), ROWS):
        rows = slice(start, min(start + ROWS, len(a)))
        block = torch.addmm(squares, a[rows], b.T, alpha=-2)
        yield rows, block.add_(a[rows].square().sum(1, keepdim=True)).clamp_(min=0)


def squared_distances_within(a: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """As `squared_distances` of `a` from itself, with infinity for a sample from itself."""
    for rows, block in squared_distances(a, a):
        block.diagonal(rows.start).fill_(torch.inf)
        yield rows, block
