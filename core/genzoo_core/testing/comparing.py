"""Comparing tensors as the interfaces promise: up to rounding."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

import torch
from torch import Tensor

from genzoo_core.testing.report import problem

TOLERANCE = 1e-3
"""Largest difference that counts as rounding, relative to how much the values vary."""


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Norm of the difference, relative to that of `expected` around its mean."""
    expected = expected.double()
    floor = 1e-6 * expected.numel() ** 0.5
    spread = (expected - expected.mean()).norm().clamp_min(floor)
    return float((found.double() - expected).norm() / spread)


def same(found: Tensor, expected: Tensor) -> bool:
    return found.shape == expected.shape and relative_error(found, expected) <= TOLERANCE


Same = Callable[[Tensor, Tensor], bool]


def equal(
    found: Tensor, expected: Tensor, what: str, mend: str, equals: Same = same
) -> Iterator[str]:
    """What is wrong with a tensor that should be equal to another; see `problem`."""
    if not equals(found, expected):
        yield problem(what, f"a difference of {relative_error(found, expected):.2g}", mend)


def alone(
    what: str,
    together: Tensor,
    single: Callable[[int], Tensor],
    mend: str,
    equals: Same = same,
) -> Generator[str, None, bool]:
    """The first row of a batch, `[B, ...]`, that is not the same when `single(i)` makes it alone.

    Returns:
        Whether all rows are.
    """
    for i, row in enumerate(together):
        faults = list(equal(single(i), row, f"{what} {i} of a batch as it is alone", mend, equals))
        if faults:
            yield from faults
            return False
    return True


def well_formed(found: object, shape: Sequence[int], what: str) -> Generator[str, None, bool]:
    """What is wrong with a tensor that should be floating-point, finite and of this shape.

    Returns:
        Whether it is all of these.
    """
    if not isinstance(found, Tensor):
        yield problem(f"{what} as a tensor", f"a {type(found).__name__}", "return one")
        return False
    fits = tuple(found.shape) == tuple(shape)
    if not fits:
        yield problem(f"{what} of shape {list(shape)}", str(list(found.shape)), "reshape it")
    if not found.is_floating_point():
        yield problem(f"{what} as floating-point numbers", str(found.dtype), "convert it")
    elif not bool(torch.isfinite(found).all()):
        mend = "look for a division by zero or an overflow"
        yield problem(f"{what} to be finite", "NaN or infinity", mend)
    else:
        return fits
    return False


def in_range(found: Tensor, what: str) -> Iterator[str]:
    """What is wrong with pictures that should be in [-1, 1]."""
    low, high = float(found.min()), float(found.max())
    if low < -1 - 1e-5 or high > 1 + 1e-5:
        mend = "end with tanh or clamp(-1, 1)"
        yield problem(f"{what} in [-1, 1]", f"{low:.3g} to {high:.3g}", mend)


def counted(calls: Sequence[tuple[int, int, Tensor]], total: int, mend: str) -> Iterator[str]:
    """What is wrong with the calls of a callback, which should count `total` steps from 1."""
    counts = [(step, of) for step, of, _ in calls]
    if counts != [(i + 1, total) for i in range(total)]:
        numbers = ", ".join(f"{step} of {of}" for step, of in counts[:4]) or "none"
        yield problem(f"calls with 1 to {total} of {total}", numbers, mend)
