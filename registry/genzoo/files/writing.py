"""Writing what a user named, with errors that say what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from genzoo_core.atomic import becoming, beside
from genzoo_core.errors import GenzooError, UsageError


@contextmanager
def new_file(path: Path, *, replace: bool = True) -> Iterator[IO[bytes]]:
    """A file to write in, which becomes `path` whole at the end of the block.

    Raises:
        FileExistsError: `path` exists, and `replace` is False.
        GenzooError: It cannot be written; nothing is left of the attempt.
    """
    try:
        with becoming(path, replace=replace) as temporary, temporary.open("wb") as file:
            yield file
    except FileExistsError:
        raise
    except OSError as error:
        raise write_failure(path, error) from error


def check_writable(folder: Path) -> None:
    """Refuse a folder, as a `UsageError`, in which no file can be made, by making one."""
    try:
        with beside(folder / "probe") as probe:
            probe.touch()
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error


def write_failure(path: Path, error: OSError) -> GenzooError:
    """What to say of a file or folder that could not be written."""
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            reason = f"the disk is full: {free:,} bytes are free"
    return GenzooError(f"cannot write {path}: {reason}", "choose another place with -o")
