"""Which captions models are measured with: held-out ones, and as many that were trained on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.dataset import Dataset
from genzoo_core.errors import DataError
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import Measured, read_split

MOST = 500
"""Captions of either kind: of a dataset with more, so many are taken."""

CATEGORY = "category"
STRATA = (CATEGORY, "skin_tone")
"""Columns, where a dataset has them, in which seen captions are to be like held-out ones."""


@dataclass(frozen=True)
class CaptionSet:
    """Captions, with pictures of each.

    Attributes:
        images: Their pictures, real or made, uint8 `[R, C, H, W]`.
        owners: Which caption each of these has, int64 `[R]`.
    """

    captions: tuple[str, ...]
    images: Tensor
    owners: Tensor


@dataclass(frozen=True)
class Captions:
    """What the pictures are to show."""

    held_out: CaptionSet
    seen: CaptionSet
    test: Dataset
    train: Dataset

    @property
    def by_name(self) -> dict[str, CaptionSet]:
        """Both, by the name that figures call them."""
        return {"seen": self.seen, "held_out": self.held_out}


def read_captions(zoo: Zoo, dataset: Measured, folder: Path | None, column: str) -> Captions:
    """Read a dataset, and choose.

    Raises:
        DataError: It cannot be read, has no such column, or holds no caption out.
    """
    test, train = (read_split(zoo, dataset, split, folder) for split in ("test", "train"))
    return choose(test, train, column)


def sampled(captions: Captions, n: int) -> tuple[tuple[str, Tensor], ...]:
    """The first `n` seen captions by their hashes, then the first `n` held-out ones, each with a
    real picture, uint8 `[C, H, W]`."""
    return tuple(
        (caption, of.images[of.owners == place][0])
        for of in captions.by_name.values()
        for place, caption in enumerate(of.captions[:n])
    )


def choose(test: Dataset, train: Dataset, column: str) -> Captions:
    """The held-out captions, and as many seen ones that are spread alike over `STRATA`.

    Within a stratum those are taken whose hash is lowest: the choice is the same on every
    machine, whatever the order of the data. A stratum that has too few is filled up from others.

    Raises:
        DataError: There is no such column, or no caption is held out.
    """
    for split, data in (("test", test), ("training", train)):
        if column not in data.columns:
            there = ", ".join(data.columns) or "none"
            raise DataError(f"the {split} split has no column {column!r}; it has {there}")
    trained = _strata(train, column)
    held = {text: stratum for text, stratum in _strata(test, column).items() if text not in trained}
    if not held:
        raise DataError("each caption of the test split is one of the training split too")
    out = sorted(held, key=_rank)[:MOST]
    wanted = Counter(held[caption] for caption in out)
    alike = _alike(trained, wanted)
    return Captions(_gather(test, column, out), _gather(train, column, alike), test, train)


def of_rarer_kinds(captions: Captions, column: str) -> Tensor | None:
    """Which seen captions are not of the category that most training pictures have, bool `[C]`.

    Faces would otherwise decide of a dataset of faces with a few fruits. None where the data
    has no categories, or the captions are of one kind.
    """
    train = captions.train
    if CATEGORY not in train.columns:
        return None
    ((largest, _),) = Counter(train.columns[CATEGORY]).most_common(1)
    kinds = dict(zip(train.columns[column], train.columns[CATEGORY], strict=True))
    rarer = torch.tensor([kinds[caption] != largest for caption in captions.seen.captions])
    return rarer if rarer.any() and not rarer.all() else None


def _strata(data: Dataset, column: str) -> dict[str, tuple[str, ...]]:
    """The stratum of each caption: that of its first picture."""
    found: dict[str, tuple[str, ...]] = {}
    columns = [data.columns[name] for name in STRATA if name in data.columns]
    for row, caption in enumerate(data.columns[column]):
        found.setdefault(str(caption), tuple(str(values[row]) for values in columns))
    return found


def _rank(caption: str) -> bytes:
    return hashlib.sha256(caption.encode("utf-8", "surrogatepass")).digest()


def _alike(trained: Mapping[str, tuple[str, ...]], wanted: Counter[tuple[str, ...]]) -> list[str]:
    """As many captions as are wanted, of each stratum as many as there are."""
    chosen, rest = [], []
    left = Counter(wanted)
    for caption in sorted(trained, key=_rank):
        if left[trained[caption]] > 0:
            left[trained[caption]] -= 1
            chosen.append(caption)
        else:
            rest.append(caption)
    return chosen + rest[: wanted.total() - len(chosen)]


def _gather(data: Dataset, column: str, captions: Sequence[str]) -> CaptionSet:
    places = {caption: place for place, caption in enumerate(captions)}
    texts: Sequence[object] = data.columns[column]
    rows = [row for row, text in enumerate(texts) if str(text) in places]
    owners = [places[str(texts[row])] for row in rows]
    return CaptionSet(tuple(captions), data.images[rows], torch.tensor(owners, dtype=torch.int64))
