"""How noise enters a generative model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
import torch
from torch import Tensor

from genzoo_core.component import Context
from genzoo_core.config import NoOptions
from genzoo_core.rng import Rng

Prediction = Literal["eps", "x0", "v", "flow"]


class Noiser:
    """How noise enters; a frozen config, no weights.

    The base class is the VAE's: standard normal prior, and the reparameterisation trick
    (Kingma & Welling 2014, equation 10). With the prior alone it is a GAN's latent.
    """

    Config: ClassVar[type[msgspec.Struct]] = NoOptions
    """The type of its config, which a subclass sets: a frozen struct of its own."""

    def __init__(self, config: msgspec.Struct | None = None, context: Context | None = None):
        self.config = config

    def prior(self, rng: Rng, shape: Sequence[int], like: Tensor) -> Tensor:
        """What sampling starts from: `[B, *shape]`, standard normal.

        Args:
            rng: Of B samples.
            shape: Of one sample.
            like: A tensor of the device and dtype.
        """
        return rng.normal(shape, like)

    def perturb(self, x: Tensor, noise: Tensor, std: Tensor) -> Tensor:
        """`x + std * noise`; all broadcast against `x`, `[B, ...]`.

        Args:
            x: Data, `[B, ...]`.
            noise: Standard normal noise.
            std: Standard deviation of what is added.
        """
        return x + std * noise


class ScheduledNoiser(Noiser):
    """Diffusion's noiser: `x_t = alpha(t) x + sigma(t) noise`, t from 0 (data) to 1 (noise).

    The network predicts one of
    - "eps": the noise (Ho et al. 2020, DDPM);
    - "x0": the data;
    - "v": `alpha noise - sigma x0` (Salimans & Ho 2022, "Progressive distillation");
    - "flow": `noise - x0`, the velocity of a rectified flow (Liu et al. 2022).
    The formulas hold for every pair (alpha, sigma), variance-preserving or not. A noiser whose
    network predicts anything else defines `target` and `split` itself and has no `prediction`.
    """

    prediction: Prediction

    @abstractmethod
    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """alpha(t) and sigma(t), each with the shape of `t`, `[B]`.

        Args:
            t: Times in [0, 1].
        """

    def scales(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """alpha(t) and sigma(t), shaped to broadcast against `like`, `[B, ...]`.

        Args:
            t: Times in [0, 1], `[B]`.
            like: Samples, `[B, ...]`.
        """
        alpha, sigma = self.coefficients(t)
        shape = (-1, *([1] * (like.dim() - 1)))
        return alpha.reshape(shape), sigma.reshape(shape)

    def perturb(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """`x_t` for data `x` and `noise`, both `[B, ...]`, at times `t`, `[B]`.

        Args:
            x: Data, `[B, ...]`.
            noise: Standard normal noise, `[B, ...]`.
            t: Times in [0, 1], `[B]`.
        """
        alpha, sigma = self.scales(t, x)
        return alpha * x + sigma * noise

    def target(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What the network learns to predict, with the shape of `x0`, `[B, ...]`.

        Args:
            x0: Data, `[B, ...]`.
            noise: Standard normal noise, `[B, ...]`.
            t: Times in [0, 1], `[B]`.
        """
        if self.prediction == "eps":
            return noise
        if self.prediction == "x0":
            return x0
        if self.prediction == "flow":
            return noise - x0
        alpha, sigma = self.scales(t, x0)
        return alpha * noise - sigma * x0

    def split(self, prediction: Tensor, x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The data and the noise that `prediction` says `x_t` is made of, each `[B, ...]`.

        "eps" divides by alpha and "x0" by sigma: a grid must stay clear of their zeros.

        Args:
            prediction: What the network says, `[B, ...]`.
            x_t: What it saw, `[B, ...]`.
            t: Times in [0, 1], `[B]`.
        """
        alpha, sigma = self.scales(t, x_t)
        if self.prediction == "eps":
            return (x_t - sigma * prediction) / alpha, prediction
        if self.prediction == "x0":
            return prediction, (x_t - alpha * prediction) / sigma
        if self.prediction == "flow":
            total = alpha + sigma
            return (x_t - sigma * prediction) / total, (x_t + alpha * prediction) / total
        square = alpha**2 + sigma**2
        x0 = (alpha * x_t - sigma * prediction) / square
        return x0, (sigma * x_t + alpha * prediction) / square

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        """Times to train at, `[B]` in [0, 1]; uniform by default.

        Args:
            rng: Of B samples.
            like: A tensor of the device and dtype.
        """
        return rng.uniform((), like)

    def weight(self, t: Tensor) -> Tensor:
        """Weight of the squared error at times `t`, `[B]`; 1 by default.

        Args:
            t: Times in [0, 1], `[B]`.
        """
        return torch.ones_like(t)

    def grid(self, steps: int) -> Tensor:
        """The `steps + 1` times that sampling visits, from noise (1) down to data (0).

        Args:
            steps: How many steps there will be.
        """
        return torch.linspace(1, 0, steps + 1)

    def embed(self, t: Tensor) -> Tensor:
        """The number that stands for the time in the network, `[B]`; `t` by default.

        Args:
            t: Times in [0, 1], `[B]`.
        """
        return t
