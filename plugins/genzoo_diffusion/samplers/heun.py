"""Heun's method."""

from __future__ import annotations

from torch import Tensor

from genzoo_core import Sampler, Trajectory


class Heun(Sampler):
    """The probability-flow ODE to second order (Karras et al. 2022, algorithm 1).

    Two evaluations a step, and one for the last, which ends where there is no noise. A flow does
    well with few steps. In sigma / alpha a long first step weighs the model's error at its end
    by half that length: below about 20 steps of `ddpm`, and 10 of `edm`, `dpmpp-2m` is better.
    """

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        straight = goes_straight(path)
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = path.mix(i + 1, x0, noise)
            if path.sigma[i + 1] > 0:
                # Euler's step used the slope at its start; add half of what the slope changes.
                end_x0, end_noise = path.denoise(i + 1, x)
                change = end_noise - noise
                if straight:
                    change = change - (end_x0 - x0)
                x = x + step_size(path, i, straight) / 2 * change
            path.done(i, x0)
        return x / path.alpha[-1]


def goes_straight(path: Trajectory) -> bool:
    """Whether to step along the line from x0 to the noise rather than in sigma / alpha.

    That is a flow's t. It serves any path that starts from pure noise as well, where
    sigma / alpha is infinite.
    """
    flow = all(abs(a + s - 1) < 1e-6 for a, s in zip(path.alpha, path.sigma, strict=True))
    return flow or min(path.alpha) == 0


def step_size(path: Trajectory, i: int, straight: bool) -> float:
    """Length of a step, in the units of x at its end.

    The ODE's variables are `x / s` and `sigma / s`, and the slope is the noise with
    `s = alpha`, and the noise less x0 with `s = alpha + sigma`.
    """
    start = path.alpha[i] + (path.sigma[i] if straight else 0)
    end = path.alpha[i + 1] + (path.sigma[i + 1] if straight else 0)
    return path.sigma[i + 1] - path.sigma[i] * end / start
