"""Tar files of a WebDataset: pictures with what else is called as they are."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath

import msgspec

from genzoo_core.dataset import Row
from genzoo_core.errors import DataError
from genzoo_core.picture_files import MAX_BYTES, picture_suffixes
from genzoo_core.reading import open_regular

LABEL, TEXT = "label", "text"
"""What recipes call the columns of classes and of captions."""

CAPTION = ".txt"
"""Suffix of a file that holds the caption of the picture that it is called after."""

MAX_CAPTION = 2**20
"""Bytes of a caption; a larger file is refused."""


def rows_of_tar(path: Path) -> Iterator[Row]:
    """The samples of a WebDataset: files in a row of one name, up to its first dot.

    `.txt` is the caption, `.cls` the label, `.json` an object of further columns; files of other
    kinds are passed over.
    """
    with open_regular(path) as content, tarfile.open(fileobj=content, mode="r:") as archive:
        for key, members in groupby(filter(tarfile.TarInfo.isreg, archive), _key):
            picture: tuple[str, bytes] | None = None
            cells: dict[str, object] = {}
            for member in members:
                suffix = PurePosixPath(member.name).suffix.lower()
                place = f"{member.name} in {path}"
                if suffix in picture_suffixes():
                    if picture is not None:
                        raise DataError(f"{key} in {path} has two pictures", "take one away")
                    picture = place, _extracted(archive, member, MAX_BYTES, place)
                elif suffix in (CAPTION, ".cls", ".json"):
                    cells |= _cells(suffix, _extracted(archive, member, MAX_CAPTION, place), place)
            if picture is not None:
                yield Row(picture[0], partial(bytes, picture[1]), cells)


def _key(member: tarfile.TarInfo) -> str:
    """What the files of one sample have in common."""
    path = PurePosixPath(member.name)
    return str(path.with_name(path.name.split(".", 1)[0] or path.name))


def _extracted(archive: tarfile.TarFile, member: tarfile.TarInfo, limit: int, place: str) -> bytes:
    if member.size > limit:
        raise DataError(f"{place} has {member.size:,} bytes; at most {limit:,} are read")
    file = archive.extractfile(member)
    assert file is not None  # a regular file
    return file.read()


def _cells(suffix: str, content: bytes, place: str) -> dict[str, object]:
    if suffix == ".json":
        try:
            return msgspec.json.decode(content, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise DataError(f"{place} is no JSON object: {error}") from error
    text = as_text(content, place)
    return {TEXT: text} if suffix == CAPTION else {LABEL: int(text) if text.isdigit() else text}


def as_text(content: bytes, place: str) -> str:
    """A caption in one line; raises `DataError` where it is not UTF-8."""
    try:
        return " ".join(content.decode("utf-8-sig").split())
    except UnicodeDecodeError as error:
        raise DataError(f"{place} is not UTF-8: {error}") from error
