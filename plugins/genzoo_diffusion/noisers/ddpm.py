"""The discrete schedules of denoising diffusion."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from genzoo_core import Config, Context, Rng, ScheduledNoiser

STEPS = 1000
LEAST_ALPHA = 0.006


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


class DDPM(ScheduledNoiser):
    """Denoising diffusion probabilistic models (Ho et al. 2020), variance-preserving.

    Time `t` is step `1000 t` of the paper, 1 to 1000, and `t = 0` is the data itself; what
    `diffusers` calls timestep i is step i + 1. Between two steps the ratio sigma / alpha is
    interpolated, so that any grid will do. Training draws whole steps and weighs them alike
    (the paper's equation 14).
    """

    Config = DDPMConfig

    def __init__(self, config: DDPMConfig, context: Context) -> None:
        super().__init__(config, context)
        self.prediction = config.prediction
        linear = torch.linspace(1e-4, 0.02, STEPS, dtype=torch.float64)
        betas = linear if config.schedule == "linear" else cosine_betas()
        signal = torch.cat([torch.ones(1, dtype=betas.dtype), (1 - betas).cumprod(0)])
        self._ratio = (1 / signal - 1).sqrt()
        # Sampling starts at the last step that has a trace of signal: noise prediction divides
        # by alpha. The linear schedule ends at 0.0063, the cosine one at 0.00005.
        self._first = int((signal.sqrt() >= LEAST_ALPHA).nonzero().max())

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha and sigma; exact at the steps."""
        place = t * STEPS
        step = place.round()
        place = torch.where((place - step).abs() < 1e-3, step, place)  # float32 cannot say 1/1000
        low = place.floor().clamp(0, STEPS - 1)
        ratios = self._ratio.to(t)
        ratio = torch.lerp(ratios[low.long()], ratios[low.long() + 1], place - low)
        alpha = (1 + ratio.square()).rsqrt()
        return alpha, ratio * alpha

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """Whole steps, each as often."""
        return (rng.integers(STEPS, (), like).to(like) + 1) / STEPS

    def grid(self, steps: int) -> Tensor:
        """Evenly spaced from the first step with a trace of signal, whole steps where they fit.

        The spacing that `diffusers` calls "trailing" (Lin et al. 2024, section 3.3).
        """
        grid = torch.linspace(self._first, 0, steps + 1, dtype=torch.float64)
        if steps <= self._first:
            grid = grid.round()
        return (grid / STEPS).float()


def cosine_betas() -> Tensor:
    """The noise variances of Nichol & Dhariwal 2021, section 3.2, `[1000]`."""
    t = torch.linspace(0, 1, STEPS + 1, dtype=torch.float64)
    signal = ((t + 0.008) / 1.008 * torch.pi / 2).cos().square()
    return (1 - signal[1:] / signal[:-1]).clamp(max=0.999)
