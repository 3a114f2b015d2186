"""Euler's method."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Rng, Sampler, ScheduledNoiser
from genzoo_core.sampler import Denoise, StepDone
from genzoo_diffusion.samplers.path import Path


class Euler(Sampler):
    """The probability-flow ODE by Euler's method: one evaluation a step, no chance.

    In t for a flow, in sigma / alpha otherwise (Karras et al. 2022, equation 4): one formula,
    as both keep x0 and the noise during a step.
    """

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
            x = path.move(i + 1, x0, noise)
            if step_done is not None:
                step_done(i + 1, path.steps, x0)
        return x / path.alpha[-1]
