"""Comparing tensors as the interfaces promise: up to rounding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from genzoo_core.testing.report import problem

TOLERANCE = 1e-3
"""Largest difference that counts as rounding, relative to how much the values vary."""


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference, relative to that of what varies in `expected`."""
    expected = expected.double()
    floor = 1e-6 * expected.numel() ** 0.5
    spread = (expected - expected.mean()).norm().clamp_min(floor)
    return float((found.double() - expected).norm() / spread)


def same(found: Tensor, expected: Tensor) -> bool:
    """Whether two tensors are equal up to rounding."""
    return found.shape == expected.shape and relative_error(found, expected) <= TOLERANCE


def well_formed(found: object, shape: Sequence[int], what: str) -> Iterator[str]:
    """What is wrong with a tensor that should be floating, finite and of a shape."""
    if not isinstance(found, Tensor):
        yield problem(f"{what} as a tensor", f"a {type(found).__name__}", "return one")
        return
    if tuple(found.shape) != tuple(shape):
        yield problem(f"{what} of shape {list(shape)}", str(list(found.shape)), "reshape it")
    if not found.is_floating_point():
        yield problem(f"{what} as floating numbers", str(found.dtype), "convert it")
    elif not bool(torch.isfinite(found).all()):
        mend = "look for a division by zero or an overflow"
        yield problem(f"{what} to be finite", "NaN or infinity", mend)


def in_range(found: Tensor, what: str) -> Iterator[str]:
    """What is wrong with pictures that should be in [-1, 1]."""
    low, high = float(found.min()), float(found.max())
    if low < -1 - 1e-5 or high > 1 + 1e-5:
        mend = "end with tanh or clamp(-1, 1)"
        yield problem(f"{what} in [-1, 1]", f"{low:.3g} to {high:.3g}", mend)
