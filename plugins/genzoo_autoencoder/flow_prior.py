"""A conditional rectified flow on latents: a density that is learnt after the codec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from genzoo_autoencoder.config import FlowPriorConfig
from genzoo_autoencoder.density import LearnedDensity
from genzoo_core import Condition, Context, Rng, Sampler, ScheduledNoiser, Start, Trajectory
from genzoo_core.conditioner import Conditioning
from genzoo_core.denoising import denoising_errors, guided_denoiser, sample_from
from genzoo_core.layers.mlp import MLP
from genzoo_core.sampler import StepDone


class FlowPrior(LearnedDensity):
    """Latents by way of a rectified flow from noise (Liu et al. 2022, "Flow straight and fast").

    Learnt on the latents of a codec that is done learning, as the second stage of Dai & Wipf 2019
    ("Diagnosing and enhancing VAE models") and the flow of Xiao et al. 2019 ("Generative latent
    flow") are. Unlike mixtures, it takes any condition, text too. It has conditioners of its own:
    those of a decoder, which sees the latent, learn little.
    """

    Config = FlowPriorConfig

    def __init__(self, config: FlowPriorConfig, context: Context) -> None:
        super().__init__(config, context)
        self.steps, self.guidance = config.steps, config.guidance
        self.noiser: ScheduledNoiser = context.component("noiser", "genzoo/rectified-flow", {})
        self.sampler: Sampler = context.component("sampler", "genzoo/heun", {})
        self.conditioning = Conditioning(context, config.embedding)
        self.network = MLP(
            self.shape, width=config.width, blocks=config.blocks, embedding=config.embedding
        )

    def predict(self, x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        """The velocity of standardised latents `x`, `[B, *shape]`, at times `t`, `[B]`."""
        out: Tensor = self.network(x, self.noiser.embed(t), condition)
        return out

    def errors(
        self, z: Tensor, conditions: Mapping[str, Tensor], rng: Rng
    ) -> tuple[Tensor, Tensor]:
        """What it learns from: errors of latents `z`, `[B, *shape]`, see `denoising_errors`."""
        condition = self.conditioning(conditions, len(z))
        return denoising_errors(self.predict, self.noiser, self.standardized(z), condition, rng)

    def loss(
        self, z: Tensor, conditions: Mapping[str, Tensor], rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The noiser's weighted mean squared error."""
        error, weight = self.errors(z, conditions, rng)
        return (weight * error).mean(), {"mse": error.detach().mean()}

    def sample(
        self, rng: Rng, conditions: Mapping[str, Tensor], *, temperature: float = 1.0
    ) -> Tensor:
        return self.sample_from(None, rng, conditions, temperature=temperature)

    def sample_from(
        self,
        start: Start | None,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        *,
        negative: Mapping[str, Tensor] | None = None,
        guidance: float = 1.0,
        temperature: float = 1.0,
        step_done: StepDone | None = None,
    ) -> Tensor:
        """As `Density.sample_from`; begins from latents as diffusion does."""
        self.check_fitted()
        if start is not None and start.strength == 0:  # without rounding
            return start.images
        x = temperature * self.noiser.prior(rng, self.shape, self.shift)
        denoise = guided_denoiser(
            self.predict,
            self.noiser,
            self.conditioning(conditions, rng.n),
            self.conditioning(negative or {}, rng.n),
            guidance,
            clip=False,
        )
        each = step_done and (lambda step, total, x0: step_done(step, total, self.latents(x0)))
        path = Trajectory(denoise, self.noiser, self.noiser.grid(self.steps).to(x), rng, each)
        if start is not None:
            start = replace(start, images=self.standardized(start.images))
        return self.latents(sample_from(start, self.sampler, path, x))
