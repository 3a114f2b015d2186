"""Configs and options."""

from __future__ import annotations

from typing import Annotated

import msgspec


class NamesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]


class AlbumConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shape: tuple[int, int, int]
    captions: int
    styles: int


class AlbumOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`guidance` is how probably it does as it was asked."""

    guidance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
