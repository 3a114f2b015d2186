"""How much a figure would vary from one set of samples to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

PARTS = 5
"""Parts that are left out in turn."""


def disjoint_subsets(n: int, parts: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """`parts` random sets of indices of `n` samples, of n // parts each, that share none.

    Raises:
        ValueError: There are fewer samples than parts.
    """
    if not 1 <= parts <= n:
        raise ValueError(f"{n} samples do not make {parts} disjoint subsets")
    return torch.randperm(n, generator=generator)[: n // parts * parts].chunk(parts)


def standard_errors(
    figures: Callable[[Tensor], Sequence[float]], n: int, seed: int = 0, parts: int = PARTS
) -> tuple[float, ...]:
    """The standard errors of figures of `n` samples, by a jackknife over disjoint parts.

    √((g - 1) / g · Σ (θᵢ - θ̄)²) over the g figures θᵢ of all but one part (Efron & Tibshirani
    1993, "An introduction to the bootstrap", chapter 11, with a part in the place of a sample).
    Of a mean it is that of the parts' means. Nearly all samples are in each θᵢ, so that figures
    which depend on their number, as coverage does, keep their size.

    Args:
        figures: Takes the indices of samples; gives as many figures each time.
        n: Number of samples, at least `parts`.
        parts: At least 2.

    Raises:
        ValueError: There is one part, or there are fewer samples than parts.
    """
    if parts < 2:
        raise ValueError("a standard error needs two parts or more")
    values = []
    for part in disjoint_subsets(n, parts, torch.Generator().manual_seed(seed)):
        rest = torch.ones(n, dtype=torch.bool)
        rest[part] = False
        values.append(list(figures(rest.nonzero().flatten())))
    apart = torch.tensor(values, dtype=torch.float64)
    return tuple(((parts - 1) * apart.var(0, correction=0)).sqrt().tolist())
