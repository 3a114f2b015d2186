"""Types of fields that several plugins have; an error names a field that is out of range.

A file may come from a stranger. So that no value of it makes a model overflow, divide by zero or
never end, each number of a config has two bounds, and each text or list a greatest length.
`le` and `lt` refuse infinity, and any bound refuses NaN.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Width = Annotated[int, msgspec.Meta(ge=1, le=4096)]
"""Channels, units of a layer, or dimensions of a latent or an embedding."""
Blocks = Annotated[int, msgspec.Meta(ge=1, le=16)]
"""Layers or residual blocks in a row."""
Channels = Annotated[int, msgspec.Meta(ge=1, le=4)]
"""Channels of a picture."""
Side = Annotated[int, msgspec.Meta(ge=4, le=512)]
"""Side of a picture, in pixels."""
ImageShape = tuple[Channels, Side, Side]
"""(C, H, W) of a picture."""
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A part of a whole, or a probability."""
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
"""Of a term of a loss; 0 leaves it out."""
Steps = Annotated[int, msgspec.Meta(ge=1, le=1000)]
"""Steps of sampling."""
Guidance = Annotated[float, msgspec.Meta(ge=0, le=100)]
"""Scale of guidance; 1 is off."""
Temperature = Annotated[float, msgspec.Meta(ge=0, le=10)]
"""Scale of the noise that is sampled from."""


def check_sides(shape: ImageShape, divisor: int) -> None:
    """Refuse pictures that a network cannot halve as often as it does; for `__post_init__`.

    Raises:
        ValueError: A side of `shape` is not divisible by `divisor`.
    """
    _, height, width = shape
    if height % divisor or width % divisor:
        raise ValueError(f"`shape` needs sides divisible by {divisor}, not {height}×{width}")
