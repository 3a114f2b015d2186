"""What a `metadata.jsonl` or `metadata.csv` beside pictures says of them."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from genzoo_core.errors import DataError
from genzoo_core.reading import read_bytes

NAMES = ("metadata.csv", "metadata.jsonl")
PICTURE = "file_name"
"""The column with the path of a picture, from the folder of the file."""
MAX_BYTES = 2**30
"""A larger file is not read."""


def read_metadata(
    files: Sequence[Path], pictures: Sequence[Path], root: Path
) -> dict[Path, dict[str, object]]:
    """What the files, called as one of `NAMES`, say of each of the `pictures` that they name.

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
                raise DataError(
                    f"{where} names {name!r}, which was named before",
                    "name each picture once, in one file",
                )
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
        yield from _csv(text, file)
        return
    for number, line in enumerate(io.StringIO(text), 1):
        if line.strip():
            try:
                yield number, msgspec.json.decode(line, type=dict[str, Any])
            except (msgspec.MsgspecError, RecursionError) as error:
                raise DataError(f"line {number} of {file} is no JSON object: {error}") from error


def _csv(text: str, file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
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
