"""The user's folders: the cache, what he decided, and his own models.

By hand, since every listing asks: the import of platformdirs costs a third of that of click.
"""

from __future__ import annotations

import os
import sys


def cache_folder() -> str | None:
    """Where genzoo caches: `GENZOO_CACHE`, or the platform's place; None where there is none."""
    return _folder("GENZOO_CACHE", "LOCALAPPDATA", "~/Library/Caches", "XDG_CACHE_HOME", ".cache")


def config_folder() -> str | None:
    """Where genzoo keeps what a user decided: `GENZOO_CONFIG`, or the platform's place."""
    mac = "~/Library/Application Support"
    return _folder("GENZOO_CONFIG", "APPDATA", mac, "XDG_CONFIG_HOME", ".config")


def models_folder() -> str | None:
    """Where a user's own list of models lies, with what was copied: `GENZOO_MODELS`, or his data.

    None where there is no place.
    """
    mac, data = "~/Library/Application Support", ".local/share"
    return _folder("GENZOO_MODELS", "LOCALAPPDATA", mac, "XDG_DATA_HOME", data)


def models_file() -> str | None:
    """Where that list is; None where there is no place."""
    folder = models_folder()
    return folder and os.path.join(folder, "models.json")


def _folder(variable: str, windows: str, mac: str, xdg: str, hidden: str) -> str | None:
    if path := os.environ.get(variable):
        return os.path.abspath(path)
    if sys.platform == "win32":
        base = os.environ.get(windows, "")
    elif sys.platform == "darwin":
        base = os.path.expanduser(mac)
    else:
        base = os.environ.get(xdg) or os.path.expanduser(f"~/{hidden}")
    return os.path.join(base, "genzoo") if os.path.isabs(base) else None
