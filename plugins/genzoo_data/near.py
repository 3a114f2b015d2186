"""Pictures that look the same: copies in another size, format or quality."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE, COARSE = 16, 4
"""Pixels of a side of the pictures that are compared, and of those that are compared first."""

ALIKE = 2.0
"""Mean difference of two small pictures, in levels of 255, up to which they look the same."""

MOST = 100_000
"""Among more pictures none are looked for: it would take minutes."""


def near_copies(thumbs: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Pairs of pictures that look the same.

    Args:
        thumbs: Small pictures, `[N, 16, 16, 3]`.

    Returns:
        Their rows, the smaller first, each row with the first that it resembles.
    """
    from scipy.spatial import KDTree  # half a second of the start of what looks for none

    n, step = len(thumbs), SIDE // COARSE
    blocks = thumbs.reshape(n, COARSE, step, COARSE, step, 3).mean(axis=(2, 4)).reshape(n, -1)
    # Means differ no more than what they are taken of, so no pair is missed.
    pairs = KDTree(blocks).query_pairs(ALIKE * blocks.shape[1], p=1, output_type="ndarray")
    found: dict[int, int] = {}
    for first, second in pairs[np.lexsort(pairs.T)].tolist():
        if second in found:
            continue
        difference = np.abs(thumbs[first].astype(np.int16) - thumbs[second]).mean()
        if difference <= ALIKE:
            found[second] = first
    return sorted((first, second) for second, first in found.items())
