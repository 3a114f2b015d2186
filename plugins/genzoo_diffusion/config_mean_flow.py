"""Config and options of mean flows. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config
from genzoo_core.ranges import Guidance, ImageShape
from genzoo_diffusion.config import Network, Passes, UNetConfig

Few = Annotated[int, msgspec.Meta(ge=1, le=100)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class TeacherConfig(Config):
    """What is learnt from a teacher, the part of that role; what is trained does not keep it.

    Attributes:
        steps: In how many steps it goes from noise to data, with the guidance that is learnt.
        spans: Random spans that are learnt of each path, beside the whole and its two halves.
    """

    steps: Annotated[int, msgspec.Meta(ge=2, le=100, multiple_of=2)] = 6
    spans: Annotated[int, msgspec.Meta(ge=0, le=100)] = 2


class MeanFlowConfig(Config):
    """What a mean flow is. `network`, `shape`, `on` and `unasked` are those of `DiffusionConfig`.

    Attributes:
        network: The architecture.
        shape: (C, H, W) of an image.
        on: "pixels", or "latents" of the part that plays the role "codec".
        steps: In how many steps it samples unless a user sets them.
        guidance: The scale of the guidance that it learns, so that it samples with it at the cost
            of one evaluation a step.
        spans: Share of the training images whose two times differ; the others learn the velocity.
            Without a teacher.
        teacher: How it learns from a teacher; None where it learns from data.
        unasked: What it makes without a prompt: "null" or "typical".
    """

    network: Network = UNetConfig()
    shape: ImageShape = (1, 28, 28)
    on: Literal["pixels", "latents"] = "pixels"
    steps: Few = 1
    guidance: Guidance = 1.0
    spans: Share = 0.5
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
    passes: Passes | None = None
