"""Writing a folder: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from genzoo_core.atomic import becoming_folder
from genzoo_core.errors import GenzooError, UsageError


def check_place(folder: Path) -> None:
    """Check that nothing is where a folder is to be made.

    Raises:
        UsageError: Something is, or its place cannot be looked at.
    """
    try:
        if not os.path.lexists(folder):
            return
        free = folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot write {str(folder)!r}: {reason}") from error
    if not free:
        raise UsageError(f"{folder} exists already", "choose another place with --out")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that `check_place` found free.

    Args:
        folder: Where to; what is above it is made as well.
        files: Contents by path inside it.

    Raises:
        GenzooError: It cannot be written. Nothing is left behind.
    """
    home = folder.absolute()  # "." has a name then
    try:
        if not home.parent.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
        with becoming_folder(home) as temporary:
            for name, content in files.items():
                path = temporary / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GenzooError(
            f"cannot write {str(folder)!r}: {reason}", "choose another place with --out"
        ) from error
