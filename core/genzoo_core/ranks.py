"""The rows of a batch that several processes of a training share: for losses that look across rows.

A training on several processes (ranks) gives each of them some rows of a batch; `Trainable.loss`
sees those alone, and what it returns is weighed by their number. So a mean over rows needs nothing
of this module. A loss that looks at more than one row at a time, such as the logarithm of a mean or
a comparison of each row with all others, takes `all_mean` or `all_rows`, and then gives what one
process would give. In a single process they change nothing.

Each of these functions has to be called by every rank, in the same order and whatever its rows are:
a rank waits for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from genzoo_core.errors import ConfigError


@dataclass(frozen=True)
class Share:
    """Which rows of a batch are computed here: the row `index`, and every `count`-th after it.

    Attributes:
        index: In [0, count).
        count: Ranks, times the parts that each of them computes one after the other.
        batch_size: Rows of the whole batch, at least `count`.
        parts: The parts of `accumulate`; with more than one, nobody sees all rows at once.
    """

    index: int
    count: int
    batch_size: int
    parts: int = 1

    def __len__(self) -> int:
        return self.before(self.batch_size)

    @property
    def rows(self) -> slice:
        """The rows, of a tensor that has all of them."""
        return slice(self.index, None, self.count)

    def before(self, row: int) -> int:
        """How many of these rows come before `row` of the batch: they are the first here too."""
        return len(range(self.index, row, self.count))

    @property
    def weight(self) -> float:
        """What a mean over these rows counts for in the mean over all."""
        return len(self) / self.batch_size


_share: ContextVar[Share | None] = ContextVar("share", default=None)


@contextmanager
def sharing(share: Share) -> Iterator[None]:
    """Say within the block which rows of a batch are computed; for trainers."""
    token = _share.set(share if share.count > 1 else None)
    try:
        yield
    finally:
        _share.reset(token)


def current_share() -> Share | None:
    """The rows that are computed here; None where it is all of them."""
    return _share.get()


def _of_ranks() -> Share | None:
    """As `current_share`, for what needs the rows of all.

    Raises:
        ConfigError: The batch is computed in parts, so that nobody sees all of its rows.
    """
    share = _share.get()
    if share is not None and share.parts > 1:
        raise ConfigError(
            "this model's loss looks across the rows of a batch, which `accumulate` takes apart",
            "leave out accumulate; use more ranks, or a smaller batch_size",
        )
    return share


def all_rows(rows: Tensor) -> Tensor:
    """The rows `[B, ...]` of all ranks in their order, with gradients that reach every rank.

    Args:
        rows: A row for each of this rank's images, `[b, ...]`.
    """
    share = _of_ranks()
    if share is None:
        return rows
    kind = torch.uint8 if rows.dtype == torch.bool else rows.dtype
    whole = rows.new_zeros(share.batch_size, *rows.shape[1:], dtype=kind)
    whole[share.rows] = rows.to(kind)
    return summed(whole).to(rows.dtype)


def own_rows(rows: Tensor) -> Tensor:
    """This rank's rows `[b, ...]` of those of all, `[B, ...]`; undoes `all_rows`.

    Args:
        rows: Those of all ranks, `[B, ...]`.
    """
    share = _of_ranks()
    return rows if share is None else rows[share.rows]


def all_mean(mean: Tensor) -> Tensor:
    """The mean over the rows of all ranks, with gradients, from that over this rank's rows.

    Args:
        mean: Over this rank's rows; a scalar.
    """
    share = _of_ranks()
    return mean if share is None else summed(mean * share.weight)


def share_of(chosen: Tensor) -> float:
    """What a mean over this rank's chosen rows is multiplied by in a loss.

    The loss is then the mean over the chosen rows of all ranks, whoever has how many of them: 1 in
    a single process, 0 where this rank has none.

    Args:
        chosen: Which of this rank's images count, bool `[b]`.
    """
    share = _of_ranks()
    if share is None:
        return 1.0
    own = chosen.sum()
    everywhere = int(summed(own))
    return int(own) / max(everywhere, 1) / share.weight


def summed(tensor: Tensor) -> Tensor:
    """The sum of the ranks' tensors, of one shape and dtype; gradients reach every rank.

    Differentiable as often as one likes.
    """
    if _of_ranks() is None:
        return tensor
    out: Tensor = _Sum.apply(tensor)  # type: ignore[no-untyped-call]
    return out


class _Sum(torch.autograd.Function):
    """Its own adjoint: what each rank's tensor changes on all ranks is summed in turn."""

    @staticmethod
    def forward(context: Any, tensor: Tensor) -> Tensor:
        out = tensor.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(out)
        return out

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        out: Tensor = _Sum.apply(gradient)  # type: ignore[no-untyped-call]
        return out
