"""Writing what a user named, with errors that say what to do."""

from __future__ import annotations

import errno
import shutil
from contextlib import suppress
from pathlib import Path

from genzoo_core.atomic import beside, write_atomically
from genzoo_core.errors import GenzooError, UsageError


def put(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file atomically; a `FileExistsError` where it exists, unless `replace`."""
    try:
        write_atomically(path, content, replace=replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise write_failure(path, error, len(content)) from error


def check_writable(folder: Path) -> None:
    """Refuse a folder, as a `UsageError`, in which no file can be made, by making one."""
    try:
        with beside(folder / "probe") as probe:
            probe.touch()
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error


def write_failure(path: Path, error: OSError, size: int = 0) -> GenzooError:
    """What to say of a file of `size` bytes, where they are known, that could not be written."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            needed = f"{size:,} bytes are needed, " if size else ""
            reason = f"the disk is full: {needed}{free:,} bytes are free"
    return GenzooError(f"cannot write {path}: {reason}", "choose another place with -o")
