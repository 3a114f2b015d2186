"""What can be set. Imports no torch."""

from typing import Annotated

from msgspec import Meta

from genzoo_core import Config
from genzoo_core.ranges import ImageShape, Temperature, Width


class FlowConfig(Config):
    """What the flow is; `noise` is the deviation of the noise on its training images."""

    shape: ImageShape = (1, 16, 16)
    couplings: Annotated[int, Meta(ge=2, le=64)] = 8
    hidden: Width = 128
    noise: Annotated[float, Meta(ge=0.001, le=1)] = 0.1


class FlowOptions(Config):
    """How to sample: noise times `temperature` becomes a picture."""

    temperature: Temperature = 1.0
