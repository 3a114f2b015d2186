"""From noise to data, step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import msgspec
from torch import Tensor

from genzoo_core.component import Context
from genzoo_core.config import Config
from genzoo_core.noiser import ScheduledNoiser
from genzoo_core.rng import Rng

Denoise = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Called as `denoise(x, t)` with `x`, `[B, ...]`, and times `t`, `[B]`; gives the data and the
noise that `x` is made of, each `[B, ...]`. Guidance is inside it."""

StepDone = Callable[[int, int, Tensor], None]
"""Called as `step_done(step, total, x0)` with the data that the step predicts, `[B, ...]`."""


class SamplerConfig(Config):
    """A sampler with nothing to set."""


class Sampler(ABC):
    """Solves the reverse process of a `ScheduledNoiser` on a grid of times.

    A sampler has no state: what it remembers between steps lives in one call.
    """

    Config: ClassVar[type[msgspec.Struct]] = SamplerConfig

    def __init__(self, config: msgspec.Struct, context: Context) -> None:
        self.config = config

    def fits(self, noiser: ScheduledNoiser) -> bool:
        """Whether it can sample from models that were trained with `noiser`; True here."""
        return True

    @abstractmethod
    def __call__(
        self,
        denoise: Denoise,
        x: Tensor,
        noiser: ScheduledNoiser,
        grid: Tensor,
        rng: Rng,
        step_done: StepDone | None = None,
    ) -> Tensor:
        """Data, with the shape of `x`.

        Args:
            denoise: The model.
            x: What sampling starts from, `[B, ...]`.
            noiser: How noise entered.
            grid: The times to visit, falling, `[steps + 1]`.
            rng: For samplers that add noise; per-sample.
            step_done: Told of each step.
        """
