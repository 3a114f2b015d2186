"""What is installed, read as what strangers may have put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from genzoo.files.reading import read_bytes

MAX_METADATA = 2**22
"""Bytes of the largest file of a distribution's metadata that is read."""


class Installed(metadata.PathDistribution):
    """A distribution in a folder, whose files may be pipes, devices or without end."""

    @property
    def folder(self) -> Path:
        """Its `.dist-info`, or what older tools made."""
        return Path(str(self._path))

    def read_text(self, filename: str | os.PathLike[str]) -> str | None:
        """A file of the metadata, or None where it is not there.

        Raises:
            OSError: It cannot be read, is no regular file, or has more than `MAX_METADATA` bytes.
            UnicodeDecodeError: It is not UTF-8.
        """
        try:
            return read_bytes(self.folder / filename, MAX_METADATA).decode("utf-8")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


def distributions() -> Iterator[Installed]:
    """Those in the folders of `sys.path`, in its order; a plugin in an archive cannot be read."""
    for found in metadata.distributions():
        path = getattr(found, "_path", None)  # no public way leads to it
        if isinstance(path, Path):
            yield Installed(path)
