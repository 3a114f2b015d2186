"""For plugins whose models have a codec and a density over its latents, as the VAE's do.

`LatentModel` samples, trains the density and checks options; a subclass brings its codec, made of
`Trunk` and `Decoder`, and that codec's loss. Its config is a `LatentConfig`, its options are
`LatentOptions`. `two_stages` writes recipes for anyone's own pictures. Configs import no torch.
"""

from __future__ import annotations

from genzoo_autoencoder.config import ConvConfig, LatentConfig, LatentOptions
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_autoencoder.networks import Decoder, Trunk
from genzoo_autoencoder.templates import flow_prior, latent_size, two_stages

__all__ = [
    "ConvConfig",
    "Decoder",
    "LatentConfig",
    "LatentModel",
    "LatentOptions",
    "Trunk",
    "flow_prior",
    "latent_size",
    "two_stages",
]
