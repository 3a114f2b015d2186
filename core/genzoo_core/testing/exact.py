"""Noisers and denoisers whose answers are known, to try samplers with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.sampler import Denoise


class Circle(ScheduledNoiser):
    """A variance-preserving path: alpha = cos, sigma = sin; t = 1 keeps a trace of signal."""

    prediction = "v"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        angle = t * (0.99 * torch.pi / 2)
        return angle.cos(), angle.sin()


class Line(ScheduledNoiser):
    """The path of a rectified flow: alpha = 1 - t, sigma = t."""

    prediction = "flow"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t


class Growing(ScheduledNoiser):
    """A variance-exploding path, scaled to unit size: sigma / alpha from 0 to 50."""

    prediction = "x0"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        level = (t * 3.9318).expm1()
        alpha = (1 + level.square()).rsqrt()
        return alpha, level * alpha


def noisers() -> tuple[ScheduledNoiser, ...]:
    """Paths of the sorts that there are."""
    return Circle(), Line(), Growing()


@dataclass(frozen=True)
class NormalData:
    """Data that is normal, each number for itself; with no deviation, a constant.

    Attributes:
        noiser: How noise enters.
        mean: Mean of the data; broadcasts against it.
        std: Its standard deviation.
    """

    noiser: ScheduledNoiser
    mean: Tensor
    std: float

    def denoiser(self) -> Denoise:
        """The exact expectation of the data and of the noise, given x."""

        def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
            shape = (-1, *[1] * (x.dim() - 1))
            alpha, sigma = (c.reshape(shape).to(x) for c in self.noiser.coefficients(t))
            variance = (alpha * self.std) ** 2 + sigma**2
            gap = x - alpha * self.mean
            x0 = self.mean + alpha * self.std**2 / variance.clamp_min(1e-12) * gap
            noise = sigma / variance.clamp_min(1e-12) * gap
            return x0, noise

        return denoise
