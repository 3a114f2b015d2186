"""A class label and a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import Condition, Conditioner
from genzoo_core.errors import UsageError
from genzoo_core.rng import Rng
from genzoo_painter.config import NothingConfig

CLASSES = 10


class Labels(Conditioner):
    """A label 0–9, or "random"."""

    Config = NothingConfig
    vector_dim = 4

    def __init__(self, config: NothingConfig, context: object) -> None:
        super().__init__()
        self.table = nn.Embedding(CLASSES + 1, self.vector_dim)

    def parse(self, text: str) -> int | str:
        if text == "random":
            return text
        if not (text.isascii() and text.isdigit() and int(text) < CLASSES):
            raise UsageError(f"label {text[:20]!r} is not one of 0–9 or random")
        return int(text)

    def prepare(self, raw: Sequence[Any], rng: Rng) -> Tensor:
        drawn = rng.integers(CLASSES, (), torch.empty(0))
        given = [-1 if label == "random" else label for label in raw]
        return torch.where(torch.tensor(given) < 0, drawn, torch.tensor(given))

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(self.table(prepared))

    def null(self, n: int) -> Tensor:
        return torch.full((n,), CLASSES)


class Text(Conditioner):
    """Any text that is not empty: a hash of its letters."""

    Config = NothingConfig
    vector_dim = 4

    def __init__(self, config: NothingConfig, context: object) -> None:
        super().__init__()
        self.projection = nn.Linear(1, self.vector_dim)

    def parse(self, text: str) -> str:
        if not text.strip():
            raise UsageError("the prompt is empty; describe a picture, as in 'a red heart'")
        return text

    def prepare(self, raw: Sequence[Any], rng: Rng) -> Tensor:
        return torch.tensor([[sum(map(ord, text)) % 97 / 97] for text in raw])

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(self.projection(prepared))

    def null(self, n: int) -> Tensor:
        return torch.zeros(n, 1)
