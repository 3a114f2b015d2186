"""Where a comparison is written to."""

from __future__ import annotations

import os
from pathlib import Path

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import GenzooError, UsageError


def check_free(path: Path, *, force: bool) -> None:
    """Check, before any work, that a file can be written.

    Raises:
        UsageError: It exists without `force`, is a folder, or its folder cannot be written into.
    """
    try:
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder")
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it is not a regular file")
        if path.exists() and not force:
            raise UsageError(f"{path} exists", "choose another name, or replace it with --force")
    except OSError as error:  # too long a name
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"cannot write into {path.parent}: Permission denied")


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, replacing one that exists.

    Raises:
        GenzooError: It cannot be written.
    """
    try:
        write_atomically(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        hint = "choose another place"
        raise GenzooError(f"cannot write {path}: {error.strerror}", hint) from error
