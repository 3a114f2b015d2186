"""Configs and options of the autoencoder. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config
from genzoo_core.layers.config import MLPConfig, ResidualMLPConfig
from genzoo_core.ranges import (
    Blocks,
    Guidance,
    ImageShape,
    Steps,
    Temperature,
    Weight,
    Width,
    check_sides,
)
from genzoo_core.specs import ComponentSpec

Components = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class ConvConfig(Config, tag="conv"):
    """A residual convolutional network at a half and a quarter of the image's size.

    Attributes:
        width: Channels at half size; twice as many at a quarter.
        blocks: Residual blocks at each size, in the encoder and in the decoder.
        encoder: A component of kind "encoder" whose features the latent is read from, in the place
            of the encoder's residual network; the decoder stays as it is.
    """

    width: Width = 32
    blocks: Blocks = 1
    encoder: ComponentSpec | None = None


Network = MLPConfig | ConvConfig


class FlowPriorConfig(ResidualMLPConfig, tag="flow"):
    """A rectified flow over the latents, told all of the model's conditions.

    Its network is a residual MLP. It is trained as a second stage, "prior", after the codec.

    Attributes:
        blocks: Residual blocks.
        steps: Steps in which it samples, by Heun's method.
        guidance: With how much guidance it samples unless told otherwise.
    """

    blocks: Blocks = 3
    steps: Steps = 10
    guidance: Guidance = 1.0


class SecondStageConfig(Config, tag="vae"):
    """A second VAE over the latents (Dai & Wipf 2019), told all of the model's conditions.

    It has as many latents as it models, and is trained as a second stage, "prior", after the
    codec.

    Attributes:
        width: Width of the hidden layers of its encoder and decoder.
        layers: Hidden layers of each; width and number are those of the authors' code.
        embedding: Width of the embedding of the condition.
    """

    width: Width = 1024
    layers: Blocks = 3
    embedding: Width = 128


LearnedPrior = FlowPriorConfig | SecondStageConfig


def check_network(network: Network, shape: ImageShape) -> None:
    """Refuse a shape that the network cannot have.

    Raises:
        ValueError: The convolutional network halves the sides twice, and cannot.
    """
    if isinstance(network, ConvConfig):
        check_sides(shape, 4)


class AutoencoderConfig(Config):
    """What an autoencoder is.

    Attributes:
        shape: (C, H, W) of an image; H and W divisible by 4 for the convolutional network.
        latent: Number of latent dimensions.
        network: The encoder's and decoder's architecture.
        latent_penalty: Weight of the latent's squared norm beside the mean squared error (RAE,
            Ghosh et al. 2020, equation 5); 0 for a plain autoencoder.
        components: Components of the Gaussian mixture that is fitted to the latents after
            training, to those of each class where there are classes; 0 for none.
        prior: A flow or a second VAE over the latents in place of the mixtures. With neither there
            is nothing to sample from.
    """

    shape: ImageShape = (1, 28, 28)
    latent: Width = 32
    network: Network = MLPConfig()
    latent_penalty: Weight = 0.0
    components: Components = 0
    prior: LearnedPrior | None = None

    def __post_init__(self) -> None:
        check_network(self.network, self.shape)


class LatentOptions(Config):
    """How to sample from an autoencoder or a VAE.

    Attributes:
        prior: Where latents come from: "fitted", the mixtures, the flow or the second VAE fitted to
            the training latents, or "standard-normal", N(0, I) whether it fits or not. Unset: the
            fitted one; a VAE without one takes the N(0, I) that it was trained towards.
        temperature: Scale of the noise; below 1 gives fewer odd pictures and less variety.
        guidance: How closely a flow keeps to the prompt: 1 takes it as it is, above 1 exaggerates
            it at the cost of variety and of twice the time, 0 draws latents of anything. Unset:
            the model's own choice. Where latents come from elsewhere, nothing can be guided.
    """

    prior: Literal["fitted", "standard-normal"] | None = None
    temperature: Temperature = 1.0
    guidance: Guidance | None = None
