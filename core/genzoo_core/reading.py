"""Reading a file that a user or a stranger names, in bounded time and memory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from genzoo_core.errors import UsageError

# Opening a pipe or a terminal would wait for whoever writes; Windows knows neither flag.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file, or of one that a link leads to.

    Raises:
        UsageError: It cannot be read, is a folder, a pipe or a device, or has more than `limit`
            bytes.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise UsageError(f"{path} is not a file")
        with open(descriptor, "rb") as file:
            if status.st_size > limit:
                raise UsageError(f"{path} has {status.st_size:,} bytes; at most {limit:,} are read")
            return file.read(limit)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}") from error
