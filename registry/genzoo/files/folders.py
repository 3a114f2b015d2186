"""The user's folders: the cache, the configuration, and his own models."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def cache_folder() -> str | None:
    """The cache: `GENZOO_CACHE`, or the platform's place; None where there is none."""
    return _folder("GENZOO_CACHE", "user_cache_dir", "XDG_CACHE_HOME", ".cache")


def config_folder() -> Path:
    """What a user decided: `GENZOO_CONFIG`, or the platform's place."""
    from pathlib import Path  # no listing needs it

    found = _folder("GENZOO_CONFIG", "user_config_dir", "XDG_CONFIG_HOME", ".config")
    return Path(found) if found else Path.home() / ".genzoo"


def models_folder() -> str | None:
    """A user's own list of models and their copies: `GENZOO_MODELS`, or his data; or None."""
    return _folder("GENZOO_MODELS", "user_data_dir", "XDG_DATA_HOME", ".local/share")


def models_file() -> str | None:
    """The file with that list; None where there is no place for it."""
    folder = models_folder()
    return folder and os.path.join(folder, "models.json")


def _folder(variable: str, property_: str, xdg: str, hidden: str) -> str | None:
    if override := os.environ.get(variable):
        return os.path.abspath(override)
    if sys.platform == "darwin":
        from platformdirs.macos import MacOS

        return str(getattr(MacOS("genzoo"), property_))
    if sys.platform == "win32":
        from platformdirs.windows import Windows

        roaming = property_ == "user_config_dir"
        dirs = Windows("genzoo", appauthor=False, roaming=roaming, opinion=False)
        return str(getattr(dirs, property_))
    # As platformdirs finds it, whose import would cost each listing as much as a third of click's.
    base = os.environ.get(xdg) or os.path.expanduser(f"~/{hidden}")
    return os.path.join(base, "genzoo") if os.path.isabs(base) else None
