"""Prompts and classes, as a pipeline's call takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from genzoo_core import Condition, Conditioner, Rng, UsageError
from genzoo_core.errors import did_you_mean

END = -1
"""What follows the last character of a prompt."""


class Prompt(Conditioner):
    """Text that a pipeline reads by its own tokenizers: prepared, it is its code points."""

    vector_dim = 0

    def parse(self, text: str) -> str:
        return text

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Code points, int64 `[B, T]`, shorter texts filled up with -1.

        Raises:
            UsageError: A value is no text.
        """
        texts = []
        for text in raw:
            if not isinstance(text, str):
                raise UsageError(f"a prompt is text, not {type(text).__name__}")
            texts.append([ord(character) for character in text])
        longest = max(map(len, texts), default=0)
        rows = [text + [END] * (longest - len(text)) for text in texts]
        return torch.tensor(rows, dtype=torch.int64).reshape(len(texts), longest)

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(torch.zeros(len(prepared), 0, device=prepared.device))

    def null(self, n: int) -> Tensor:
        return torch.zeros(n, 0, dtype=torch.int64)


def texts(prepared: Tensor) -> list[str]:
    """The prompts that `Prompt.prepare` has made a tensor of."""
    rows = prepared.tolist()
    return ["".join(chr(point) for point in row if point != END) for row in rows]


class Classes(Conditioner):
    """A class by one of its names or by its number.

    Args:
        numbers: The number of each name.
        categories: How many classes there are; their number stands for none.
    """

    vector_dim = 0

    def __init__(self, numbers: Mapping[str, int], categories: int) -> None:
        super().__init__()
        self.numbers, self.categories, self.count = dict(numbers), categories, categories
        self._names = {number: name for name, number in reversed(self.numbers.items())}

    def parse(self, text: str) -> int:
        """The number of a class.

        Raises:
            UsageError: There is no such class.
        """
        wanted = text.strip()
        for name, number in self.numbers.items():
            if name.casefold() == wanted.casefold():
                return number
        if wanted.isdecimal() and len(wanted) < 10 and int(wanted) < self.count:
            return int(wanted)
        hint = did_you_mean(wanted, self.numbers)
        raise UsageError(f"there is no class {wanted[:60]!r}; give {self._choice()}", hint)

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Numbers of classes, int64 `[B]`.

        Raises:
            UsageError: A value is none.
        """
        numbers = [self.parse(one) if isinstance(one, str) else one for one in raw]
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int):
                raise UsageError(f"a class is a name or a number, not {type(number).__name__}")
            if not 0 <= number < self.count:
                raise UsageError(f"there is no class {number}; give {self._choice()}")
        return torch.tensor(numbers, dtype=torch.int64)

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(torch.zeros(len(prepared), 0, device=prepared.device))

    def null(self, n: int) -> Tensor:
        return torch.full((n,), self.count, dtype=torch.int64)

    def category(self, index: int) -> str:
        return self._names.get(index, str(index))

    def _choice(self) -> str:
        numbers = f"a number from 0 to {self.count - 1}"
        if not self.numbers:
            return numbers
        return f"{numbers}, or a name such as {', '.join(list(self.numbers)[:3])}"


def class_count(pipeline: Any) -> int:
    """How many classes a pipeline has; 0 where there are none."""
    unet = pipeline.components.get("unet")
    transformer = pipeline.components.get("transformer")
    if unet is not None:
        return unet.config.get("num_class_embeds") or 0
    return (transformer is not None and transformer.config.get("num_embeds_ada_norm")) or 0
