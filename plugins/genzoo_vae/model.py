"""The variational autoencoder."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from torch import Tensor, nn

from genzoo_autoencoder.api import Decoder, LatentConfig, LatentModel, Trunk
from genzoo_core import Batch, Codec, Condition, Context, Posterior, Progress, Rng, all_mean
from genzoo_core.ranges import Share


class VAEConfig(LatentConfig):
    """What a VAE is: a `LatentConfig`. Without a density, latents come from N(0, I).

    Attributes:
        likelihood: "unit" sums squared errors, the Gaussian likelihood of the tutorial.
            "optimal" gives the Gaussian the variance that fits best, the batch's mean squared
            error (sigma-VAE, Rybkin et al. 2021, section 4.1), which makes pictures sharp.
        kl_warmup: Share of the training over which the KL term's weight rises from 0 to 1.
        free_bits: KL in nats that each latent dimension has for free (Kingma et al. 2016,
            appendix C.8).
    """

    likelihood: Literal["unit", "optimal"] = "unit"
    kl_warmup: Share = 0.0
    free_bits: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0


class VariationalCodec(Codec):
    """A codec whose encoder ends in a mean and a log-variance."""

    def __init__(self, config: VAEConfig, condition_dim: int | None, context: Context) -> None:
        super().__init__()
        self.latent_shape = (config.latent,)
        self.encoder = Trunk(config.network, config.shape, context)
        self.mean_layer = nn.Linear(self.encoder.size, config.latent)
        self.logvar_layer = nn.Linear(self.encoder.size, config.latent)
        self.decoder = Decoder(config.network, config.shape, config.latent, condition_dim)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        features = self.encoder(x)
        return Posterior(self.mean_layer(features), (self.logvar_layer(features) / 2).exp())

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        images: Tensor = self.decoder(z, condition)
        return images


class VAE(LatentModel):
    """A variational autoencoder (Kingma & Welling 2014, "Auto-encoding variational Bayes")."""

    Config = VAEConfig
    stage_name = "elbo"
    config: VAEConfig
    codec: VariationalCodec
    trained_prior = "standard-normal"
    no_density = (
        "no density was fitted to this VAE's latents",
        "leave --set prior out, or use --set prior=standard-normal",
    )

    def build_codec(self, context: Context) -> VariationalCodec:
        return VariationalCodec(self.config, self.condition_dim, context)

    def codec_loss(
        self, batch: Batch, rng: Rng, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """The negative evidence lower bound, up to a constant.

        With the "unit" likelihood the tutorial's: squared error summed over pixels, plus KL.
        With the "optimal" one in nats per pixel, so that its gradients are of common size.
        """
        images = batch.images
        posterior = self.codec.encode(images)
        condition = self.condition(batch.conditions, rng.n)
        decoded = self.codec.decode(posterior.sample(rng), condition)
        mse = nn.functional.mse_loss(decoded, images)
        if self.config.likelihood == "optimal":  # the logarithm of the batch's error
            mse = all_mean(mse)
        per_dimension = posterior.kl_per_dimension().mean(0)
        kl = per_dimension.sum()
        figures: dict[str, Tensor | float] = {"mse": mse.detach(), "kl": kl.detach()}
        if self.config.free_bits:
            per_dimension = all_mean(per_dimension)
            kl = per_dimension.clamp_min(self.config.free_bits).sum()
        if self.config.kl_warmup:
            kl = min(1.0, progress.fraction / self.config.kl_warmup) * kl
        pixels = images[0].numel()
        if self.config.likelihood == "unit":
            return pixels * mse + kl, figures
        return 0.5 * mse.log() + kl / pixels, figures
