"""A sampler, with options of its own."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, Trajectory
from genzoo_tiny.config import StraightConfig


class Straight(Sampler):
    """Mixes the predicted data and noise anew at each time."""

    Config = StraightConfig
    config: StraightConfig

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        x0 = x
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return self.config.gain * (x0.flip(-1) if self.config.mirror else x0)
