"""Config of the class labels. Imports no torch."""

from __future__ import annotations

from typing import Annotated

import msgspec

from genzoo_core import Config
from genzoo_core.ranges import Width

MOST_CLASSES = 10_000


class ClassLabelsConfig(Config):
    """Which classes there are.

    Attributes:
        classes: Their names, in the order of their ids. A name "a/b" answers to "a" and to "b".
        dim: Size of a class's embedding.
        frequencies: Share of each class in the training data; equal by default.
    """

    classes: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=100)], ...],
        msgspec.Meta(min_length=1, max_length=MOST_CLASSES),
    ]
    dim: Width = 64
    frequencies: Annotated[
        tuple[Annotated[float, msgspec.Meta(ge=0, le=1e9)], ...],
        msgspec.Meta(max_length=MOST_CLASSES),
    ] = ()

    def __post_init__(self) -> None:
        if self.frequencies and len(self.frequencies) != len(self.classes):
            raise ValueError(
                f"{len(self.frequencies)} frequencies do not go with {len(self.classes)} classes"
            )
        if self.frequencies and not sum(self.frequencies) > 0:
            raise ValueError("all frequencies are 0")
