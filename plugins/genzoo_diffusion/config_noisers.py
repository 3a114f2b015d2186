"""Configs of the noisers. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config

Positive = Annotated[float, msgspec.Meta(gt=0, le=1000)]


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

    data_std: Positive = 0.5
    sigma_min: Positive = 0.002
    sigma_max: Positive = 80.0
    rho: Positive = 7.0
    log_mean: float = -1.2
    log_std: Positive = 1.2
