"""Ancestral sampling."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Rng, Sampler, ScheduledNoiser
from genzoo_core.sampler import Denoise, StepDone
from genzoo_diffusion.samplers.path import Path, preserves_variance


class DDPM(Sampler):
    """Ho et al. 2020: draws from the posterior of each step given x0 (equations 6 and 7).

    On a grid that leaves steps out, the posterior of the longer step. The variance is the
    posterior's, the lower of the two choices of section 3.2.
    """

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Variance-preserving ones, for which it is defined."""
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
            x0, _ = denoise(x, path.time(i, x))
            kept = path.noise_kept(i)
            noise = kept * (x - path.alpha[i] * x0) / path.sigma[i]
            if path.sigma[i + 1] > 0:
                noise = noise + (1 - kept**2) ** 0.5 * rng.normal(x.shape[1:], x)
            x = path.move(i + 1, x0, noise)
            if step_done is not None:
                step_done(i + 1, path.steps, x0)
        return x / path.alpha[-1]
