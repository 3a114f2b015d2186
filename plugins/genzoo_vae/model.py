"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from genzoo_autoencoder.codec import AutoencoderCodec
from genzoo_autoencoder.density import GaussianMixture
from genzoo_core import (
    Batch,
    Context,
    GenerativeModel,
    Noiser,
    NotFittedError,
    OnStep,
    Phase,
    Posterior,
    Progress,
    Rng,
    Stage,
)
from genzoo_vae.config import VAEConfig, VAEOptions


class VariationalCodec(AutoencoderCodec):
    """A codec whose encoder ends in a mean and a log-variance."""

    def encoder_head(self, features: int, latent: int) -> list[nn.Module]:
        """Nothing: two heads read the features."""
        return []

    def add_heads(self, features: int, latent: int) -> None:
        """The two heads."""
        self.mean_layer = nn.Linear(features, latent)
        self.logvar_layer = nn.Linear(features, latent)

    def posterior(self, encoded: Tensor) -> Posterior:
        """The normal of the two heads."""
        return Posterior(self.mean_layer(encoded), (self.logvar_layer(encoded) / 2).exp())


class VAE(GenerativeModel[VAEOptions]):
    """A variational autoencoder (Kingma & Welling 2014, "Auto-encoding variational Bayes")."""

    Config = VAEConfig
    Options = VAEOptions
    codec: VariationalCodec

    def __init__(self, config: VAEConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.sample_shape = config.shape
        self.codec = VariationalCodec(config.shape, config.latent, config.network)
        self.density = (
            GaussianMixture(config.components, config.latent) if config.components else None
        )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: VAEOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Decode latents drawn from the prior."""
        return self.codec.decode(self.latents(rng, options)).clamp(-1, 1)

    def latents(self, rng: Rng, options: VAEOptions) -> Tensor:
        """Latents to decode, `[rng.n, latent]`.

        Raises:
            NotFittedError: The fitted density is asked for, and there is none.
        """
        prior = options.prior or ("standard-normal" if self.density is None else "fitted")
        if prior == "standard-normal":
            like = self.codec.shift
            return options.temperature * Noiser().prior(rng, self.codec.latent_shape, like)
        if self.density is None:
            raise NotFittedError(
                "no density was fitted to this VAE's latents", "use --set prior=standard-normal"
            )
        return self.density.sample(rng, options.temperature)

    def stages(self) -> tuple[Stage, ...]:
        """One stage with one phase, both named "elbo"."""
        return (Stage("elbo", (Phase("elbo", tuple(self.codec.parameters())),)),)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The negative evidence lower bound, up to a constant.

        With the "unit" likelihood the tutorial's: squared error summed over pixels, plus KL.
        With the "optimal" one in nats per pixel, so that its gradients are of common size.
        """
        images = batch.images
        posterior = self.codec.encode(images)
        decoded = self.codec.decode(posterior.sample(rng))
        mse = nn.functional.mse_loss(decoded, images)
        per_dimension = posterior.kl_per_dimension().mean(0)
        kl = per_dimension.sum()
        figures: dict[str, Tensor | float] = {"mse": mse.detach(), "kl": kl.detach()}
        if self.config.free_bits:
            kl = per_dimension.clamp_min(self.config.free_bits).sum()
        if self.config.kl_warmup:
            kl = min(1.0, progress.fraction / self.config.kl_warmup) * kl
        pixels = images[0].numel()
        if self.config.likelihood == "unit":
            return pixels * mse + kl, figures
        return 0.5 * mse.log() + kl / pixels, figures

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Fit the mixture to the aggregate posterior."""
        if self.density is None:
            return
        posteriors = [self.codec.encode(batch.images) for batch in batches]
        means = torch.cat([posterior.mean for posterior in posteriors])
        stds = torch.cat([posterior.std for posterior in posteriors if posterior.std is not None])
        self.density.fit(means, stds.square())
