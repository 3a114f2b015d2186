"""Configs of the samplers. Imports no torch, so that listings can read it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config


class DDIMConfig(Config):
    """How random DDIM is.

    Attributes:
        eta: Share of the ancestral sampler's noise that each step adds, as a standard
            deviation: 0 adds none, 1 all (Song et al. 2021, equation 16).
    """

    eta: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
