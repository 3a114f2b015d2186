"""The Fréchet distance between two sets of features, and that of infinitely many samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add

import torch
from torch import Tensor

SMALLEST = 5
"""The smallest of the subsets that the line goes through has this part of the images."""

LEAST = 2
"""Least images in the smallest subset, by the number of features: with fewer than one its
covariance has no full rank, and the bias is far from linear in 1/N. Two are our choice."""

AT_ONCE = 2**17
"""Samples that are looked at in double precision at a time: there may be millions."""


@dataclass(frozen=True)
class Moments:
    """Mean `[D]` and covariance `[D, D]` (over n - 1) of `n` features, float64."""

    mean: Tensor
    covariance: Tensor
    n: int

    @classmethod
    def of(cls, features: Tensor) -> Moments:
        """The moments of features `[N, D]`.

        Raises:
            ValueError: Fewer than two samples, another shape, or NaN or infinity among them.
        """
        if features.ndim != 2 or len(features) < 2:
            raise ValueError(f"moments need features [N >= 2, D], not {list(features.shape)}")
        n, parts = len(features), torch.split(features, AT_ONCE)
        mean = reduce(add, (part.double().sum(0) for part in parts)) / n
        if not mean.isfinite().all():
            raise ValueError("the features hold NaN or infinity")
        centred = (part.double() - mean for part in parts)
        return cls(mean, reduce(add, (part.T @ part for part in centred)) / (n - 1), n)


def frechet_distance(a: Tensor | Moments, b: Tensor | Moments) -> float:
    """Squared Fréchet distance of the Gaussians with the moments of `a` and of `b`.

    |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^½): Heusel et al. 2017, "GANs Trained by a Two
    Time-Scale Update Rule", eq. 6. It is at least 0, has the units of the features squared, and
    is biased upwards for few samples: compare it at equal N, beside its floor.

    Args:
        a: Features `[N, D]`, or their moments.
        b: As `a`.

    Raises:
        ValueError: As of `Moments.of`, or the numbers of features differ.
    """
    # torchmetrics takes the eigenvalues of the unsymmetric product, which loses half of the
    # digits where a covariance is singular, and takes no moments that were computed before.
    p = a if isinstance(a, Moments) else Moments.of(a)
    q = b if isinstance(b, Moments) else Moments.of(b)
    if p.mean.shape != q.mean.shape:
        raise ValueError(f"{len(p.mean)} features cannot be compared with {len(q.mean)}")
    means = (p.mean - q.mean).square().sum()
    traces = p.covariance.trace() + q.covariance.trace()
    # With C = F F^T, the eigenvalues of C_a C_b are the squared singular values of F_a^T F_b.
    root = torch.linalg.svdvals(_factor(p.covariance).T @ _factor(q.covariance)).sum()
    return max(0.0, float(means + traces - 2 * root))


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
    x, y = 1 / sizes.double(), torch.tensor(distances, dtype=torch.float64)
    # Where the line of least squares meets x = 0.
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    return (y.mean() - slope * x.mean()).item()


def _factor(covariance: Tensor) -> Tensor:
    """F with F F^T = C, also where C is singular and rounding made an eigenvalue negative."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()
