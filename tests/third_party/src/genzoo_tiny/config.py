"""Configs and options. No torch here."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config


class TinyConfig(Config):
    """Sizes that all tiny models share."""

    shape: tuple[int, int, int] = (1, 8, 8)
    latent: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    hidden: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32


class NoiserSpec(Config):
    """Another component, by name."""

    component: str
    config: dict[str, str] = {}


class DiffusionConfig(TinyConfig, kw_only=True):
    """Diffusion on pixels, or on the latents of the part "codec"."""

    noiser: NoiserSpec
    on: Literal["pixels", "latents"] = "pixels"


class DiffusionOptions(Config):
    """How to sample."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 8
    guidance: Annotated[float, msgspec.Meta(ge=0, le=20)] = 1.0


class FlowConfig(Config):
    """Size of a normalising flow, and the noise on its training images (standard deviation)."""

    shape: tuple[int, int, int] = (1, 8, 8)
    hidden: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    couplings: Annotated[int, msgspec.Meta(ge=2, le=64)] = 6
    noise: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1

    def __post_init__(self) -> None:
        if self.shape[0] * self.shape[1] * self.shape[2] % 2:
            raise ValueError("`shape` must have an even number of pixels, for there are two halves")


class FlowOptions(Config):
    """How to sample."""

    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0


class LabelsConfig(Config):
    """How many classes there are."""

    classes: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 3
    dim: Annotated[int, msgspec.Meta(ge=1, le=256)] = 6


class StraightConfig(Config):
    """What is done with the data in the end."""

    gain: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
    mirror: bool = False


class NoiserConfig(Config):
    """What the network predicts."""

    prediction: Literal["eps", "x0", "v", "flow"] = "eps"


class LineConfig(NoiserConfig):
    """As `NoiserConfig`; "eps" divides by alpha, which is 0 where this path begins."""

    prediction: Literal["eps", "x0", "v", "flow"] = "flow"


class BoxConfig(Config):
    """How far the box reaches beyond the latents."""

    margin: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0


class BellConfig(Config):
    """How wide the normal is before it learns."""

    log_std: Annotated[float, msgspec.Meta(ge=-10, le=10)] = 0.0
