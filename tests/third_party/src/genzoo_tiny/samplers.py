"""A sampler."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, Trajectory


class Straight(Sampler):
    """Mixes the predicted data and noise anew at each time."""

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        x0 = x
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x0
