"""A noiser's coefficients along a grid, as the samplers need them."""

from __future__ import annotations

import torch
from torch import Tensor

from genzoo_core import ScheduledNoiser


class Path:
    """alpha and sigma at the times of a grid, as numbers in double precision.

    Args:
        noiser: How noise entered.
        grid: Falling times, `[steps + 1]`.

    Attributes:
        steps: Number of steps.
        alpha: Scale of the data at each time.
        sigma: Scale of the noise at each time.
    """

    def __init__(self, noiser: ScheduledNoiser, grid: Tensor) -> None:
        self.times: list[float] = grid.tolist()
        alpha, sigma = noiser.coefficients(grid.cpu().double())
        self.steps = len(self.times) - 1
        self.alpha: list[float] = alpha.tolist()
        self.sigma: list[float] = sigma.tolist()

    def time(self, i: int, like: Tensor) -> Tensor:
        """The i-th time for each sample of `like`, `[B]`."""
        return torch.full((len(like),), self.times[i], device=like.device, dtype=like.dtype)

    def move(self, i: int, x0: Tensor, noise: Tensor) -> Tensor:
        """The point made of `x0` and `noise` at the i-th time.

        From one time to the next along fixed `x0` and `noise` this is Euler's step, of
        x / alpha in sigma / alpha (Song et al. 2021, "DDIM", equation 13) and of a flow in t.
        """
        return self.alpha[i] * x0 + self.sigma[i] * noise

    def noise_kept(self, i: int) -> float:
        """Share of the noise at the i-th time that is still in the noise at the next.

        Given x0, the point at the next time correlates that much with this one.
        """
        return self.alpha[i] * self.sigma[i + 1] / (self.alpha[i + 1] * self.sigma[i])


def preserves_variance(noiser: ScheduledNoiser) -> bool:
    """Whether alpha^2 + sigma^2 = 1 at all times."""
    alpha, sigma = noiser.coefficients(torch.linspace(0, 1, 11, dtype=torch.float64))
    return bool(((alpha.square() + sigma.square() - 1).abs() < 1e-4).all())
