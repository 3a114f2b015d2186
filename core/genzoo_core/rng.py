"""Explicit randomness. Nothing in genzoo draws a number but through an `Rng`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from genzoo_core.ranks import Share


class Rng(ABC):
    """A source of noise for a batch of `n` samples."""

    n: int
    """Number of samples that one draw serves."""

    @abstractmethod
    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Standard normal noise, `[n, *shape]`, with the device and dtype of `like`.

        Args:
            shape: Of one sample.
            like: A tensor of the device and dtype.
        """

    @abstractmethod
    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """Uniform numbers in [0, 1), `[n, *shape]`, with the device and dtype of `like`.

        Args:
            shape: Of one sample.
            like: A tensor of the device and dtype.
        """

    def integers(self, high: int, shape: Sequence[int], like: Tensor) -> Tensor:
        """Whole numbers from 0 to `high - 1`, int64 `[n, *shape]`, on the device of `like`.

        Each is as likely as far as 24 bits can tell.

        Args:
            high: One above the largest.
            shape: Of one sample.
            like: A tensor of the device.

        Raises:
            ValueError: There is no number below `high`.
        """
        if high < 1:
            raise ValueError(f"no whole number from 0 lies below {high}")
        # In single precision the product may be rounded up to the next number, and not every
        # device has doubles.
        chance = self.uniform(shape, torch.empty(0, dtype=torch.float64))
        return (chance * high).long().clamp_max(high - 1).to(like.device)


class SampleRng(Rng):
    """Draws each sample from its own generator, so sample i depends on seed i alone.

    The generators live on the CPU and draw float32 whatever the model's device and dtype:
    a picture is the same alone, in a batch of 64, or on a GPU.

    Args:
        seeds: One seed per sample, each in [0, 2**63).
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = tuple(seeds)
        self.n = len(self.seeds)
        self._generators = [torch.Generator().manual_seed(seed) for seed in self.seeds]

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        out = torch.empty(self.n, *shape)
        for row, generator in zip(out, self._generators, strict=True):
            row.normal_(generator=generator)
        return out.to(like.device, like.dtype)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        out = torch.empty(self.n, *shape)
        for row, generator in zip(out, self._generators, strict=True):
            row.uniform_(generator=generator)
        return out.to(like.device, like.dtype)


class BatchRng(Rng):
    """Draws the whole batch from one generator, on its device: fast, for training.

    Args:
        generator: What the numbers come from.
        n: Samples of the batch.
        share: Those of them that it draws for, where they are not all: the numbers of a sample do
            not depend on how a batch is shared.
    """

    def __init__(self, generator: torch.Generator, n: int, share: Share | None = None) -> None:
        self.n = n if share is None else len(share)
        self._batch_size, self._share = n, share
        self._generator = generator

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        device = self._generator.device
        out = torch.randn((self._batch_size, *shape), generator=self._generator, device=device)
        return self._own(out).to(like.device, like.dtype)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        device = self._generator.device
        out = torch.rand((self._batch_size, *shape), generator=self._generator, device=device)
        return self._own(out).to(like.device, like.dtype)

    def _own(self, numbers: Tensor) -> Tensor:
        return numbers if self._share is None else numbers[self._share.rows].contiguous()


class InterpolationRng(Rng):
    """Walks from the noise of one seed, at weight 0, to that of another, at 1, for every family.

    Normal noise is interpolated on the sphere (Shoemake 1985, "Animating rotation with
    quaternion curves"), which keeps its norm typical. A uniform number goes through the
    normal quantile function, the arc cos(w*pi/2) a + sin(w*pi/2) b, and back, so that it is
    uniform at every weight.
    """

    def __init__(self, start: int, end: int, weights: Sequence[float]) -> None:
        self.n = len(weights)
        self._weights = torch.tensor(weights, dtype=torch.float64)
        self._ends = SampleRng([start, end])

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        start, end = self._ends.normal((*shape,), torch.empty(0, dtype=torch.float64))
        out = slerp(start, end, self._weights)
        return out.to(like.device, like.dtype)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        ends = self._ends.uniform(shape, torch.empty(0, dtype=torch.float64))
        # They stay clear of 0 and 1, where the quantile function is infinite.
        start, end = ends.clamp(1e-9, 1 - 1e-9)
        angle = (self._weights * (torch.pi / 2)).reshape(-1, *([1] * len(shape)))
        arc = angle.cos() * torch.special.ndtri(start) + angle.sin() * torch.special.ndtri(end)
        uniform: Tensor = torch.special.ndtr(arc)
        return uniform.to(like.device, like.dtype)


def slerp(start: Tensor, end: Tensor, weights: Tensor) -> Tensor:
    """Spherical interpolation from `start`, `[*shape]`, to `end`, `[*shape]` (Shoemake 1985).

    Returns:
        `[n, *shape]` for weights `[n]` in [0, 1]. Where the two are nearly parallel, the straight
        line between them.
    """
    weights = weights.reshape(-1, *([1] * start.dim()))
    cosine = (start * end).sum() / (start.norm() * end.norm()).clamp_min(1e-12)
    angle = cosine.clamp(-1, 1).acos()
    if angle.sin() < 1e-4:
        return (1 - weights) * start + weights * end
    left, right = ((1 - weights) * angle).sin(), (weights * angle).sin()
    out: Tensor = (left * start + right * end) / angle.sin()
    return out
