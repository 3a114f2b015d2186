"""What the tests of noisers and samplers share: how to get them, and data with a closed form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

import genzoo
from genzoo_core import Rng, Sampler, ScheduledNoiser, Trajectory, Zoo

NOISERS: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        f"ddpm-{schedule}-{prediction}": (
            "ddpm",
            {"schedule": schedule, "prediction": prediction},
        )
        for schedule in ("linear", "cosine")
        for prediction in ("eps", "x0", "v")
    },
    "rectified-flow": ("rectified-flow", {}),
    "rectified-flow-x0": ("rectified-flow", {"prediction": "x0", "shift": 4.0}),
    "edm": ("edm", {}),
}
ANY_PATH = ("euler", "euler-a", "heun", "dpmpp-2m")
SAMPLERS = ("ddpm", "ddim", *ANY_PATH)
PAIRS = [
    (noiser, sampler)
    for noiser in NOISERS
    for sampler in (SAMPLERS if noiser.startswith("ddpm") else ANY_PATH)
]


@cache
def zoo() -> Zoo:
    return genzoo.open_zoo()


def component(kind: str, name: str, **config: Any) -> Any:
    """A component of the zoo, found by its name and built from plain data."""
    return zoo().component(kind, f"genzoo/{name}", config)


def noiser_of(case: str) -> ScheduledNoiser:
    name, config = NOISERS[case]
    return cast(ScheduledNoiser, component("noiser", name, **config))


def sampler_of(name: str, **config: Any) -> Sampler:
    return cast(Sampler, component("sampler", name, **config))


class DoubleRng(Rng):
    """Draws float64, in one tensor: the numbers that `torch.randn` gives a peer."""

    def __init__(self, seed: int, n: int) -> None:
        self.n = n
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return torch.randn((self.n, *shape), generator=self._generator, dtype=like.dtype)

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return torch.rand((self.n, *shape), generator=self._generator, dtype=like.dtype)


class GaussianData:
    """Independent normal data, for which the best denoiser and the ODE are known.

    Args:
        mean: `[D]`.
        std: `[D]`; 0 for data that is one point.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = torch.tensor(mean, dtype=torch.float64)
        self.std = torch.tensor(std, dtype=torch.float64)

    def spread(self, noiser: ScheduledNoiser, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """alpha, sigma and the standard deviation of x_t, each `[B, 1]` or `[B, D]`."""
        alpha, sigma = (c.reshape(-1, 1) for c in noiser.coefficients(t))
        return alpha, sigma, ((alpha * self.std) ** 2 + sigma**2).sqrt()

    def denoise(self, noiser: ScheduledNoiser, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The posterior mean of the data and the noise that remains, both `[B, D]`.

        It goes through `target` and `split`, as a perfect network's prediction does.
        """
        alpha, sigma, std = self.spread(noiser, t.double())
        error = x - alpha * self.mean
        x0 = (self.mean + alpha * self.std**2 / std**2 * error).to(x)
        noise = (sigma / std**2 * error).to(x)
        return noiser.split(noiser.target(x0, noise, t), x, t)

    def path(self, noiser: ScheduledNoiser, grid: Tensor, rng: Rng) -> Trajectory:
        """The way from noise to this data."""
        return Trajectory(lambda x, t: self.denoise(noiser, x, t), noiser, grid, rng)

    def carried(self, noiser: ScheduledNoiser, x: Tensor, start: float, end: float) -> Tensor:
        """Where the probability-flow ODE carries `x`, `[B, D]`: the same quantile."""
        times = torch.tensor([start, end], dtype=torch.float64)
        alpha, _, std = self.spread(noiser, times)
        return alpha[1] * self.mean + std[1] / std[0] * (x - alpha[0] * self.mean)
