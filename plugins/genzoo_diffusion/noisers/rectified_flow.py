"""Rectified flow."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from genzoo_core import Config, Context, Rng, ScheduledNoiser


class RectifiedFlowConfig(Config):
    """The straight line from data to noise.

    Attributes:
        times: How training times are drawn: "logit-normal", the sigmoid of a standard normal,
            which prefers the middle (Esser et al. 2024, section 3.1), or "uniform".
    """

    times: Literal["logit-normal", "uniform"] = "logit-normal"


class RectifiedFlow(ScheduledNoiser):
    """`x_t = (1 - t) x0 + t noise`; the network predicts the velocity `noise - x0`.

    Liu et al. 2022, "Flow straight and fast", with their time reversed: 0 is data.
    """

    Config = RectifiedFlowConfig
    prediction = "flow"

    def __init__(self, config: RectifiedFlowConfig, context: Context) -> None:
        super().__init__(config, context)
        self._uniform = config.times == "uniform"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """`1 - t` and `t`."""
        return 1 - t, t

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """Uniform, or the sigmoid of a standard normal (Esser et al. 2024, equation 19)."""
        return rng.uniform((), like) if self._uniform else rng.normal((), like).sigmoid()
