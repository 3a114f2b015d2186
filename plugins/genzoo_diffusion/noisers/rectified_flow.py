"""Rectified flow."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from torch import Tensor

from genzoo_core import Config, Context, Rng, ScheduledNoiser

LEAST_TIME = 0.05
"""Time below which the weight of the data's error grows no further (Li & He 2025, section 4)."""


class RectifiedFlowConfig(Config):
    """The straight line from data to noise.

    Attributes:
        prediction: What the network gives: the velocity, or the data, of which that follows. A
            network that is narrower than its data can hardly carry noise through (Li & He 2025,
            "Back to basics: let denoising generative models denoise"); its error is measured as
            that of the velocity all the same.
        times: How training times are drawn: "logit-normal", the sigmoid of a standard normal,
            which prefers the middle (Esser et al. 2024, section 3.1), or "uniform".
        shift: How far the steps of sampling are moved towards noise: t becomes
            `shift t / (1 + (shift - 1) t)` (their equation 23). The more numbers data have, the
            more noise hides their outlines, which are drawn in those steps.
    """

    prediction: Literal["flow", "x0"] = "flow"
    times: Literal["logit-normal", "uniform"] = "logit-normal"
    shift: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.0


class RectifiedFlow(ScheduledNoiser):
    """`x_t = (1 - t) x0 + t noise`; the network predicts the velocity `noise - x0`, or x0.

    Liu et al. 2022, "Flow straight and fast", with their time reversed: 0 is data.
    """

    Config = RectifiedFlowConfig

    def __init__(self, config: RectifiedFlowConfig, context: Context) -> None:
        super().__init__(config, context)
        self.prediction = config.prediction
        self._shift = config.shift
        self._uniform = config.times == "uniform"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """`1 - t` and `t`."""
        return 1 - t, t

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """Uniform, or the sigmoid of a standard normal (Esser et al. 2024, equation 19)."""
        return rng.uniform((), like) if self._uniform else rng.normal((), like).sigmoid()

    def weight(self, t: Tensor) -> Tensor:
        """1, or what makes the data's error that of the velocity, `(x_t - x0) / t`."""
        if self.prediction == "flow":
            return super().weight(t)
        return t.clamp_min(LEAST_TIME).pow(-2)

    def grid(self, steps: int) -> Tensor:
        """Evenly spaced, then shifted towards noise."""
        even = super().grid(steps)
        return even if self._shift == 1 else self._shift * even / (1 + (self._shift - 1) * even)
