"""A sampler."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Rng, Sampler, ScheduledNoiser
from genzoo_core.sampler import Denoise, StepDone


class Straight(Sampler):
    """Mixes the predicted data and noise anew at each time."""

    def __call__(
        self,
        denoise: Denoise,
        x: Tensor,
        noiser: ScheduledNoiser,
        grid: Tensor,
        rng: Rng,
        step_done: StepDone | None = None,
    ) -> Tensor:
        x0 = x
        for step in range(len(grid) - 1):
            now, then = grid[step].expand(rng.n), grid[step + 1].expand(rng.n)
            x0, noise = denoise(x, now)
            x = noiser.perturb(x0, noise, then)
            if step_done is not None:
                step_done(step + 1, len(grid) - 1, x0)
        return x0
