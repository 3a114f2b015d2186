"""Asking a model in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from genzoo_core.conditioner import Conditioner
from genzoo_core.errors import NotFittedError, UsageError
from genzoo_eval.subjects import ModelImages

ANY_TEXT = "a red heart"
"""What a conditioner of texts reads, and one of another sort refuses."""


class Asking(Protocol):
    """What draws pictures of captions."""

    def asks(self, name: str) -> bool:
        """Whether there is something of this name to ask for besides, which was left open."""
        ...

    def captioned(
        self,
        captions: Sequence[str],
        each: int,
        seed: int,
        conditions: Mapping[str, str] | None = None,
    ) -> Tensor | None:
        """`each` images of each caption in turn, uint8 `[N, C, H, W]`; None where it has nothing
        to sample from.

        Args:
            captions: What is asked for.
            each: Images of each.
            seed: Of the first image.
            conditions: What is asked for besides, by name.
        """
        ...


@dataclass(frozen=True)
class AskedModel:
    """A model whose prompt is a text.

    Attributes:
        images: The model.
    """

    images: ModelImages

    def asks(self, name: str) -> bool:
        """Whether the model has such a conditioner besides that of the prompt, which is not set."""
        others = list(self.images.model.conditioners)[1:]
        return name in others and name not in self.images.record.conditions

    def captioned(
        self,
        captions: Sequence[str],
        each: int,
        seed: int,
        conditions: Mapping[str, str] | None = None,
    ) -> Tensor | None:
        """Images of each caption; None where the model has nothing to sample from."""
        what = ", ".join(["images of captions", *(conditions or {}).values()])
        try:
            return self.images.make(tuple(captions), each, seed, what, conditions)
        except NotFittedError:
            return None


def asked_in_words(images: ModelImages) -> AskedModel | None:
    """The model, if its prompt is any text."""
    return AskedModel(images) if reads_words(images.model.conditioners) else None


def reads_words(conditioners: Mapping[str, Conditioner]) -> bool:
    """Whether the prompt of a model that has these is any text."""
    first = next(iter(conditioners.values()), None)
    if first is None or first.categories is not None:
        return False
    try:
        first.parse(ANY_TEXT)
    except UsageError:
        return False
    return True
