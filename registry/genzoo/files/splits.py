"""Where the files of a split of a dataset lie in a folder, and what is written beside pictures."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from genzoo_core.errors import DataError, UsageError
from genzoo_core.picture_files import find_pictures, is_hidden, picture_suffixes
from genzoo_core.reading import read_bytes

METADATA = ("metadata.csv", "metadata.jsonl")
PICTURE = "file_name"
"""The column with the path of a picture, from the folder of the file."""
MAX_BYTES = 2**30
"""A larger file is not read."""

_ALIKE = (
    ("train", "training"),
    ("test", "testing"),
    ("val", "valid", "validation", "dev"),
    ("eval", "evaluation"),
)
"""Names of one split: those that the Hub's datasets know."""
_SPLITS = {name for names in _ALIKE for name in names}
"""Folders of these names are splits, not classes."""

_SHARD = re.compile(r"(?:\A|[-_])(\d{1,6})-of-(\d{1,6})(?=\D|\Z)")


class NoFolderError(DataError, UsageError):
    """There is no folder of that name (exit code 2)."""


@dataclass(frozen=True)
class Split:
    """What a split is read from: files with its rows, or a folder of pictures.

    Attributes:
        aside: Names of the folders beside that one which are no splits, and are not read.
    """

    shards: tuple[Path, ...] = ()
    pictures: Path | None = None
    aside: tuple[str, ...] = ()


def unwrapped(folder: Path) -> Path:
    """The folder of the classes or splits in `folder`, which others may hold alone.

    So archives unpack. A folder that has pictures itself is a class, and never seen through.
    """
    inner = folder
    while True:
        try:
            entries = [path for path in inner.iterdir() if not is_hidden(path.name)]
            folders = [path for path in entries if path.is_dir()]
        except OSError:  # said where it is read
            return folder
        files = set(entries).difference(folders)
        if any(path.suffix.lower() in picture_suffixes() for path in files):
            return folder
        listed = any(_is_rows(path) or path.name.lower() in METADATA for path in files)
        if listed or len(folders) > 1 or any(path.name.lower() in _SPLITS for path in folders):
            return inner
        if not folders:
            return folder
        inner = folders[0]


def find_split(home: Path, split: str) -> Split:
    """What a split of the dataset in folder `home` is read from.

    Raises:
        DataError: There is no such split, or a file of it is missing.
    """
    names = next((alike for alike in _ALIKE if split in alike), (split,))
    folders, rows = _entries(home)
    for name in sorted(names, key=lambda name: name != split):
        if shards := _shards(home, name, folders):
            _check_complete(shards)
            return Split(shards=tuple(shards))
        if (home / name) in folders:
            others = [path.name for path in folders if path.name.lower() not in _SPLITS]
            aside = tuple(other for other in others if other != name)
            return Split(pictures=unwrapped(home / name), aside=aside)
    if there := [name for name in _named(folders, rows) if name.lower() in _SPLITS]:
        raise DataError(f"there is no split {split} in {home}; it has {', '.join(there)}")
    if split not in _ALIKE[0]:
        raise DataError(
            f"there is no split {split} in {home}; without a folder of a split, all of it is train"
        )
    # An archive beside pictures may be where they came from.
    if rows and not find_pictures(home).pictures:
        _check_complete(rows)
        return Split(shards=tuple(rows))
    return Split(pictures=home)


def splits_in(home: Path) -> tuple[str, ...]:
    """Names of the splits of a dataset; "train" alone where its files name none.

    Raises:
        DataError: The folder cannot be read.
    """
    there = _named(*_entries(unwrapped(home)))
    return tuple(name for name in there if name.lower() in _SPLITS) or ("train",)


def _entries(home: Path) -> tuple[list[Path], list[Path]]:
    """The folders in a folder, and the files with rows in it and in them."""
    try:
        entries = sorted(path for path in home.iterdir() if not is_hidden(path.name))
        folders = [path for path in entries if path.is_dir()]
        return folders, [path for path in (*entries, *_within(folders)) if _is_rows(path)]
    except OSError as error:
        kind = NoFolderError if isinstance(error, FileNotFoundError) else DataError
        reason = "it is no folder" if home.is_file() else error.strerror
        raise kind(f"cannot read {home}: {reason}") from error


