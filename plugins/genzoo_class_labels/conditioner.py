"""Class labels as a condition."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor, nn

from genzoo_class_labels.config import ClassLabelsConfig
from genzoo_core import Condition, Conditioner, ConfigError, Context, Rng, UsageError
from genzoo_core.errors import did_you_mean

RANDOM = "random"
MOST_NAMED = 20


class Drawn(str):
    """A prompt for a random class, which is never a label of a dataset."""


class Id(int):
    """The id of a class, from a prompt; a number in a dataset may be the name of another class."""


class ClassLabels(Conditioner):
    """One learned embedding for each class, and one for null.

    A prompt is an id, a name ("ankle boot", in any case and with any of space, hyphen and
    underscore), or "random", which draws a class at its frequency. The labels of a dataset are
    ids, or names that are matched with those of the classes. Prepared values are ids, int64
    `[B]`; null is the id after the last class.
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
        self._numbered = any(_number(name) is not None for name in self._ids)

    def parse(self, text: str) -> Id | Drawn:
        """The id that a number or a name stands for, or "random"."""
        name = _plain(text)
        if name == RANDOM:
            return Drawn(RANDOM)
        found = self._ids.get(name, _number(text))
        if found is None or found >= self.categories:
            raise self._unknown(text)
        return Id(found)

    def prepare(self, raw: Sequence[object], rng: Rng) -> Tensor:
        """Ids, int64 `[B]`.

        Raises:
            UsageError: A value is no class; where it is a label of a dataset, names them all.
        """
        drawn = self.typical(rng).tolist() if any(isinstance(v, Drawn) for v in raw) else []
        values = [drawn[i] if isinstance(v, Drawn) else self._label(v) for i, v in enumerate(raw)]
        ids = self._ids_of_labels({v for v in values if isinstance(v, str)})
        return torch.tensor(
            [ids[v] if isinstance(v, str) else self._id(v) for v in values], dtype=torch.int64
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

    def _label(self, value: object) -> object:
        """A label of a dataset; a whole number as a name, where classes are named by numbers."""
        plain = isinstance(value, Integral) and not isinstance(value, bool | Id)
        return str(value) if plain and self._numbered else value

    def _ids_of_labels(self, labels: set[str]) -> dict[str, int]:
        """Ids of a dataset's labels, which are names, or all numbers where no name is one."""
        ids = {label: self._ids.get(_plain(label)) for label in labels}
        if not self._numbered:
            numbers = {label: _number(label) for label in labels}
            if all(n is not None and n < self.categories for n in numbers.values()):
                ids = numbers
        unknown = sorted(label for label, found in ids.items() if found is None)
        if unknown:
            raise UsageError(
                f"no class {unknown[0][:80]!r}; the classes are {_listed(self.config.classes)}, "
                f"the labels of the data {_listed(sorted(labels))}"
            )
        return {label: found for label, found in ids.items() if found is not None}

    def _id(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise self._unknown(value)
        if not 0 <= int(value) < self.categories:
            raise self._unknown(value)
        return int(value)

    def _unknown(self, value: object) -> UsageError:
        examples = _listed([f"{name} ({i})" for i, name in enumerate(self.config.classes)])
        near = did_you_mean(_plain(value), self._ids) if isinstance(value, str) else None
        return UsageError(f"no class {str(value)[:80]!r}; there are {examples}, and {RANDOM}", near)


def _plain(text: str) -> str:
    """A name as it is compared: without case, in one Unicode form, and with single spaces."""
    name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return re.sub(r" ?/ ?", "/", re.sub(r"[\s_-]+", " ", name).strip())


def _number(text: str) -> int | None:
    """The id that a text gives as a number."""
    return int(text) if re.fullmatch(r"\s*[0-9]{1,9}\s*", text) else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(name[:80] for name in names[:MOST_NAMED]) + more


def _ids_by_name(classes: Sequence[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for i, name in enumerate(classes):
        for spelling in dict.fromkeys((_plain(name), *map(_plain, name.split("/")))):
            if ids.setdefault(spelling, i) != i or spelling == RANDOM:
                raise ConfigError(
                    f"`classes` has two meanings of the class name {spelling!r}", "rename one"
                )
    return ids
