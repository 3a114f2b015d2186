"""From noise to data, step by step."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import msgspec
import torch
from torch import Tensor

from genzoo_core.component import Context
from genzoo_core.config import NoOptions
from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.rng import Rng

Denoise = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Called as `denoise(x, t)` with `x`, `[B, ...]`, and times `t`, `[B]`; gives the data and the
noise that `x` is made of, each `[B, ...]`. Guidance is inside it."""

StepDone = Callable[[int, int, Tensor], None]
"""Called as `step_done(step, total, x0)` with the data that the step predicts, `[B, ...]`."""


class Trajectory:
    """The way from noise to data that a sampler walks: times, what is mixed there, and the model.

    alpha and sigma are numbers in double precision, so that a step is exact in any dtype.

    Args:
        model: The model, at any time.
        noiser: How noise entered.
        grid: The times to visit, falling, `[steps + 1]`.
        rng: For samplers that add noise; per-sample.
        step_done: Called after each step.

    Attributes:
        times: The `steps + 1` times.
        alpha: Scale of the data at each time.
        sigma: Scale of the noise at each time.
    """

    def __init__(
        self,
        model: Denoise,
        noiser: ScheduledNoiser,
        grid: Tensor,
        rng: Rng,
        step_done: StepDone | None = None,
    ) -> None:
        self.model, self.noiser, self.rng, self._step_done = model, noiser, rng, step_done
        self.times: list[float] = grid.tolist()
        self.steps = len(self.times) - 1
        alpha, sigma = noiser.coefficients(grid.cpu().double())
        self.alpha: list[float] = alpha.tolist()
        self.sigma: list[float] = sigma.tolist()

    def through(self, model: Denoise, grid: Tensor) -> Trajectory:
        """The same way with another model and other times.

        Args:
            model: The other model.
            grid: The other times.
        """
        return Trajectory(model, self.noiser, grid, self.rng, self._step_done)

    def step(self, i: int, done: int, total: int) -> Trajectory:
        """The i-th step alone, which `step_done` counts as one after `done` others of `total`.

        Args:
            i: Which step, from 0.
            done: How many were done before.
            total: How many there are.
        """

        def step_done(step: int, _: int, x0: Tensor) -> None:
            assert self._step_done is not None
            self._step_done(done + step, total, x0)

        grid = torch.tensor(self.times[i : i + 2], dtype=torch.float64)
        callback = None if self._step_done is None else step_done
        return Trajectory(self.model, self.noiser, grid, self.rng, callback)

    def time(self, i: int, like: Tensor) -> Tensor:
        """The i-th time for each sample of `like`, `[B]`.

        Args:
            i: From 0 (noise) to `steps` (data).
            like: Samples `[B, ...]`.
        """
        return torch.full((len(like),), self.times[i], device=like.device, dtype=like.dtype)

    def denoise(self, i: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """The data and the noise that the model sees in `x` at the i-th time, each `[B, ...]`.

        Args:
            i: As for `time`.
            x: Samples, `[B, ...]`.
        """
        return self.model(x, self.time(i, x))

    def mix(self, i: int, x0: Tensor, noise: Tensor) -> Tensor:
        """The point made of `x0` and `noise` at the i-th time.

        From one time to the next along fixed `x0` and `noise` this is Euler's step, of
        x / alpha in sigma / alpha (Song et al. 2021, "DDIM", equation 13) and of a flow in t.

        Args:
            i: As for `time`.
            x0: Data, `[B, ...]`.
            noise: Noise, `[B, ...]`.
        """
        return self.alpha[i] * x0 + self.sigma[i] * noise

    def noise_kept(self, i: int) -> float:
        """Correlation of the point at the next time with this one, given x0.

        It is the share of the noise at the i-th time that is still in the noise at the next.

        Args:
            i: From 0 to `steps - 1`.
        """
        return self.alpha[i] * self.sigma[i + 1] / (self.alpha[i + 1] * self.sigma[i])

    def done(self, i: int, x0: Tensor) -> None:
        """Report the end of the step from the i-th time, with the data that it predicted.

        Args:
            i: From 0 to `steps - 1`.
            x0: Data, `[B, ...]`.
        """
        if self._step_done is not None:
            self._step_done(i + 1, self.steps, x0)


def shortened(grid: Tensor, strength: float) -> Tensor:
    """The last part of a grid's way, `strength` in (0, 1] of it, in as many steps as it has there.

    The times, `[part + 1]` in double precision, fall and lie evenly among those of the grid,
    `[steps + 1]`, and are its own where they fit: a step much shorter than the next would spoil a
    sampler that looks back at the one before.
    """
    steps = len(grid) - 1
    part = max(1, math.ceil(strength * steps - 1e-6))
    places = torch.linspace(steps * (1 - strength), steps, part + 1, dtype=torch.float64)
    places = torch.where((places - places.round()).abs() < 1e-6, places.round(), places)
    before = places.long().clamp(0, steps - 1)
    times = grid.cpu().double()
    return torch.lerp(times[before], times[before + 1], places - before)


class Sampler(ABC):
    """Solves the reverse process of a `ScheduledNoiser` on a grid of times.

    A sampler has no state: what it remembers between steps lives in one call.
    """

    Config: ClassVar[type[msgspec.Struct]] = NoOptions
    """The type of its config, which a subclass sets: a frozen struct of its own."""

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        self.config = config

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Whether it can sample from models that were trained with `noiser`; True here.

        Args:
            noiser: What the model was trained with.
        """
        return True

    @abstractmethod
    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        """Data from the noise at the first time, `x`, `[B, ...]`, which stays as it is.

        `path` has the times, the model at them, and the source of chance. Call `path.done(i, x0)`
        after each step.
        """
