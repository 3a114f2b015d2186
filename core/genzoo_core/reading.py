"""Reading files that a user or a stranger names: no pipe or device, and nothing without end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def open_regular(path: str | Path) -> BufferedReader:
    """A regular file to read from.

    Raises:
        OSError: It cannot be opened, or is a pipe, a device or a folder; `strerror` says which.
    """
    try:
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    except IsADirectoryError as error:
        raise OSError(errno.EISDIR, "not a file", str(path)) from error
    except ValueError as error:  # a NUL, or text that is no file's name
        raise OSError(errno.EINVAL, "no file can have that name") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a file", str(path))
    return file


def read_bytes(path: str | Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises:
        OSError: It cannot be read, is a pipe, a device or a folder, or is larger; `strerror` says
            which.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes", str(path))
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe at once, though nobody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
