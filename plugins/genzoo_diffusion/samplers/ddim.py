"""Denoising diffusion implicit models."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Context, Rng, Sampler, ScheduledNoiser
from genzoo_core.sampler import Denoise, StepDone
from genzoo_diffusion.config_samplers import DDIMConfig
from genzoo_diffusion.samplers.path import Path, preserves_variance


class DDIM(Sampler):
    """Song et al. 2021, "Denoising diffusion implicit models", equations 12 and 16.

    With `eta = 0` no chance, and Euler's steps; with `eta = 1` the ancestral sampler.
    """

    Config = DDIMConfig

    def __init__(self, config: DDIMConfig, context: Context) -> None:
        super().__init__(config, context)
        self._eta = config.eta

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Variance-preserving ones, for which it is defined; `euler` does the same for others."""
        return preserves_variance(noiser)

    def __call__(
        self,
        denoise: Denoise,
        x: Tensor,
        noiser: ScheduledNoiser,
        grid: Tensor,
        rng: Rng,
        step_done: StepDone | None = None,
    ) -> Tensor:
        """Data, with the shape of `x`."""
        path = Path(noiser, grid)
        for i in range(path.steps):
            x0, noise = denoise(x, path.time(i, x))
            fresh = self._eta * (1 - path.noise_kept(i) ** 2) ** 0.5
            if fresh * path.sigma[i + 1] > 0:
                noise = (1 - fresh**2) ** 0.5 * noise + fresh * rng.normal(x.shape[1:], x)
            x = path.move(i + 1, x0, noise)
            if step_done is not None:
                step_done(i + 1, path.steps, x0)
        return x / path.alpha[-1]
