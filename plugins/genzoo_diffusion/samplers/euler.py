"""Euler's method."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, Trajectory


class Euler(Sampler):
    """The probability-flow ODE by Euler's method: one evaluation a step, no chance.

    In t for a flow, in sigma / alpha otherwise (Karras et al. 2022, equation 4): one formula,
    as both keep x0 and the noise during a step.
    """

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        """Data, with the shape of `x`."""
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x / path.alpha[-1]
