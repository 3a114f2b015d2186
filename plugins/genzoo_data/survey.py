"""What is in a dataset: counted, with its problems, before anything is trained on it."""

from __future__ import annotations

import hashlib
import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genzoo_core import Config
from genzoo_core.dataset import Row
from genzoo_core.errors import DataError, GenzooError
from genzoo_core.picture_files import decode
from genzoo_core.progress import Pulse
from genzoo_core.recipe import DataRecipe, folder_name
from genzoo_core.text import many
from genzoo_core.zoo import Zoo
from genzoo_data.near import MOST, SIDE, near_copies

LABEL, TEXT = "label", "text"
"""The columns that conditions are learnt from."""

FEW = 20
"""A class with fewer pictures is hardly learnt."""

MOST_VALUES = 1000
"""Different values of a column that are counted."""

FEW_PICTURES = 500
"""Of fewer pictures a model learns to copy some."""


class Fault(Config):
    """A picture that cannot be read.

    Attributes:
        place: Its file, or its row of a table.
        reason: Why.
    """

    place: str
    reason: str


class Captions(Config):
    """What is known of the captions.

    Attributes:
        count: Pictures that have one.
        distinct: Different ones.
        words: Words of the middle one, by length.
        examples: Some of them.
    """

    count: int
    distinct: int
    words: int
    examples: tuple[str, ...]


