"""Configs of the feature nets. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config
from genzoo_core.ranges import ImageShape, Share, Width, check_sides
from genzoo_core.specs import ComponentSpec

Change = Annotated[float, msgspec.Meta(ge=0, le=0.99)]
"""Largest change of a size, as a share of it; what is left of it is divided by."""
Pixels = Annotated[int, msgspec.Meta(ge=0, le=512)]


class TrunkConfig(Config):
    """The network from images to features.

    Attributes:
        shape: (C, H, W) of an image; H and W are multiples of `patch`.
        patch: Side of the squares of pixels that are one place of the first layer.
        width: Channels there; twice as many at a half and at a quarter of its size.
        blocks: Residual blocks at a half of its size.
        encoder: A component of kind "encoder" in the place of the convolutions, so that `width`
            and `blocks` mean nothing: the features are a linear layer's of what it gives.
    """

    shape: ImageShape = (1, 28, 28)
    patch: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    width: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    blocks: Annotated[int, msgspec.Meta(ge=0, le=16)] = 1
    features: Width = 128
    encoder: ComponentSpec | None = None

    def __post_init__(self) -> None:
        if self.encoder is None:
            check_sides(self.shape, self.patch)


class ViewConfig(Config):
    """How far a random view of an image strays from it. Each range is symmetric around nothing.

    Attributes:
        rotate: Largest rotation, in degrees.
        scale: Largest change of the size, as a share of it; each axis has its own.
        shear: Largest horizontal shear, in widths per height.
        shift: Largest translation, in pixels.
        contrast: Largest change of the contrast, as a share of it.
        erase: Longest side of the erased rectangle, in pixels.
        tint: Largest change of a colour's distance from white, as a share of it; each colour has
            its own.
    """

    rotate: Annotated[float, msgspec.Meta(ge=0, le=180)] = 15.0
    scale: Change = 0.2
    shear: Change = 0.2
    shift: Annotated[float, msgspec.Meta(ge=0, le=512)] = 3.0
    contrast: Change = 0.4
    erase: Pixels = 8
    tint: Change = 0.0


class ClassifierConfig(Config):
    """What the classifier is. How many classes there are, its conditioner knows.

    Attributes:
        shift: Training images are moved by up to so many pixels.
    """

    trunk: TrunkConfig = TrunkConfig()
    shift: Pixels = 2


class SelfSupervisedConfig(Config):
    """What the self-supervised net is.

    Attributes:
        projection: Dimensions in which views are matched; the layers to there are not kept.
        temperature: Of the similarities; lower tells near neighbours further apart.
    """

    trunk: TrunkConfig = TrunkConfig()
    views: ViewConfig = ViewConfig()
    projection: Width = 64
    temperature: Annotated[float, msgspec.Meta(ge=1e-3, le=100)] = 0.2


class CaptionWordsConfig(Config):
    """How the words of captions are looked up.

    Attributes:
        buckets: Rows of the table that words and their parts are hashed into.
        words: Words of a caption that are read; what follows is not.
        parts: Parts of a word that are read, itself among them.
    """

    dim: Width = 64
    buckets: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 16_384
    words: Annotated[int, msgspec.Meta(ge=1, le=512)] = 16
    parts: Annotated[int, msgspec.Meta(ge=1, le=64)] = 12


class DualEncoderConfig(Config):
    """What the dual encoder is.

    Attributes:
        width: Size of a word inside the text encoder.
        heads: Attention heads of each of its layers, which divide `width`.
        joint: Dimensions in which images and captions are matched.
        forget: Probability that a word is not seen in training.
    """

    trunk: TrunkConfig = TrunkConfig()
    views: ViewConfig = ViewConfig()
    width: Width = 128
    layers: Annotated[int, msgspec.Meta(ge=1, le=32)] = 2
    heads: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    joint: Width = 128
    forget: Share = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")
