"""An evaluation on several ranks: each makes and looks at some of the pictures, all have all.

What is cheap, or cannot be taken apart, each rank does for itself. So all of them have to come to
every call here, with the same numbers; what is in a cache counts where it is in everyone's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from genzoo_core.errors import NotFittedError

if TYPE_CHECKING:
    from genzoo_train.api import Ranks

T = TypeVar("T")

LARGE = 2**26
"""Bytes from which on what is made lies in a file: with a million images it may be gigabytes."""

_ranks: ContextVar[Ranks | None] = ContextVar("ranks", default=None)


@contextmanager
def sharing() -> Iterator[Ranks | None]:
    """Within it the ranks that torchrun or SLURM started, if any, share the work."""
    ranks = None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 or "SLURM_STEP_ID" in os.environ:
        from genzoo_train.api import join  # only here: it takes seconds

        ranks = join("cpu", None, None)
    token = _ranks.set(ranks if ranks and ranks.count > 1 else None)
    try:
        yield _ranks.get()
    finally:
        _ranks.reset(token)


def current() -> Ranks | None:
    """The ranks that share the work; None in a single process."""
    return _ranks.get()


def first() -> bool:
    """Whether this rank is the one that speaks, and measures speed while the others are idle."""
    ranks = current()
    return ranks is None or ranks.first


def writes() -> bool:
    """Whether this rank is the one of its machine that puts things into the cache."""
    return current() is None or os.environ.get("LOCAL_RANK", "0") == "0"


def everywhere(found: T | None) -> T | None:
    """What was found, if every rank found it."""
    ranks = current()
    return None if ranks and ranks.largest(found is None) else found


def in_parts(total: int, size: int, make: Callable[[int, int], Tensor]) -> Tensor:
    """`total` rows, some of which each rank makes.

    They are made in parts of `size`, the same for any number of ranks, so that they have the same
    bits.

    Args:
        make: Gives the rows from one number to another, `[end - first, ...]`.

    Raises:
        NotFittedError: `make` raised it on one of the ranks.
    """
    ranks = current()
    index, count = (ranks.index, ranks.count) if ranks else (0, 1)
    whole: Tensor | None = None
    failure: NotFittedError | None = None
    try:
        for first in range(index * size, total, count * size):
            part = make(first, min(first + size, total))
            if whole is None:
                whole = _zeros((total, *part.shape[1:]), part.dtype)
            whole[first : first + len(part)] = part
    except NotFittedError as error:
        failure = error
    if ranks is None:
        if failure:
            raise failure
        assert whole is not None  # there is a part
        return whole
    if ranks.largest(failure is not None):
        raise failure or NotFittedError("another rank says that the model was never fitted")
    kinds = ranks.gather(None if whole is None else [list(whole.shape), str(whole.dtype)[6:]])
    shape, dtype = kinds[0]  # the first rank has a part of whatever there is
    whole = _zeros(shape, getattr(torch, dtype)) if whole is None else whole
    ranks.add_up(whole)
    return whole


def _zeros(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Zeros in memory; where they take much of it, in a file without a name."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE:
        return torch.zeros(*shape, dtype=dtype)
    import numpy as np

    with TemporaryFile() as file:
        mapped = np.memmap(file, np.uint8, "w+", shape=(size,))
    return torch.from_numpy(mapped).view(dtype).view(*shape)
