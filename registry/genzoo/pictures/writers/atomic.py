"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genzoo_core.errors import GenzooError, UsageError


def put(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file atomically.

    Args:
        path: Where to; its folder exists.
        data: Its content.
        replace: Replace an existing file.

    Raises:
        FileExistsError: It exists, and `replace` is False.
        GenzooError: It cannot be written.
    """
    with becoming(path, replace=replace, size=len(data)) as temporary:
        temporary.write_bytes(data)


@contextmanager
def becoming(path: Path, *, replace: bool, size: int = 0) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix, that becomes `path` at the end.

    Args:
        path: The file in the end.
        replace: Replace an existing one.
        size: Bytes that will be needed, for the message of a full disk.

    Raises:
        FileExistsError: It exists, and `replace` is False.
        GenzooError: It cannot be written.
    """
    temporary = beside(path)
    try:
        yield temporary
        _settle(temporary, path, replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise _failure(path, error, size) from error
    finally:
        temporary.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A hidden name in the same folder that nothing else has."""
    return path.with_name(f".genzoo-{secrets.token_hex(6)}{path.suffix}")


def check_writable(folder: Path) -> None:
    """Check that files can be made in `folder`, by making one.

    Raises:
        UsageError: They cannot.
    """
    probe = beside(folder / "probe")
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror}") from error


def _settle(temporary: Path, path: Path, replace: bool) -> None:
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    if replace:
        temporary.replace(path)
        return
    try:
        # A rename replaces silently; a link does not, even if the file appeared just now.
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links.
        if path.exists():
            raise FileExistsError(path) from None
        temporary.replace(path)


def _failure(path: Path, error: OSError, size: int) -> GenzooError:
    reason = error.strerror or str(error)
    if error.errno == errno.ENOSPC:
        with suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            reason = f"the disk is full: {size:,} bytes are needed, {free:,} are free"
    return GenzooError(f"cannot write {path}: {reason}", "choose another place with -o")
