"""Denoising diffusion implicit models."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, ScheduledNoiser, Trajectory
from genzoo_diffusion.config_samplers import DDIMConfig
from genzoo_diffusion.samplers.variance import preserves_variance


class DDIM(Sampler):
    """Song et al. 2021, "Denoising diffusion implicit models", equations 12 and 16.

    With `eta = 0` no chance, and Euler's steps; with `eta = 1` the ancestral sampler.
    """

    Config = DDIMConfig
    config: DDIMConfig

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Variance-preserving ones, for which it is defined; `euler` does the same for others."""
        return preserves_variance(noiser)

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        """Data, with the shape of `x`."""
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            fresh = self.config.eta * (1 - path.noise_kept(i) ** 2) ** 0.5
            if fresh * path.sigma[i + 1] > 0:
                noise = (1 - fresh**2) ** 0.5 * noise + fresh * path.rng.normal(x.shape[1:], x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x / path.alpha[-1]
