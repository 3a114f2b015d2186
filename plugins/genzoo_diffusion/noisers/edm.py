"""The preconditioned network of "Elucidating the design space"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import torch
from torch import Tensor

from genzoo_core import Config, Context, Rng, ScheduledNoiser

Sigma = Annotated[float, msgspec.Meta(ge=1e-5, le=1e4)]


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


class EDM(ScheduledNoiser):
    """Karras et al. 2022, "Elucidating the design space of diffusion-based generative models".

    There `x = x0 + s noise` with the noise level s, and the network sees `c_in x`. Here that
    scaling belongs to the noise, so that every network's input is a `x_t`: `alpha = c_in` and
    `sigma = c_in s`, with `c_in = 1 / sqrt(s^2 + data_std^2)`. Time is logarithmic in s,
    `s = sigma_min (exp(a t) - 1)` with `t = 1` at sigma_max: near `log(s)` where s exceeds
    sigma_min, and yet `t = 0` is the data itself.

    The network's target F has unit variance; weighted by the paper's lambda(s) its error
    counts c_out^2 lambda = 1 at every noise level (appendix B.6).
    """

    Config = EDMConfig

    def __init__(self, config: EDMConfig, context: Context) -> None:
        super().__init__(config, context)
        self._settings = config
        self._span = math.log1p(config.sigma_max / config.sigma_min)

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """c_in and c_in s."""
        level = self.level(t)
        c_in = (level.square() + self._settings.data_std**2).rsqrt()
        return c_in, c_in * level

    def prior(self, rng: Rng, shape: Sequence[int], like: Tensor) -> Tensor:
        """Noise at sigma_max, scaled as the network sees it, `[B, *shape]`."""
        _, sigma = self.coefficients(torch.ones((), device=like.device, dtype=like.dtype))
        return sigma * super().prior(rng, shape, like)

    def target(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """F, what the raw network is to give (equation 8)."""
        sigma, std = self._mix(t, x0)
        return sigma * x0 / self._settings.data_std - std * noise

    def split(self, prediction: Tensor, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """`x0 = c_skip x + c_out F` (equation 7) and the noise; nothing is divided by."""
        sigma, std = self._mix(t, x_t)
        x0 = self._settings.data_std * (std * x_t + sigma * prediction)
        return x0, sigma * x_t - std * prediction

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """`log(s)` is normal, as in table 1; at most sigma_max."""
        log_level = self._settings.log_mean + self._settings.log_std * rng.normal((), like)
        return self.time(log_level.exp()).clamp(max=1)

    def grid(self, steps: int) -> Tensor:
        """Times of the noise levels of equation 5, then 0."""
        low, high, rho = self._settings.sigma_min, self._settings.sigma_max, self._settings.rho
        ramp = torch.linspace(high ** (1 / rho), low ** (1 / rho), steps, dtype=torch.float64)
        times = self.time(ramp**rho)
        return torch.cat([times, torch.zeros(1, dtype=times.dtype)]).float()

    def embed(self, t: Tensor) -> Tensor:
        """c_noise, `log(s) / 4`."""
        return self.level(t).clamp_min(1e-5).log() / 4

    def level(self, t: Tensor) -> Tensor:
        """The noise level s at times `t`, `[B]`."""
        return self._settings.sigma_min * (t * self._span).expm1()

    def time(self, level: Tensor) -> Tensor:
        """The time at noise levels `level`, `[B]`."""
        return (level / self._settings.sigma_min).log1p() / self._span

    def _mix(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """How `x_t` mixes noise and data of unit variance: two numbers on the unit circle."""
        alpha, sigma = self.scales(t, like)
        return sigma, self._settings.data_std * alpha
