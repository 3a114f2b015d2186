"""Configs and options."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config


class NamesConfig(Config):
    names: tuple[str, ...]


class AlbumConfig(Config):
    shape: tuple[int, int, int]
    captions: int
    styles: int


class AlbumOptions(Config):
    """`guidance` is how probably it does as it was asked."""

    guidance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