class Survey(Config):
    """What is in a dataset.

    Attributes:
        name: What it is called.
        split: The split that was looked at.
        splits: Pictures in each split.
        pictures: Pictures of this split that can be read.
        sizes: How many have a size, by "WIDTH×HEIGHT", the most common first.
        modes: How many are grey ("L"), in colour ("RGB") or have transparent parts ("RGBA").
        grey: How many show no colour, whatever their mode.
        aspect: Width over height of the middle picture.
        same_aspect: Share of the pictures whose aspect is within 5 % of that.
        side: The longer side of the middle picture, in pixels.
        labels: Pictures of each class.
        unlabelled: Pictures without a label, where others have one.
        stray: The first of them; "" where there is none.
        captions: Of the column `text`; None where there is no caption.
        columns: How many different values the other columns have; at most `MOST_VALUES`.
        faults: What cannot be read.
        copies: Groups of pictures with the same bytes.
        near: Pairs that look the same, though their bytes differ.
    """

    name: str
    split: str
    splits: dict[str, int]
    pictures: int
    sizes: dict[str, int]
    modes: dict[str, int]
    grey: int
    aspect: float
    same_aspect: float
    side: int
    labels: dict[str, int]
    unlabelled: int
    stray: str
    captions: Captions | None
    columns: dict[str, int]
    faults: tuple[Fault, ...]
    copies: tuple[tuple[str, ...], ...]
    near: tuple[tuple[str, str], ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, or may be, a sentence each."""
        return tuple(_problems(self))


@dataclass
class _Counts:
    places: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    thumbs: list[NDArray[np.uint8]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    grey: int = 0
    labels: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    columns: dict[str, set[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def find_data(
    zoo: Zoo, folder: Path, split: str | None = None, columns: dict[str, str] | None = None
) -> DataRecipe:
    """How the dataset in a folder is read, in the shape 3×64×64 until it is surveyed.

    Args:
        zoo: Reads it.
        folder: Where it lies.
        split: Its split; "train", or its only one, where None.
        columns: What it calls the columns that recipes call otherwise.

    Raises:
        DataError: The folder cannot be read.
    """
    name = folder_name(folder.resolve().name)
    while (folder / name).is_dir():  # a class or a split, not the dataset
        name = f"{name}-data"
    splits = zoo.splits(folder)
    chosen = split or (splits[0] if len(splits) == 1 else "train")
    return DataRecipe(name, (3, 64, 64), split=chosen, columns=columns or {})


def survey(
    zoo: Zoo, recipe: DataRecipe, folder: Path, note: Callable[[str], None] = lambda _: None
) -> Survey:
    """Look at each picture of a split once.

    Args:
        zoo: Reads the rows.
        recipe: The dataset, its split and its columns; its shape is not used.
        folder: Where it lies.
        note: Called now and then with how many pictures were looked at.

    Raises:
        DataError: There is no such dataset, or none of its pictures can be read.
    """
    counts, pulse = _Counts(), Pulse()
    for number, row in enumerate(zoo.rows(recipe, folder), 1):
        _count(row, row.place.replace(f"{folder}{os.sep}", ""), counts)
        if pulse.due():
            note(f"{number:,} pictures looked at")
    if not counts.places:
        first = counts.faults[0]
        raise DataError(f"no picture of {recipe.name} can be read: {first.place}: {first.reason}")
    widths, heights = zip(*counts.sizes, strict=True)
    aspects = [width / height for width, height in counts.sizes]
    aspect = statistics.median(aspects)
    labels = Counter(label for label in counts.labels if label is not None)
    unlabelled = zip(counts.places, counts.labels, strict=True) if labels else ()
    stray = [place for place, label in unlabelled if label is None]
    named = Counter(f"{width}×{height}" for width, height in counts.sizes)
    return Survey(
        name=recipe.name,
        split=recipe.split,
        splits={recipe.split: len(counts.places)} | _other_splits(zoo, recipe, folder),
        pictures=len(counts.places),
        sizes=dict(named.most_common()),
        modes=dict(counts.modes.most_common()),
        grey=counts.grey,
        aspect=aspect,
        same_aspect=sum(abs(each / aspect - 1) <= 0.05 for each in aspects) / len(aspects),
        side=int(statistics.median(map(max, widths, heights))),
        labels=dict(sorted(labels.items())),
        unlabelled=len(stray),
        stray=next(iter(stray), ""),
        captions=_captions(counts.texts),
        columns={n: len(v) for n, v in counts.columns.items() if n not in (LABEL, TEXT)},
        faults=tuple(counts.faults),
        copies=_copies(counts),
        near=_near(counts),
    )


def _count(row: Row, place: str, counts: _Counts) -> None:
    try:
        content = row.read()
        image = decode(content, "it")
    except GenzooError as error:
        counts.faults.append(Fault(place, error.message))
        return
    counts.places.append(place)
    counts.digests.append(hashlib.blake2b(content, digest_size=16).digest())
    thumb = np.asarray(_on_white(image).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.uint8)
    if len(counts.thumbs) <= MOST:  # of more, none are compared
        counts.thumbs.append(thumb)
    counts.sizes.append(image.size)
    counts.modes[image.mode] += 1
    counts.grey += int(np.ptp(thumb.astype(np.int16), axis=2).max()) <= 2
    for name, value in row.cells.items():
        values = counts.columns.setdefault(name, set())
        if value is not None and len(values) < MOST_VALUES:
            values.add(str(value))
    label, text = row.cells.get(LABEL), row.cells.get(TEXT)
    counts.labels.append(None if label is None else str(label))
    counts.texts.append(text if isinstance(text, str) else "")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _other_splits(zoo: Zoo, recipe: DataRecipe, folder: Path) -> dict[str, int]:
    found = {}
    for name in zoo.splits(folder):
        if name != recipe.split:
            rows = zoo.rows(msgspec.structs.replace(recipe, split=name), folder)
            found[name] = sum(1 for _ in rows)
    return found


def _captions(texts: Iterable[str]) -> Captions | None:
    there = [text for text in texts if text.strip()]
    if not there:
        return None
    distinct = list(dict.fromkeys(there))
    words = int(statistics.median(len(text.split()) for text in there))
    step = max(1, len(distinct) // 3)
    return Captions(len(there), len(distinct), words, tuple(distinct[::step][:3]))


def _copies(counts: _Counts) -> tuple[tuple[str, ...], ...]:
    groups: dict[bytes, list[str]] = {}
    for place, digest in zip(counts.places, counts.digests, strict=True):
        groups.setdefault(digest, []).append(place)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _near(counts: _Counts) -> tuple[tuple[str, str], ...]:
    if len(counts.thumbs) > MOST:
        return ()
    first: dict[bytes, int] = {}
    for index, digest in enumerate(counts.digests):
        first.setdefault(digest, index)  # copies are said to be that
    rows = list(first.values())
    thumbs = np.stack([counts.thumbs[row] for row in rows])
    pairs = near_copies(thumbs)
    return tuple((counts.places[rows[i]], counts.places[rows[j]]) for i, j in pairs)


def _problems(found: Survey) -> Iterator[str]:
    if found.faults:
        first = found.faults[0]
        yield f"{many(len(found.faults), 'picture')} cannot be read: {first.place}: {first.reason}"
    if found.copies:
        copies = sum(len(group) - 1 for group in found.copies)
        is_there = "is there" if copies == 1 else "are there"
        pair = " = ".join(found.copies[0][:2])
        yield f"{many(copies, 'picture')} {is_there} twice, such as {pair}"
    if found.near:
        pair = " ≈ ".join(found.near[0])
        yield f"{many(len(found.near), 'pair')} of pictures look the same, such as {pair}"
    if found.pictures < FEW_PICTURES:
        yield (
            f"{many(found.pictures, 'picture')}, few: a model learns to copy some of so few; "
            f"{FEW_PICTURES:,} or more are better"
        )
    if len(found.labels) == 1:
        yield f"one class alone, {next(iter(found.labels))}: there is nothing to tell apart"
    elif small := [name for name, count in found.labels.items() if count < FEW]:
        has = "class has" if len(small) == 1 else "classes have"
        yield f"{len(small)} {has} fewer than {FEW} pictures: {', '.join(small[:5])}"
    if found.unlabelled:
        yield (
            f"{many(found.unlabelled, 'picture')} without a label, such as {found.stray}, so that "
            "no class is learnt"
        )
    if found.captions and found.captions.count < found.pictures:
        without = many(found.pictures - found.captions.count, "picture")
        yield f"{without} without a caption, so that no caption is learnt"
