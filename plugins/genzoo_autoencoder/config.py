"""Configs and options of the autoencoder. Imports no torch, so that listings can read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

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
    """A rectified flow over the latents, on all of the model's conditions.

    Its network is a residual MLP, trained as a second stage, "prior", after the codec.

    Attributes:
        blocks: Residual blocks.
        steps: Steps of Heun's method.
        guidance: Default scale of guidance.
    """

    blocks: Blocks = 3
    steps: Steps = 10
    guidance: Guidance = 1.0


class SecondStageConfig(Config, tag="vae"):
    """A second VAE over the latents (Dai & Wipf 2019), on all of the model's conditions.

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


class MixtureConfig(Config):
    """Mixtures of normals over the latents, one for each class or a single one.

    Attributes:
        components: Components of each mixture.
    """

    components: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class LatentConfig(Config):
    """What autoencoders and VAEs have in common. At most one of the last three fields is set.

    Attributes:
        shape: (C, H, W) of an image; H and W divisible by 4 for the convolutional network.
        latent: Number of latent dimensions.
        network: The encoder's and decoder's architecture.
        components: Components of the Gaussian mixture that is fitted to the latents after
            training, to those of each class where there are classes; 0 for none.
        prior: A flow or a second VAE over the latents, learnt in a stage of its own.
        density: Any other density over the latents, by name: a component of kind "density".
    """

    shape: ImageShape = (1, 28, 28)
    latent: Width = 32
    network: Network = MLPConfig()
    components: Components = 0
    prior: FlowPriorConfig | SecondStageConfig | None = None
    density: ComponentSpec | None = None

    def __post_init__(self) -> None:
        if isinstance(self.network, ConvConfig):
            check_sides(self.shape, 4)
        chosen = {
            f"mixtures (components = {self.components})": self.components > 0,
            "what is learnt (prior)": self.prior is not None,
            f"{self.density and self.density.component} (density)": self.density is not None,
        }
        sources = [source for source, is_set in chosen.items() if is_set]
        if len(sources) > 1:
            raise ValueError(
                f"latents come from {' or from '.join(sources)}, not from both; leave one out"
            )

    @property
    def chosen_density(self) -> ComponentSpec | None:
        """The density over the latents that the fields choose; None for none."""
        if self.components:
            return ComponentSpec("genzoo/gaussian-mixture", {"components": self.components})
        if self.prior is not None:
            config = msgspec.to_builtins(self.prior)
            return ComponentSpec(f"genzoo/{config.pop('type')}", config)
        return self.density


class AutoencoderConfig(LatentConfig):
    """What an autoencoder is: a `LatentConfig`. Without a density there is nothing to sample from.

    Attributes:
        latent_penalty: Weight of the latent's squared norm beside the mean squared error (RAE,
            Ghosh et al. 2020, equation 5); 0 for a plain autoencoder.
    """

    latent_penalty: Weight = 0.0


class LatentOptions(Config):
    """How to sample from an autoencoder or a VAE.

    Attributes:
        prior: Where latents come from: "fitted", the density fitted to the training latents, or
            "standard-normal", N(0, I) whether it fits or not. Unset: the fitted one; a VAE
            without one takes the N(0, I) that it was trained towards.
        temperature: Scale of the noise; below 1 gives fewer odd pictures and less variety.
        guidance: How closely a flow follows the prompt: 1 takes it as it is, above 1 exaggerates
            it at the cost of variety and of twice the time, 0 draws latents of anything. Unset:
            the model's own choice. Other densities cannot be guided.
    """

    prior: Literal["fitted", "standard-normal"] | None = None
    temperature: Temperature = 1.0
    guidance: Guidance | None = None

    @staticmethod
    def resolved(config: Mapping[str, Any]) -> dict[str, object]:
        """The density that there is, and the guidance of a flow."""
        prior = config.get("prior")
        fitted = prior or config.get("components") or config.get("density")
        guidance = prior.get("guidance") if isinstance(prior, Mapping) else None
        return {"prior": "fitted" if fitted else None, "guidance": guidance}