def _named(folders: Iterable[Path], rows: Iterable[Path]) -> list[str]:
    """The splits that folders and files with rows are called after."""
    named = [path.name for path in folders if path.name.lower() in _SPLITS]
    return list(dict.fromkeys([*named, *sorted({_split_of(path) for path in rows})]))


def _split_of(path: Path) -> str:
    """The split that a file with rows is of, by its name."""
    return re.sub(r"-\d+(-of-\d+.*)?\Z", "", path.stem)


def _is_rows(path: Path) -> bool:
    return path.suffix.lower() in (".parquet", ".tar")


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
        text = f"{home} has several datasets: {', '.join(found)}"
        raise DataError(text, "give one of these folders")
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
            text = f"{files[0].parent} holds files {stem or 'of a split'} of two times"
            raise DataError(text, "remove the older ones")
        if missing := sorted(set(range(total)).difference(numbers)):
            first = f"{stem}{'-' if stem else ''}{missing[0]:05}-of-{total:05}.parquet"
            more = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise DataError(f"{first}{more} is missing in {files[0].parent}", "fetch it again")


def read_metadata(
    files: Sequence[Path], pictures: Sequence[Path], root: Path
) -> dict[Path, dict[str, object]]:
    """What the files, called as one of `METADATA`, say of each of the `pictures` that they name.

    A cell of a .csv file is text, or None where it is empty. Rows of pictures outside of `root`,
    of other splits, are passed over.

    Raises:
        DataError: A file cannot be read, or names a picture that is not there, or one twice.
    """
    there = {_normal(path): path for path in pictures}
    found: dict[Path, dict[str, object]] = {}
    for file in files:
        for line, row in _rows(file):
            where = f"line {line} of {file}"
            name = row.pop(PICTURE, None)
            if not isinstance(name, str) or not name:
                columns = ", ".join(row) or "none"
                raise DataError(f"{where} has no {PICTURE!r}; its columns are {columns}")
            place = PurePosixPath(name.replace("\\", "/"))
            if place.is_absolute() or PureWindowsPath(name).drive or ".." in place.parts:
                raise DataError(f"{where} names {name!r}, outside of its folder")
            path = file.parent / place
            if not path.is_relative_to(root):
                continue
            picture = there.get(_normal(path))
            if picture is None:
                kind = " that Pillow decodes here" if path.exists() else ""
                raise DataError(f"{where} names {name!r}, which is no picture there{kind}")
            if picture in found:
                hint = "name each picture once, in one file"
                raise DataError(f"{where} names {name!r}, which was named before", hint)
            found[picture] = row
    return found


def _normal(path: Path) -> str:
    """A path as paths are compared: systems write accents in one character or two."""
    return unicodedata.normalize("NFC", str(path))


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file, each with the number of its line."""
    try:
        text = read_bytes(file, MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8: {error}") from error
    if file.suffix.lower() == ".csv":
        yield from csv_rows(io.StringIO(text, newline=""), str(file))
        return
    for number, line in enumerate(io.StringIO(text), 1):
        if line.strip():
            try:
                yield number, msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, RecursionError) as error:
                raise DataError(f"line {number} of {file} is no JSON object: {error}") from error


def csv_rows(lines: Iterable[str], file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a CSV file, each with the number of its last line; an empty cell is None.

    Raises:
        DataError: It is malformed.
    """
    rows = csv.DictReader(lines, strict=True)
    try:
        columns = rows.fieldnames or []
        if len(set(columns)) < len(columns):
            raise DataError(f"{file} has two columns of one name", f"its columns: {columns}")
        for row in rows:
            if None in row:
                raise DataError(f"line {rows.line_num} of {file} has more cells than columns")
            yield rows.line_num, {name: value or None for name, value in row.items()}
    except csv.Error as error:
        raise DataError(f"line {rows.line_num} of {file} is no CSV: {error}") from error
