"""How much a figure varies from one subset of the samples to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Spread:
    """A figure over subsets.

    Attributes:
        mean: Over the subsets; where the figure is biased by the number of samples, not what all
            samples give.
        std: Sample standard deviation over the subsets.
        values: The figure of each.
    """

    mean: float
    std: float
    values: tuple[float, ...]


def disjoint_subsets(n: int, parts: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """`parts` random sets of indices of `n` samples, of n // parts each, that share none.

    Raises:
        ValueError: There are fewer samples than parts.
    """
    if not 1 <= parts <= n:
        raise ValueError(f"{n} samples do not make {parts} disjoint subsets")
    return torch.randperm(n, generator=generator)[: n // parts * parts].chunk(parts)


def random_subsets(n: int, size: int, count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """`count` sets of indices of `n` samples, each of `size` different ones, drawn independently.

    Subsets that overlap vary less than disjoint ones of their size.

    Raises:
        ValueError: There are fewer samples than `size`.
    """
    if not 1 <= size <= n:
        raise ValueError(f"{n} samples have no subset of {size}")
    return tuple(torch.randperm(n, generator=generator)[:size] for _ in range(count))


def spread(figure: Callable[[Tensor], float], subsets: Sequence[Tensor]) -> Spread:
    """A figure on each subset.

    Args:
        figure: Takes the indices of a subset.
        subsets: At least two, as `disjoint_subsets` or `random_subsets` give.

    Raises:
        ValueError: There are fewer than two.
    """
    if len(subsets) < 2:
        raise ValueError("a spread needs two subsets or more")
    values = torch.tensor([figure(subset) for subset in subsets], dtype=torch.float64)
    return Spread(values.mean().item(), values.std().item(), tuple(values.tolist()))
