"""The Fréchet distance between two sets of features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """All that the Fréchet distance sees of a set of features.

    Attributes:
        mean: `[D]`, float64.
        covariance: `[D, D]`, float64, divided by n - 1.
        n: Number of samples.
    """

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
        values = features.double()
        mean = values.mean(0)
        if not mean.isfinite().all():
            raise ValueError("the features hold NaN or infinity")
        centred = values - mean
        return cls(mean, centred.T @ centred / (len(values) - 1), len(values))


def frechet_distance(a: Tensor | Moments, b: Tensor | Moments) -> float:
    """Squared Fréchet distance of the Gaussians with the moments of `a` and of `b`.

    |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^½): Heusel et al. 2017, "GANs Trained by a Two
    Time-Scale Update Rule", eq. 6. It is at least 0, has the units of the features squared, and
    is biased upwards for few samples: compare it at equal N, beside its floor.

    Args:
        a: Features `[N, D]`, or their moments.
        b: Features `[M, D]`, or their moments.

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


def _factor(covariance: Tensor) -> Tensor:
    """F with F F^T = C, also where C is singular and rounding made an eigenvalue negative."""
    values: Tensor
    vectors: Tensor
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()
