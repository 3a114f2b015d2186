"""Configs of the noisers. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config

Sigma = Annotated[float, msgspec.Meta(ge=1e-5, le=1e4)]


class DDPMConfig(Config):
    """A discrete variance-preserving schedule of 1000 steps.

    Attributes:
        schedule: "linear" betas from 1e-4 to 0.02 (Ho et al. 2020, section 4), or "cosine"
            (Nichol & Dhariwal 2021, equation 17), which keeps more signal in the middle.
        prediction: What the network predicts: the noise, the data, or
            `v = alpha noise - sigma x0`.
    """

    schedule: Literal["linear", "cosine"] = "linear"
    prediction: Literal["eps", "x0", "v"] = "eps"


class RectifiedFlowConfig(Config):
    """The straight line from data to noise.

    Attributes:
        times: How training times are drawn: "logit-normal", the sigmoid of a standard normal,
            which prefers the middle (Esser et al. 2024, section 3.1), or "uniform".
    """

    times: Literal["logit-normal", "uniform"] = "logit-normal"


class EDMConfig(Config):
    """The design of Karras et al. 2022; defaults are their table 1.

    Attributes:
        data_std: Standard deviation of the data.
        sigma_min: Least noise level of the sampling grid, before 0.
        sigma_max: Largest noise level.
        rho: Curvature of the grid: larger puts more steps at low noise.
        log_mean: Mean of the logarithm of the noise level in training.
        log_std: Its standard deviation.
    """

    data_std: Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)] = 0.5
    sigma_min: Sigma = 0.002
    sigma_max: Sigma = 80.0
    rho: Annotated[float, msgspec.Meta(ge=0.1, le=1000)] = 7.0
    log_mean: Annotated[float, msgspec.Meta(ge=-10, le=10)] = -1.2
    log_std: Annotated[float, msgspec.Meta(ge=1e-3, le=10)] = 1.2

    def __post_init__(self) -> None:
        # Closer together, the times of a long grid would be the same in single precision.
        if self.sigma_max <= 2 * self.sigma_min:
            raise ValueError(
                f"`sigma_max` is {self.sigma_max}, not above twice `sigma_min`, {self.sigma_min}"
            )
