"""The Fréchet distance that infinitely many generated samples would have."""

from __future__ import annotations

import torch
from torch import Tensor

from genzoo_eval.metrics.frechet import Moments, frechet_distance

SMALLEST = 5
"""The smallest of the subsets that the line goes through has this part of the images."""

LEAST = 2
"""Least images in the smallest subset, by the number of features: with fewer than one its
covariance has no full rank, and the bias is far from linear in 1/N. Two are our choice."""


def extrapolates(generated: Tensor) -> bool:
    """Whether features `[N, D]` are enough for `extrapolated_frechet_distance`."""
    return len(generated) >= SMALLEST * LEAST * generated.shape[1]


def extrapolated_frechet_distance(
    generated: Tensor,
    real: Tensor | Moments,
    generator: torch.Generator,
    points: int = 15,
    smallest: int | None = None,
) -> float:
    """The intercept of the line through the Fréchet distance against 1/N.

    Chong & Forsyth 2020, "Effectively Unbiased FID and Inception Score and where to find them":
    the bias is linear in 1/N to first order, with a slope that depends on the model,
    so distances at equal N can order two models wrongly and their intercepts do not. Each point
    takes a random subset; the sizes are evenly spaced. What stays is the bias of the reference,
    which is the same for all models. The intercept of a very good model can be below 0.

    Args:
        generated: Features `[N, D]`.
        real: Features `[M, D]`, or their moments.
        generator: Draws the subsets.
        points: Number of sizes, at least 2.
        smallest: Size of the smallest subset; a fifth of N unless given.

    Raises:
        ValueError: `points` or `smallest` leaves no two sizes.
    """
    n = len(generated)
    smallest = max(2, n // SMALLEST) if smallest is None else smallest
    if points < 2 or not 2 <= smallest < n:
        raise ValueError(f"no line through {points} sizes from {smallest} to {n}")
    reference = real if isinstance(real, Moments) else Moments.of(real)
    sizes = torch.linspace(smallest, n, points, dtype=torch.float64).round().long()
    distances = [
        frechet_distance(generated[torch.randperm(n, generator=generator)[:size]], reference)
        for size in sizes.tolist()
    ]
    return _intercept(1 / sizes.double(), torch.tensor(distances, dtype=torch.float64))


def _intercept(x: Tensor, y: Tensor) -> float:
    """Where the least-squares line through the points `[P]` meets x = 0."""
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return (y.mean() - slope * x.mean()).item()
