"""Two noise schedules."""

from __future__ import annotations

import torch
from torch import Tensor

from genzoo_core import Context, ScheduledNoiser
from genzoo_tiny.config import LineConfig, NoiserConfig


class Circle(ScheduledNoiser):
    """alpha = cos, sigma = sin, with t kept clear of the ends."""

    Config = NoiserConfig

    def __init__(self, config: NoiserConfig, context: Context) -> None:
        super().__init__(config, context)
        self.prediction = config.prediction

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        angle = (0.02 + 0.96 * t) * torch.pi / 2
        return angle.cos(), angle.sin()


class Line(Circle):
    """Rectified flow: alpha = 1 - t, sigma = t."""

    Config = LineConfig

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t
