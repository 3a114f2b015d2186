"""The autoencoder as a generative model."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from genzoo_autoencoder.codec import AutoencoderCodec
from genzoo_autoencoder.config import AutoencoderConfig
from genzoo_autoencoder.latent_model import PRIOR, LatentModel
from genzoo_autoencoder.learned_density import LearnedDensity
from genzoo_core import Batch, Context, Phase, Progress, Rng, Stage


class Autoencoder(LatentModel):
    """An autoencoder, and the density over its latents where it has one.

    A plain autoencoder (Hinton & Salakhutdinov 2006) learns to copy and knows nothing of where
    its latents lie. A penalty on the latents and a density fitted after training make it
    generative (RAE, Ghosh et al. 2020, "From variational to deterministic autoencoders"), or a
    density that a second stage learns on them.
    """

    Config = AutoencoderConfig
    codec: AutoencoderCodec
    trained_prior = "fitted"
    no_density = (
        "a plain autoencoder has nothing to sample from: it learnt to copy pictures, and no "
        "density was fitted to its latents",
        "use one that has, such as ae-mnist, or see why: --set prior=standard-normal",
    )

    def __init__(self, config: AutoencoderConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.sample_shape = config.shape
        self.codec = AutoencoderCodec(
            config.shape, config.latent, config.network, self.condition_dim, context
        )
        self.density = self.build_density(context, config.components, config.prior)

    def stages(self) -> tuple[Stage, ...]:
        """ "reconstruction", and "prior" where one is learnt; each has one phase of its name."""
        return self.staged("reconstruction")

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Mean squared error per pixel, plus the penalty on the latent's squared norm.

        In the phase "prior", the density's.
        """
        if phase.name == PRIOR:
            return self.prior_loss(batch, rng)
        z = self.codec.encode(batch.images).mean
        decoded = self.codec.decode(z, self.condition(batch.conditions, rng.n))
        error = nn.functional.mse_loss(decoded, batch.images)
        norm = z.square().sum(1).mean()
        figures: dict[str, Tensor | float] = {"mse": error.detach(), "norm": norm.detach()}
        return error + self.config.latent_penalty * norm, figures

    def finalize(self, batches: Iterable[Batch]) -> None:
        """Standardise the latents, and fit the mixtures to them; what is learnt, is by now."""
        if isinstance(self.density, LearnedDensity):
            if self.density.fitted:
                # Its shift and scale become the codec's, so that others find unit scale too.
                self.codec.standardize(self.density.shift, self.density.scale)
                zeros = torch.zeros_like(self.density.shift)
                self.density.standardize(zeros, torch.ones_like(zeros))
            return
        latents, classes = [], []
        for batch in batches:
            latents.append(self.codec.encode(batch.images).mean)
            classes.append(self.classes_of(batch))
        z = torch.cat(latents)
        # A latent that the penalty switched off has no spread; dividing by it would blow up.
        # Nor has the latent of a single image.
        mean, std = z.mean(0), z.std(0, correction=min(len(z) - 1, 1)).clamp_min(1e-3)
        self.codec.standardize(mean, std)
        if self.density is not None:
            self.density.fit((z - mean) / std, classes=torch.cat(classes))
