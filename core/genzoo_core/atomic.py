"""Files that appear whole or not at all. Imports no torch."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file so that a crash at any moment leaves the old one, the new one or none.

    Raises:
        FileExistsError: It exists, and `replace` is False.
        OSError: It cannot be written; nothing is left of the attempt.
    """
    with becoming(path, replace=replace) as temporary:
        temporary.write_bytes(content)


@contextmanager
def becoming(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """A path beside `path`, with its suffix, whose file becomes `path` at the end of the block.

    Raises:
        FileExistsError: `path` exists, and `replace` is False.
        OSError: It cannot be written; nothing is left of the attempt.
    """
    temporary = beside(path)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            _link(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A hidden name in the same folder that nothing else has."""
    return path.with_name(f".genzoo-{secrets.token_hex(6)}{path.suffix}")


def _link(temporary: Path, path: Path) -> None:
    """Give the file its name, unless something has it: a rename would replace that silently."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links.
        if path.exists():
            raise FileExistsError(path) from None
        temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    """Let the name survive a crash of the machine too, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
