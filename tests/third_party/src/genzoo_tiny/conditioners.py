"""A conditioner of class ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genzoo_core import Condition, Conditioner, Context, Rng, UsageError
from genzoo_tiny.config import LabelsConfig


class Labels(Conditioner):
    """Class ids, with one more embedding for null."""

    Config = LabelsConfig

    def __init__(self, config: LabelsConfig, context: Context) -> None:
        super().__init__()
        self.classes = config.classes
        self.vector_dim = config.dim
        self.embedding = nn.Embedding(config.classes + 1, config.dim)

    def parse(self, text: str) -> Any:
        if text == "random" or (text.isdecimal() and int(text) < self.classes):
            return text if text == "random" else int(text)
        raise UsageError(f"no class {text!r}; there are 0 to {self.classes - 1}, and random")

    def prepare(self, raw: Sequence[Any], rng: Rng) -> Tensor:
        chance = rng.integers(self.classes, (), torch.empty(0)).tolist()
        ids = [chance[i] if value == "random" else value for i, value in enumerate(raw)]
        for value in ids:
            if not isinstance(value, int) or not 0 <= value < self.classes:
                raise UsageError(f"no class {value!r}; there are 0 to {self.classes - 1}")
        return torch.tensor(ids)

    def forward(self, prepared: Tensor) -> Condition:
        return Condition(self.embedding(prepared))

    def null(self, n: int) -> Tensor:
        return torch.full((n,), self.classes)
