"""A conditioner that keeps all rules, and conditioners that break one each."""

from __future__ import annotations

import msgspec
import torch
from torch import nn

from genzoo_core import Condition, Conditioner, UsageError


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    classes: int = 3


class Healthy(Conditioner):
    Config = Config

    def __init__(self, config, context):
        super().__init__()
        self.categories, self.vector_dim = config.classes, 5
        self.embedding = nn.Embedding(config.classes + 1, 5)

    def parse(self, text):
        if text == "random":
            return text
        if text.isascii() and text.isdecimal() and len(text) < 10:
            return self.check(int(text))
        raise self.unknown(text)

    def check(self, value):
        if not isinstance(value, int) or not 0 <= value < self.categories:
            raise self.unknown(value)
        return value

    def unknown(self, value):
        return UsageError(f"no class {str(value)[:20]!r}; there are 0 to {self.categories - 1}")

    def drawn(self, rng):
        return rng.integers(self.categories, (), torch.empty(0))

    def prepare(self, raw, rng):
        drawn = self.drawn(rng)
        ids = [drawn[i] if v == "random" else self.check(v) for i, v in enumerate(raw)]
        return torch.tensor(ids)

    def forward(self, prepared):
        return Condition(self.embedding(prepared))

    def null(self, n):
        return torch.full((n,), self.categories)

    def typical(self, rng):
        return self.drawn(rng)


class OneNull(Healthy):
    def null(self, n):
        return torch.full((1,), self.categories)


class NullIsAClass(Healthy):
    def null(self, n):
        return torch.zeros(n, dtype=torch.int64)


class UntrainedNull(Healthy):
    def forward(self, prepared):
        known = (prepared < self.categories).float()[:, None]
        return Condition(self.embedding(prepared) * known)


class WrongDimension(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        self.vector_dim = 6


class SharedChance(Healthy):
    def drawn(self, rng):
        return super().drawn(rng)[:1].expand(rng.n)


class GlobalChance(Healthy):
    def drawn(self, rng):
        return torch.randint(self.categories, (rng.n,))


class Crashing(Healthy):
    def unknown(self, value):
        return KeyError(value)


class Curt(Healthy):
    def unknown(self, value):
        return UsageError("no")


class Accepting(Healthy):
    def parse(self, text):
        return 0


class NoSuchId(Healthy):
    def typical(self, rng):
        return super().typical(rng) + self.categories + 1


class FloatRows(Healthy):
    def typical(self, rng):
        return super().typical(rng).float()


class DropsZero(Healthy):
    def drop(self, prepared, rng, probability):
        return super().drop(prepared, rng, probability) * 0


class ForgetsNull(Healthy):
    def __init__(self, config, context):
        super().__init__(config, context)
        self.table = torch.randn(config.classes + 1, 5)

    def forward(self, prepared):
        return Condition(self.embedding(prepared) + self.table[prepared])


class Mapped(Healthy):
    """A class is a map as well: a bright row."""

    spatial_dim = 1

    def forward(self, prepared):
        rows = torch.nn.functional.one_hot(prepared, 4).float()
        return Condition(super().forward(prepared).vector, spatial=self.spread(rows))

    def spread(self, rows):
        return rows[:, None, :, None].expand(-1, -1, -1, 4)


class SecretMap(Mapped):
    spatial_dim = None


class FlatMap(Mapped):
    def spread(self, rows):
        return rows[:, None]
