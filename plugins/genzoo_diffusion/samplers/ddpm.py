"""Ancestral sampling."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, ScheduledNoiser, Trajectory
from genzoo_diffusion.samplers.variance import preserves_variance


class DDPM(Sampler):
    """Ho et al. 2020: draws from the posterior of each step given x0 (equations 6 and 7).

    On a grid that leaves steps out, the posterior of the longer step. The variance is the
    posterior's, the lower of the two choices of section 3.2.
    """

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Variance-preserving ones, for which it is defined."""
        return preserves_variance(noiser)

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        """Data, with the shape of `x`."""
        for i in range(path.steps):
            x0, _ = path.denoise(i, x)
            kept = path.noise_kept(i)
            noise = kept * (x - path.alpha[i] * x0) / path.sigma[i]
            if path.sigma[i + 1] > 0:
                noise = noise + (1 - kept**2) ** 0.5 * path.rng.normal(x.shape[1:], x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x / path.alpha[-1]
