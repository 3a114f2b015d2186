"""Class labels as a condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor, nn

from genzoo_class_labels.config import ClassLabelsConfig
from genzoo_core import Condition, Conditioner, ConfigError, Context, Rng, UsageError
from genzoo_core.errors import did_you_mean

RANDOM = "random"
MOST_NAMED = 20


class ClassLabels(Conditioner):
    """One learned embedding for each class, and one for null.

    A raw value is an id, a name ("ankle boot", in any case and with any of space, hyphen and
    underscore), or "random", which draws a class at its frequency. Prepared values are ids,
    int64 `[B]`; null is the id after the last class.
    """

    Config = ClassLabelsConfig
    categories: int

    def __init__(self, config: ClassLabelsConfig, context: Context) -> None:
        super().__init__()
        self.config = config
        self.categories = len(config.classes)
        self.vector_dim = config.dim
        self.embedding = nn.Embedding(self.categories + 1, config.dim)
        self._ids = _ids_by_name(config.classes)

    def parse(self, text: str) -> int | str:
        """The id that a number or a name stands for, or "random"."""
        name = _plain(text)
        if name == RANDOM:
            return RANDOM
        if name in self._ids:
            return self._ids[name]
        if re.fullmatch(r"[0-9]{1,9}", text.strip()) and int(text) < self.categories:
            return int(text)
        raise self._unknown(text)

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Ids, int64 `[B]`."""
        drawn = self.typical(rng).tolist() if RANDOM in raw else []
        return torch.tensor(
            [drawn[i] if value == RANDOM else self._id(value) for i, value in enumerate(raw)],
            dtype=torch.int64,
        )

    def forward(self, prepared: Tensor) -> Condition:
        """The classes' embeddings, `[B, dim]`."""
        return Condition(self.embedding(prepared))

    def null(self, n: int) -> Tensor:
        """The id after the last class, `[n]`."""
        return torch.full((n,), self.categories)

    def typical(self, rng: Rng) -> Tensor:
        """Classes at their frequencies, int64 `[rng.n]`."""
        shares = self.config.frequencies or (1.0,) * self.categories
        edges = torch.tensor(shares, dtype=torch.float64).cumsum(0)
        chance = rng.uniform((), torch.empty(0)).double()
        # A float32 close to 1 must not fall behind the last edge.
        return torch.searchsorted(edges / edges[-1], chance, right=True).clamp_max(len(edges) - 1)

    def _id(self, value: object) -> int:
        if isinstance(value, str):
            found = self.parse(value)
            assert isinstance(found, int)  # "random" was handled
            return found
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise self._unknown(value)
        if not 0 <= int(value) < self.categories:
            raise self._unknown(value)
        return int(value)

    def _unknown(self, value: object) -> UsageError:
        names = self.config.classes
        shown = ", ".join(f"{i} {name}" for i, name in enumerate(names[:MOST_NAMED]))
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        near = did_you_mean(_plain(value), self._ids) if isinstance(value, str) else None
        return UsageError(
            f"no class {str(value)[:80]!r}; there are {shown}{more}, and {RANDOM}", near
        )


def _plain(text: str) -> str:
    """A name as it is compared: without case, and with single spaces for all that separates."""
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip()


def _ids_by_name(classes: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for i, name in enumerate(classes):
        for spelling in dict.fromkeys((_plain(name), *map(_plain, name.split("/")))):
            if ids.setdefault(spelling, i) != i or spelling == RANDOM:
                raise ConfigError(f"two meanings of the class name {spelling!r}", "rename one")
    return ids
