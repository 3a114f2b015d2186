"""DPM-Solver++(2M)."""

from __future__ import annotations

import math

from torch import Tensor

from genzoo_core import Sampler, Trajectory


class DPMSolverPP2M(Sampler):
    """Lu et al. 2022, "DPM-Solver++", algorithm 2: second order, one evaluation a step.

    Multistep: it looks back at the x0 of the step before. The first step, which has none, and
    the last are of first order.
    """

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        before: Tensor | None = None
        for i in range(path.steps):
            x0, _ = path.denoise(i, x)
            ahead = x0
            if before is not None and i < path.steps - 1:
                ahead = x0 + growth(path, i) / growth(path, i - 1) / 2 * (x0 - before)
            ratio = path.sigma[i + 1] / path.sigma[i]
            x = ratio * x + path.alpha[i + 1] * (1 - path.noise_kept(i)) * ahead
            before = x0
            path.done(i, x0)
        return x / path.alpha[-1]


def growth(path: Trajectory, i: int) -> float:
    """h of the paper: by how much log(alpha / sigma) grows in the i-th step; may be infinite."""
    correlation = path.noise_kept(i)
    return -math.log(correlation) if correlation > 0 else math.inf
