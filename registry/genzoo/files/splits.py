"""Where the files of a split of a dataset lie in a folder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from genzoo_core.errors import DataError
from genzoo_core.picture_files import is_hidden

_SPLITS = {
    "train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval",
    "evaluation",
}  # fmt: skip
"""Folders of these names are splits, not classes: those that the Hub's datasets know."""

_SHARD = re.compile(r"(?:\A|[-_])(\d{1,6})-of-(\d{1,6})(?=\D|\Z)")


@dataclass(frozen=True)
class Split:
    """What a split is read from: files with its rows, or a folder of pictures.

    Attributes:
        aside: Names of the folders beside that one which are no splits, and are not read.
    """

    parquet: tuple[Path, ...] = ()
    pictures: Path | None = None
    aside: tuple[str, ...] = ()


def find_split(home: Path, split: str) -> Split:
    """What a split of the dataset in folder `home` is read from.

    Raises:
        DataError: There is no such split, or a file of it is missing.
    """
    try:
        entries = sorted(path for path in home.iterdir() if not is_hidden(path.name))
        folders = [path for path in entries if path.is_dir()]
        shards = _shards(home, split, folders)
        rows = [path for path in (*entries, *_within(folders)) if _is_rows(path)]
    except OSError as error:
        raise DataError(f"cannot read {home}: {error.strerror}") from error
    if shards:
        _check_complete(shards)
        return Split(parquet=tuple(shards))
    if (home / split) in folders:
        others = (path.name for path in folders if path.name.lower() not in _SPLITS)
        return Split(pictures=home / split, aside=tuple(name for name in others if name != split))
    there = [path.name for path in folders if path.name.lower() in _SPLITS]
    there += sorted({re.sub(r"-\d+(-of-\d+.*)?\Z", "", path.stem) for path in rows})
    if there:
        raise DataError(f"there is no split {split} in {home}; it has {', '.join(there)}")
    if split != "train":
        raise DataError(
            f"there is no split {split} in {home}; without a folder of a split, all of it is train"
        )
    return Split(pictures=home)


def _is_rows(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _within(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.iterdir())]


def _shards(home: Path, split: str, folders: list[Path]) -> list[Path]:
    """The parquet files of a split, in the layouts of the Hub, in their order."""

    def of_split(place: Path) -> list[Path]:
        return [
            path
            for path in sorted(place.iterdir())
            if _is_rows(path) and (path.stem == split or path.name.startswith(f"{split}-"))
        ]

    if own := of_split(home):
        return own
    if (home / split) in folders and (
        inside := [path for path in _within([home / split]) if _is_rows(path)]
    ):
        return inside
    # One folder for each configuration of the dataset, called "data" where there is one alone.
    found = {folder.name: files for folder in folders if (files := of_split(folder))}
    if len(found) > 1:
        raise DataError(
            f"{home} has several datasets: {', '.join(found)}", "give one of these folders"
        )
    return next(iter(found.values()), [])


def _check_complete(files: list[Path]) -> None:
    """Check that of files called "…-00000-of-00002…" all are there, and once."""
    groups: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for path in files:
        if found := _SHARD.search(path.stem):
            number, total = map(int, found.groups())
            groups[path.stem[: found.start()]][total].append(number)
        else:
            groups[path.stem][0].append(0)  # the only one, under a name without numbers
    for stem, totals in groups.items():
        [(total, numbers), *others] = sorted(totals.items(), reverse=True)
        if others or len(numbers) > max(total, 1):
            raise DataError(
                f"{files[0].parent} holds files {stem or 'of a split'} of two times",
                "remove the older ones",
            )
        if missing := sorted(set(range(total)).difference(numbers)):
            first = f"{stem}{'-' if stem else ''}{missing[0]:05}-of-{total:05}.parquet"
            more = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise DataError(f"{first}{more} is missing in {files[0].parent}", "fetch it again")
