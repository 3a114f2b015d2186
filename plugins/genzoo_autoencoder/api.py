"""For plugins whose models have a codec and a density over its latents, as the VAE's do.

`LatentModel` samples, trains the density and checks options; a subclass brings its codec, made of
`Trunk` and `Decoder`, and that codec's loss. Its config is a `LatentConfig`, its options are
`LatentOptions`. Those two are all that imports no torch.
"""

from __future__ import annotations

from genzoo_autoencoder.config import LatentConfig, LatentOptions
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_autoencoder.networks import Decoder, Trunk

__all__ = ["Decoder", "LatentConfig", "LatentModel", "LatentOptions", "Trunk"]
