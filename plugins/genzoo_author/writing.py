"""Writing a folder: whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from genzoo_core.atomic import becoming_folder
from genzoo_core.errors import GenzooError, UsageError


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder, which is new or empty; its parents are made where they do not exist.

    Args:
        folder: Where to.
        files: Contents by path inside it.

    Raises:
        UsageError: Something else is there.
        GenzooError: It cannot be written. Nothing is left behind.
    """
    other = "choose another place with --out"
    home = folder.absolute()  # "." has a name then
    try:
        exists = os.path.lexists(folder)
        if exists and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} exists already", other)
        if not home.parent.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
        with becoming_folder(home) as temporary:
            for name, content in files.items():
                path = temporary / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GenzooError(f"cannot write {str(folder)!r}: {reason}", other) from error
