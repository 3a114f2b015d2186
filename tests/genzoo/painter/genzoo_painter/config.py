"""Configs and options."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from genzoo_core import Config


class PainterConfig(Config):
    shape: tuple[int, int, int]
    codec: bool = False
    codes: int = 0
    conditioned: bool = False
    stepwise: bool = False


class PainterOptions(Config):
    """`fault` makes the model fail as a test needs it to."""

    steps: Annotated[int, msgspec.Meta(ge=1, le=200)] = 4
    temperature: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    prior: Literal["fitted", "standard-normal"] = "standard-normal"
    fault: (
        Literal["slow", "hungry", "starving", "wild", "crowded", "lost"]
        | Literal["overwriting", "tiny", "single", "nothing"]
        | None
    ) = None


class NothingConfig(Config):
    pass
