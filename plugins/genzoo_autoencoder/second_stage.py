"""A second VAE, on the latents of the first: a density that is learnt after the codec."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from genzoo_autoencoder.config import SecondStageConfig
from genzoo_autoencoder.density import LearnedDensity
from genzoo_core import Conditioning, Context, Posterior, Rng


class SecondStage(LearnedDensity):
    """The second stage of a two-stage VAE (Dai & Wipf 2019, "Diagnosing and enhancing VAE models").

    The first VAE's latents fill a space of their own dimension, where a VAE with as many latents
    can match their distribution (the paper's theorem 1 and section 4), so that N(0, I) may be
    drawn from there. The noise level gamma of its likelihood is learnt, and drawn when sampling.
    """

    Config = SecondStageConfig

    def __init__(self, config: SecondStageConfig, context: Context) -> None:
        super().__init__(config, context)
        (size,) = self.shape
        self.conditioning = Conditioning(context, config.embedding)
        extra = config.embedding if context.conditioners else 0
        hidden = [config.width] * config.layers
        self.encoder = layers(size + extra, *hidden, 2 * size)
        self.decoder = layers(size + extra, *hidden, size)
        # With a likelihood that starts as wide as the data, the posterior collapses to the prior at
        # once, and the network learns a mere normal.
        self.log_gamma = nn.Parameter(torch.tensor(-2.0))

    def posterior(self, x: Tensor, vector: Tensor | None) -> Posterior:
        """That of standardised latents `x`, `[B, D]`, beside a condition's vector `[B, E]`."""
        mean, logvar = self.encoder(beside(x, vector)).chunk(2, 1)
        return Posterior(mean, (logvar.clamp(-30, 20) / 2).exp())

    def loss(
        self, z: Tensor, conditions: Mapping[str, Tensor], rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The negative evidence lower bound in nats per dimension, up to a constant."""
        x, vector = self.standardized(z), self.vector(conditions, len(z))
        posterior = self.posterior(x, vector)
        decoded = self.decoder(beside(posterior.sample(rng), vector))
        mse = nn.functional.mse_loss(decoded, x)
        kl = posterior.kl().mean() / x[0].numel()
        reconstruction = 0.5 * mse * (-2 * self.log_gamma).exp() + self.log_gamma
        figures: dict[str, Tensor | float] = {
            "mse": mse.detach(),
            "kl": kl.detach(),
            "gamma": self.log_gamma.detach().exp(),
        }
        return reconstruction + kl, figures

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        """Latents, `[rng.n, D]`; `temperature` scales the noise of both kinds."""
        self.check_fitted()
        u, noise = (rng.normal(self.shape, self.shift) for _ in range(2))
        mean = self.decoder(beside(temperature * u, self.vector(conditions, rng.n)))
        return self.latents(mean + temperature * self.log_gamma.exp() * noise)

    def vector(self, conditions: Mapping[str, Tensor], n: int) -> Tensor | None:
        """The vector of the joined condition, `[n, E]`; None without conditioners."""
        condition = self.conditioning(conditions, n)
        return None if condition is None else condition.vector


def layers(*sizes: int) -> nn.Sequential:
    """Linear layers between the given sizes, with ReLU between them."""
    linear = [nn.Linear(inputs, outputs) for inputs, outputs in pairwise(sizes)]
    between = [module for layer in linear[:-1] for module in (layer, nn.ReLU())]
    return nn.Sequential(*between, linear[-1])


def beside(x: Tensor, vector: Tensor | None) -> Tensor:
    """`[B, D + E]` of `x`, `[B, D]`, and a vector `[B, E]`; `x` itself where there is none."""
    return x if vector is None else torch.cat([x, vector], 1)
