"""What lies in a folder of others: listed and checked before anything of it is read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from unicodedata import category

from genzoo.text import quoted
from genzoo_core.errors import WeightsError
from genzoo_core.formats import Source

MAX_FILES, MAX_NAME = 10_000, 1000
"""Most files and folders in one, and most characters of a file's path in it."""


class LocalSource:
    """A folder on this machine, or a link to one. What is hidden is none of its files.

    Raises:
        WeightsError: It cannot be listed, has more than `MAX_FILES`, a link that leads out of it or
            to a folder, or what is no file: a pipe, a socket, a device.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.reference = os.path.abspath(folder)
        self._root = os.path.realpath(folder)
        self._blobs = _blobs_of(Path(self._root))
        self.files: dict[str, int] = {}
        try:
            for name in list(_walk(self._root, self.reference)):  # counted first
                self.files[name] = self._size(name)
        except OSError as error:
            raise WeightsError(f"cannot list {self.reference}: {error.strerror}") from None

    def fetch(self, name: str) -> Path:
        """Where a file lies, which is still in the folder."""
        self._size(name)
        return Path(self._root, name)

    def _size(self, name: str) -> int:
        """The size of a regular file in the folder, or in the Hub's store that it is a view of."""
        where, path = f"{quoted(name)} in {self.reference}", os.path.join(self._root, name)
        real = os.path.realpath(path)
        homes = [home for home in (self._root, self._blobs) if home]
        if not any(real.startswith(os.path.join(home, "")) for home in homes):
            raise WeightsError(f"{where} is a link that leads out of the folder", "remove it")
        try:
            status = os.stat(path)
        except OSError as error:
            raise WeightsError(f"{where} cannot be read: {error.strerror}", "remove it") from None
        if stat.S_ISDIR(status.st_mode):
            raise WeightsError(f"{where} is a link to a folder, which is not followed", "remove it")
        if not stat.S_ISREG(status.st_mode):
            raise WeightsError(f"{where} is no file: a pipe, a socket or a device", "remove it")
        return status.st_size


class FileSource:
    """One file on this machine, as a folder with nothing else in it.

    Its `reference` is its path by default. Raises `WeightsError` where it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], reference: str = "") -> None:
        self._path = os.path.abspath(path)
        self.reference = reference or self._path
        self.name = os.path.basename(self._path)
        try:
            status = os.stat(self._path)
        except OSError as error:
            raise WeightsError(f"cannot read {self.reference}: {error.strerror}") from None
        if not stat.S_ISREG(status.st_mode):
            raise WeightsError(f"{self.reference} is no file")
        self.files: dict[str, int] = {self.name: status.st_size}

    def fetch(self, name: str) -> Path:
        return Path(self._path)


def _walk(root: str, label: str) -> Iterator[str]:
    """Names of all that is no folder; of links to folders, too."""
    waiting, count = [""], 0
    while waiting:
        prefix = waiting.pop()
        with os.scandir(os.path.join(root, prefix)) as entries:
            for entry in entries:
                count += 1
                if count > MAX_FILES:
                    raise _too_many(label)
                if entry.name.startswith("."):
                    continue
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                else:
                    yield name


def _blobs_of(root: Path) -> str | None:
    """Where the Hub's cache holds the bytes of a snapshot, `models--x--y/snapshots/COMMIT`."""
    for folder in root.parents:
        if folder.name == "snapshots" and folder.parent.name.startswith("models--"):
            blobs = folder.parent / "blobs"
            return None if blobs.is_symlink() else str(blobs)
    return None


def checked_listing(source: Source) -> dict[str, int]:
    """The files of a source, by name in alphabetical order; refuses names that lead elsewhere."""
    files: Mapping[str, int] = source.files
    found = dict(islice(files.items(), MAX_FILES + 1))
    if len(found) > MAX_FILES:
        raise _too_many(source.reference)
    for name, size in found.items():
        if not (isinstance(name, str) and _is_name(name)):
            text = f"{source.reference} holds a file with the name {quoted(name)}"
            raise WeightsError(f"{text}, which is not read", "give it a name of plain characters")
        if type(size) is not int or size < 0:
            raise WeightsError(f"{source.reference} gives {quoted(name)} the size {quoted(size)}")
    return dict(sorted(found.items()))


def _is_name(name: str) -> bool:
    """Whether a name is a path inside the folder, without control characters."""
    if len(name) > MAX_NAME or "\\" in name:
        return False
    # Spaces of other scripts are sound, though Python prints none of them.
    odd = not name.isprintable() and any(category(c) in ("Cc", "Cs") for c in name)
    return not odd and not any(step in ("", ".", "..") for step in name.split("/"))


def _too_many(where: str) -> WeightsError:
    text = f"{where} holds more than {MAX_FILES:,} files and folders"
    return WeightsError(text, "name the one with the model")
