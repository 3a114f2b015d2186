"""The autoencoder as a generative model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genzoo_autoencoder.config import AutoencoderConfig
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_autoencoder.networks import Decoder, Trunk
from genzoo_core import Batch, Codec, Condition, Context, Posterior, Progress, Rng
from genzoo_core.encoding import moments


class AutoencoderCodec(Codec):
    """A codec whose latents are brought to unit scale once it is trained.

    `encode` gives `(z - shift) / scale`; these buffers are 0 and 1 until `standardize` sets them.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self, config: AutoencoderConfig, condition_dim: int | None, context: Context
    ) -> None:
        super().__init__()
        self.latent_shape = (config.latent,)
        self.encoder = Trunk(config.network, config.shape, context)
        self.encoder.append(nn.Linear(self.encoder.size, config.latent))
        self.decoder = Decoder(config.network, config.shape, config.latent, condition_dim)
        self.register_buffer("shift", torch.zeros(config.latent))
        self.register_buffer("scale", torch.ones(config.latent))

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        return Posterior((self.encoder(x) - self.shift) / self.scale)

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        images: Tensor = self.decoder(z * self.scale + self.shift, condition)
        return images

    def standardize(self, mean: Tensor, std: Tensor) -> None:
        """Make latents of the given mean and standard deviation, `[latent]`, those of N(0, 1).

        Both are measured on what `encode` gives now.
        """
        self.shift.add_(self.scale * mean)
        self.scale.mul_(std)


class Autoencoder(LatentModel):
    """An autoencoder, and the density over its latents where it has one.

    A plain autoencoder (Hinton & Salakhutdinov 2006) learns to copy and knows nothing of where
    its latents lie. A penalty on the latents and a density fitted after training make it
    generative (RAE, Ghosh et al. 2020, "From variational to deterministic autoencoders"), or a
    density that a second stage learns on them.
    """

    Config = AutoencoderConfig
    stage_name = "reconstruction"
    config: AutoencoderConfig
    codec: AutoencoderCodec
    trained_prior = "fitted"
    no_density = (
        "a plain autoencoder has nothing to sample from: it learnt to copy pictures, and no "
        "density was fitted to its latents",
        "use one that has, such as ae-mnist, or see why: --set prior=standard-normal",
    )

    def build_codec(self, context: Context) -> AutoencoderCodec:
        return AutoencoderCodec(self.config, self.condition_dim, context)

    def codec_loss(
        self, batch: Batch, rng: Rng, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Mean squared error per pixel, plus the penalty on the latent's squared norm."""
        z = self.codec.encode(batch.images).mean
        decoded = self.codec.decode(z, self.condition(batch.conditions, rng.n))
        error = nn.functional.mse_loss(decoded, batch.images)
        norm = z.square().sum(1).mean()
        figures: dict[str, Tensor | float] = {"mse": error.detach(), "norm": norm.detach()}
        return error + self.config.latent_penalty * norm, figures

    def settle(self, latents: Posterior) -> Posterior:
        """Bring the codec's latents to unit scale."""
        mean, std = moments(latents)
        self.codec.standardize(mean, std)
        return Posterior((latents.mean - mean) / std)
