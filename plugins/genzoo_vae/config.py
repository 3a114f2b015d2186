"""Configs and options of the VAE. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_autoencoder.config import Components, LearnedPrior, Network, check_network
from genzoo_core import Config
from genzoo_core.layers.config import MLPConfig
from genzoo_core.ranges import ImageShape, Share, Width


class VAEConfig(Config):
    """What a VAE is.

    Attributes:
        shape: (C, H, W) of an image; H and W divisible by 4 for the convolutional network.
        latent: Number of latent dimensions.
        network: The encoder's and decoder's architecture.
        likelihood: "unit" sums squared errors, the Gaussian likelihood of the tutorial.
            "optimal" gives the Gaussian the variance that fits best, the batch's mean squared
            error (sigma-VAE, Rybkin et al. 2021, section 4.1), which makes pictures sharp.
        kl_warmup: Share of the training over which the KL term's weight rises from 0 to 1.
        free_bits: KL in nats that each latent dimension has for free (Kingma et al. 2016,
            appendix C.8).
        components: Components of the Gaussian mixture that is fitted to the aggregate posterior
            after training, to that of each class where there are classes; 0 for none.
        prior: A flow or a second VAE over the latents in place of the mixtures. With neither,
            latents come from N(0, I).
    """

    shape: ImageShape = (1, 28, 28)
    latent: Width = 32
    network: Network = MLPConfig()
    likelihood: Literal["unit", "optimal"] = "unit"
    kl_warmup: Share = 0.0
    free_bits: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    components: Components = 0
    prior: LearnedPrior | None = None

    def __post_init__(self) -> None:
        check_network(self.network, self.shape)
