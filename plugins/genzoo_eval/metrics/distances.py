"""Euclidean distances between many features, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

ROWS = 128
"""Rows of a block: with 10,000 columns of float32 it has 5 MB and stays in the cache of a core."""

COLUMNS = 2**17
"""Columns that are computed at once, and from which on a block has fewer rows."""


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
    few = [b - centre] if len(b) <= COLUMNS else []

    def centred() -> Iterable[Tensor]:
        return few or (part - centre for part in torch.split(b, COLUMNS))

    squares = [part.square().sum(1) for part in centred()]
    height = max(1, min(ROWS, ROWS * COLUMNS // len(b)))
    for start in range(0, len(a), height):
        rows = slice(start, min(start + height, len(a)))
        own = a[rows] - centre
        products = zip(squares, centred(), strict=True)
        blocks = [torch.addmm(square, own, part.T, alpha=-2) for square, part in products]
        block = torch.cat(blocks, 1) if len(blocks) > 1 else blocks[0]
        yield rows, block.add_(own.square().sum(1, keepdim=True)).clamp_(min=0)


def squared_distances_within(a: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """As `squared_distances` of `a` from itself, with infinity for a sample from itself."""
    for rows, block in squared_distances(a, a):
        block.diagonal(rows.start).fill_(torch.inf)
        yield rows, block
