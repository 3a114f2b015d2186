"""Configs and options of diffusion models. Imports no torch, so that listings can read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from genzoo_core import Config
from genzoo_core.layers.config import ResidualMLPConfig
from genzoo_core.ranges import Blocks, Guidance, ImageShape, Share, Steps, Width
from genzoo_core.specs import Choice, ComponentSpec

Few = Annotated[int, msgspec.Meta(ge=1, le=100)]
PositiveShare = Annotated[float, msgspec.Meta(gt=0, le=1)]
Inside = Annotated[float, msgspec.Meta(gt=0, lt=1)]
PASSES = 4
"""How often each step is taken where a part of a picture stays, unless a user says otherwise."""


class UNetConfig(Config, tag="unet"):
    """A U-Net with attention at its smallest size.

    Attributes:
        width: Channels that the multipliers multiply.
        multipliers: One for each size, from the largest on; each size is half of the one before.
        blocks: Residual blocks at each size, on the way down and on the way up.
        patch: Side of the squares of pixels that the first layer folds into channels; the
            largest size is the image's divided by it.
        embedding: Width of the embedding of time and condition.
        cross_attention: Whether the smallest size attends to the condition's tokens, beside the
            modulation by its vector; a conditioner must give some.
        flat: Width of a flat network beside the smallest size, with weights of its own for each
            place; 0 for none. For few data that are well placed. With it, the input reaches the
            output through a gate, so that patches may hold more numbers than a narrow net can
            carry.
    """

    width: Width = 32
    multipliers: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=16)], ...],
        msgspec.Meta(min_length=1, max_length=8),
    ] = (1, 2)
    blocks: Blocks = 2
    patch: Annotated[int, msgspec.Meta(ge=1, le=16)] = 2
    embedding: Width = 128
    cross_attention: bool = False
    flat: Annotated[int, msgspec.Meta(ge=0, le=4096)] = 0


Network = ResidualMLPConfig | UNetConfig


class ExpertsConfig(Config, tag="experts"):
    """Two networks, one for much noise and one for little (Balaji et al. 2022, "eDiff-I").

    What lies where is decided in much noise, where a flat network learns it soonest; the fine
    grain in little, where convolutions see what is near. They are trained one after the other.

    Attributes:
        noisy: The network for times from `split` on. The conditions are learnt with it.
        clear: The network for times before it.
        split: The time between them, as the noiser counts it: 0 is data.
    """

    noisy: Network
    clear: Network
    split: Inside = 0.5

    @property
    def embedding(self) -> int:
        """Width of the embedding of time and condition, which both have."""
        return self.noisy.embedding


class DiffusionConfig(Config):
    """What a diffusion model is.

    Attributes:
        noiser: How noise enters and what the network predicts.
        network: The architecture, or two of them.
        shape: (C, H, W) of an image.
        on: "pixels", or "latents" of the part that plays the role "codec": any codec of the zoo,
            or any model that has one.
        clip: Whether the predicted image is clipped to [-1, 1] at each step, as in Ho et al. 2020;
            latents never are.
        sampler: How it samples unless a user chooses another: a sampler's name, or with its config
            `{ component = "ddim", config = { eta = 0.5 } }`.
        steps: In how many steps it samples unless a user sets them.
        guidance: With what scale of guidance it samples a prompt unless a user sets one.
        unasked: What it makes without a prompt: "null", what it learnt without a condition, or
            "typical", conditions as often as they occur in the training data. A small net that
            was trained briefly learns null least well.
        unasked_guidance: With what scale of guidance it samples typical conditions unless a user
            sets one. More draws less of what lies far from the data, or is rare.
    """

    noiser: ComponentSpec
    network: Network | ExpertsConfig = UNetConfig()
    shape: ImageShape = (1, 28, 28)
    on: Literal["pixels", "latents"] = "pixels"
    clip: bool = True
    sampler: Choice = "heun"
    steps: Steps = 10
    guidance: Guidance = 1.0
    unasked: Literal["null", "typical"] = "null"
    unasked_guidance: Guidance = 1.0


class DiffusionOptions(Config):
    """How to sample from a diffusion model. What is unset is the model's own choice.

    Attributes:
        steps: Steps of the sampler; more are slower, and better up to a point.
        sampler: The sampler, by its name or with its config. `sampler.eta` is the field `eta` of
            its config.
        guidance: How closely to keep to the prompt: 0 ignores it, 1 takes it as it is, above 1
            exaggerates it at the cost of variety, and takes twice as long.
        eta: The same as `sampler.eta`.
        passes: How often each step is taken where a part of a picture stays, with new noise in
            between, so that what is made fits to it: more take longer (Lugmayr et al. 2022,
            "RePaint"). Unset: 4.
    """

    steps: Steps | None = None
    sampler: Choice | None = None
    guidance: Guidance | None = None
    eta: Share | None = None
    passes: Few | None = None

    @staticmethod
    def resolved(config: Mapping[str, Any]) -> dict[str, object]:
        """How often a step is taken; the rest are fields of the config."""
        return {"passes": PASSES}


class DDIMConfig(Config):
    """How random DDIM is.

    Attributes:
        eta: Share of the ancestral sampler's noise that each step adds, as a standard
            deviation: 0 adds none, 1 all (Song et al. 2021, equation 16).
    """

    eta: Share = 0.0


class TeacherConfig(Config):
    """What is learnt from the part that plays the role "teacher", which is not kept.

    Attributes:
        steps: The teacher's steps from noise to data, with the guidance that is learnt.
        spans: Random spans of each path, beside the whole and its two halves.
    """

    steps: Annotated[int, msgspec.Meta(ge=2, le=100, multiple_of=2)] = 6
    spans: Annotated[int, msgspec.Meta(ge=0, le=100)] = 2


class MeanFlowConfig(Config):
    """What a mean flow is. `network`, `shape`, `on` and `unasked` are those of `DiffusionConfig`.

    Attributes:
        steps: In how many steps it samples unless a user sets them.
        guidance: The scale of the guidance that it learns: a step stays at one evaluation.
        spans: Without a teacher, share of the training images whose two times differ; the others
            learn the velocity.
        teacher: How it learns from a teacher; None where it learns from data.
    """

    network: Network = UNetConfig()
    shape: ImageShape = (1, 28, 28)
    on: Literal["pixels", "latents"] = "pixels"
    steps: Few = 1
    guidance: Guidance = 1.0
    spans: PositiveShare = 0.5
    teacher: TeacherConfig | None = None
    unasked: Literal["null", "typical"] = "null"


class MeanFlowOptions(Config):
    """How to sample from a mean flow. What is unset is the model's own choice.

    Attributes:
        steps: Steps, of one evaluation each. Unset and where a part of a picture stays, 4 or
            more: in the first nothing of it can be seen.
        passes: As of `DiffusionOptions`.
    """

    steps: Few | None = None
    passes: Few | None = None

    @staticmethod
    def resolved(config: Mapping[str, Any]) -> dict[str, object]:
        """How often a step is taken; the rest are fields of the config."""
        return {"passes": PASSES}
