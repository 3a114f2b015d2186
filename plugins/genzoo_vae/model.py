"""The variational autoencoder."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from genzoo_autoencoder.codec import NetworkCodec
from genzoo_autoencoder.density import GaussianMixture
from genzoo_autoencoder.latent_model import PRIOR, LatentModel
from genzoo_core import Batch, Context, Phase, Posterior, Progress, Rng, Stage
from genzoo_vae.config import VAEConfig


class VariationalCodec(NetworkCodec):
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


class VAE(LatentModel):
    """A variational autoencoder (Kingma & Welling 2014, "Auto-encoding variational Bayes")."""

    Config = VAEConfig
    codec: VariationalCodec
    trained_prior = "standard-normal"
    no_density = (
        "no density was fitted to this VAE's latents",
        "leave --set prior out, or use --set prior=standard-normal",
    )

    def __init__(self, config: VAEConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.sample_shape = config.shape
        self.codec = VariationalCodec(
            config.shape, config.latent, config.network, self.condition_dim, context
        )
        self.density = self.build_density(context, config.components, config.prior)

    def stages(self) -> tuple[Stage, ...]:
        """ "elbo", and "prior" where one is learnt; each has one phase of its name."""
        return self.staged("elbo")

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The negative evidence lower bound, up to a constant.

        With the "unit" likelihood the tutorial's: squared error summed over pixels, plus KL.
        With the "optimal" one in nats per pixel, so that its gradients are of common size.
        In the phase "prior", the density's.
        """
        if phase.name == PRIOR:
            return self.prior_loss(batch, rng)
        images = batch.images
        posterior = self.codec.encode(images)
        condition = self.condition(batch.conditions, rng.n)
        decoded = self.codec.decode(posterior.sample(rng), condition)
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
        """Fit the mixtures to the aggregate posterior; what is learnt, is by now."""
        if not isinstance(self.density, GaussianMixture):
            return
        means, variances, classes = [], [], []
        for batch in batches:
            posterior = self.codec.encode(batch.images)
            assert posterior.std is not None
            means.append(posterior.mean)
            variances.append(posterior.std.square())
            classes.append(self.classes_of(batch))
        self.density.fit(torch.cat(means), torch.cat(variances), torch.cat(classes))
