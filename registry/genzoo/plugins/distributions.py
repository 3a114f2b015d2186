"""What is installed, read as what strangers may have put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo_core.reading import read_bytes

if TYPE_CHECKING:
    from packaging.version import Version

MAX_METADATA = 2**22
"""Bytes of the largest file of a distribution's metadata that is read."""


class Installed(metadata.PathDistribution):
    """A distribution in a folder, whose files may be pipes, devices or without end."""

    @property
    def folder(self) -> Path:
        """Its `.dist-info`, or what older tools made."""
        return Path(str(self._path))

    @property
    def set_aside(self) -> bool:
        """Whether pip renamed it, "~cme-1.0.dist-info", and was ended before it removed it."""
        return self.folder.name.startswith("~")

    def read_text(self, filename: str | os.PathLike[str]) -> str | None:
        """A file of the metadata, or None where it is not there."""
        try:
            return read_bytes(self.folder / filename, MAX_METADATA).decode("utf-8")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def distributions(name: str | None = None) -> Iterator[Installed]:
    """Those in the folders of `sys.path`, or those of a name, in its order; none in an archive."""
    for found in metadata.distributions(name=name):
        path = getattr(found, "_path", None)  # no public way leads to it
        if isinstance(path, Path):
            yield Installed(path)


def installed(name: str) -> Installed | None:
    """The distribution of a name; None where it is not installed."""
    return next(iter(installations(name)), None)


def installed_version(name: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return found.version if (found := installed(name)) else None
    except KeyError:
        return None


def installations(name: str) -> list[Installed]:
    """All of a name, the one that counts first: the first on the path.

    Within one folder it is the newest that is whole: one without name and version is half removed.
    """
    found = [each for each in distributions(name) if not each.set_aside]
    if len(found) < 2:  # as nearly always: nothing is read
        return found
    places = list(dict.fromkeys(each.folder.parent for each in found))

    def rank(each: Installed) -> tuple[int, bool, bool]:
        folder = each.folder
        return places.index(folder.parent), not _is_whole(each), folder.suffix != ".dist-info"

    return sorted(sorted(found, key=_version, reverse=True), key=rank)


def _is_whole(distribution: Installed) -> bool:
    try:
        return bool(distribution.metadata["Name"] and distribution.metadata["Version"])
    except Exception:  # the parser raises whatever a malformed file makes it raise
        return False


def _version(distribution: Installed) -> Version:
    from packaging.version import Version

    try:
        return Version(distribution.version)
    except Exception:
        return Version("0.dev0")
