"""The config of the encoder. Imports neither timm nor torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config
from genzoo_core.ranges import Channels

Side = Annotated[int, msgspec.Meta(ge=4, le=1024)]


class TimmConfig(Config):
    """Which backbone, and what images it sees.

    Attributes:
        backbone: Its name as timm has it: "resnet18", or "resnet18.a1_in1k" for one of several
            sets of weights.
        shape: (C, H, W) of an image.
        pretrained: Whether a training starts from the published weights, which are fetched then
            and only then. Images of one channel are then repeated in three; a fresh backbone has
            as many channels as the images.
        size: Side to which images are resized. Unset: the backbone's own where it is pretrained or
            takes no other; else only smaller ones are resized, to the smallest that it takes, 32
            where timm does not say.
    """

    backbone: Annotated[str, msgspec.Meta(max_length=100)] = "resnet18"
    shape: tuple[Channels, Side, Side] = (1, 28, 28)
    pretrained: bool = False
    size: Side | None = None
