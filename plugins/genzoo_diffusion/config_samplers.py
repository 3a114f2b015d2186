"""Configs of the samplers. Imports no torch, so that listings can read it."""

from __future__ import annotations

from genzoo_core import Config
from genzoo_core.ranges import Share


class DDIMConfig(Config):
    """How random DDIM is.

    Attributes:
        eta: Share of the ancestral sampler's noise that each step adds, as a standard
            deviation: 0 adds none, 1 all (Song et al. 2021, equation 16).
    """

    eta: Share = 0.0
