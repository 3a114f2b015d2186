"""The autoencoder as a generative model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from genzoo_autoencoder.codec import AutoencoderCodec
from genzoo_autoencoder.config import AutoencoderConfig, AutoencoderOptions
from genzoo_autoencoder.density import GaussianMixture
from genzoo_core import (
    Batch,
    Context,
    GenerativeModel,
    Noiser,
    NotFittedError,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
)


class Autoencoder(GenerativeModel[AutoencoderOptions]):
    """An autoencoder, and the mixture fitted to its latents where it has one.

    A plain autoencoder (Hinton & Salakhutdinov 2006) learns to copy and knows nothing of where
    its latents lie. A penalty on the latents and a density fitted after training make it
    generative (RAE, Ghosh et al. 2020, "From variational to deterministic autoencoders").
    """

    Config = AutoencoderConfig
    Options = AutoencoderOptions
    codec: AutoencoderCodec

    def __init__(self, config: AutoencoderConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.sample_shape = config.shape
        self.codec = AutoencoderCodec(config.shape, config.latent, config.network)
        self.density = (
            GaussianMixture(config.components, config.latent) if config.components else None
        )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: AutoencoderOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Decode latents drawn from the fitted density, or from N(0, I)."""
        return self.codec.decode(self.latents(rng, options)).clamp(-1, 1)

    def latents(self, rng: Rng, options: AutoencoderOptions) -> Tensor:
        """Latents to decode, `[rng.n, latent]`.

        Raises:
            NotFittedError: The fitted density is asked for, and there is none.
        """
        if options.prior == "standard-normal":
            like = self.codec.shift
            return options.temperature * Noiser().prior(rng, self.codec.latent_shape, like)
        if self.density is None:
            raise NotFittedError(
                "a plain autoencoder has nothing to sample from: it learnt to copy pictures, and "
                "no density was fitted to its latents",
                "use one that has, such as ae-mnist, or see why: --set prior=standard-normal",
            )
        return self.density.sample(rng, options.temperature)

    def stages(self) -> tuple[Stage, ...]:
        """One stage with one phase, both named "reconstruction"."""
        phase = Phase("reconstruction", tuple(self.codec.parameters()))
        return (Stage("reconstruction", (phase,)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Mean squared error per pixel, plus the penalty on the latent's squared norm."""
        z = self.codec.encode(batch.images).mean
        error = nn.functional.mse_loss(self.codec.decode(z), batch.images)
        norm = z.square().sum(1).mean()
        figures: dict[str, Tensor | float] = {"mse": error.detach(), "norm": norm.detach()}
        return error + self.config.latent_penalty * norm, figures

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Standardise the latents and fit the mixture to them."""
        z = torch.cat([self.codec.encode(batch.images).mean for batch in batches])
        # A latent that the penalty switched off has no spread; dividing by it would blow up.
        mean, std = z.mean(0), z.std(0).clamp_min(1e-3)
        self.codec.standardize(mean, std)
        if self.density is not None:
            self.density.fit((z - mean) / std)
