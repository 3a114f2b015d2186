"""The samplers of first order: Euler's method, DDIM and ancestral sampling."""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from genzoo_core import Context, Sampler, ScheduledNoiser, Trajectory
from genzoo_diffusion.config import DDIMConfig


class FirstOrder(Sampler):
    """One evaluation a step, then on to the next time with the same x0 and noise.

    Two numbers make a step (Song et al. 2021, "Denoising diffusion implicit models", equations 12
    and 16): the correlation between the noise of two times under the posterior of DDPM, and `eta`,
    how much of the rest is drawn anew.

    Attributes:
        eta: Share of the ancestral sampler's noise that each step adds, as a standard deviation.
    """

    eta: float

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            fresh = self.eta * (1 - path.noise_kept(i) ** 2) ** 0.5
            if fresh * path.sigma[i + 1] > 0:
                noise = (1 - fresh**2) ** 0.5 * noise + fresh * path.rng.normal(x.shape[1:], x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x / path.alpha[-1]


class Euler(FirstOrder):
    """The probability-flow ODE by Euler's method: no chance.

    In t for a flow, in sigma / alpha otherwise (Karras et al. 2022, equation 4): one formula,
    as both keep x0 and the noise during a step.
    """

    eta = 0.0


class EulerAncestral(FirstOrder):
    """Ancestral sampling on any path: each step draws from its posterior given x0.

    In sigma / alpha it is the step of k-diffusion's `sample_euler_ancestral`, and `DDPM` where that
    fits. What an earlier step did wrong is partly covered by the new noise: grain that the
    deterministic samplers keep goes, and with many steps fine lines, too.
    """

    eta = 1.0


class VariancePreserving(FirstOrder):
    """What DDPM defines, where alpha² + sigma² = 1; `EulerAncestral` is for other paths, too."""

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Whether the noiser's alpha² + sigma² = 1 at all times."""
        alpha, sigma = noiser.coefficients(torch.linspace(0, 1, 11, dtype=torch.float64))
        return bool(((alpha.square() + sigma.square() - 1).abs() < 1e-4).all())


class DDIM(VariancePreserving):
    """Song et al. 2021: Euler's steps with `eta = 0`, ancestral sampling with `eta = 1`."""

    Config = DDIMConfig

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        super().__init__(config, context)
        assert isinstance(config, DDIMConfig)
        self.eta = config.eta


class DDPM(VariancePreserving):
    """Ho et al. 2020: draws from the posterior of each step given x0 (equations 6 and 7).

    On a grid that leaves steps out, the posterior of the longer step. The variance is the
    posterior's, the lower of the two choices of section 3.2.
    """

    eta = 1.0
