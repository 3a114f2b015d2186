"""Caching what is installed, while what it follows from stays the same.

Without the cache, or with a damaged one, all is as before but slower.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import zlib
from collections.abc import Iterable
from importlib import import_module

import msgspec

from genzoo.files.folders import cache_folder
from genzoo_core.plugin import Plugin

FORMAT = 3
"""Version of the file's form."""

SUFFIX = ".index"
MOST = 20
"""Files at most: one for each interpreter, path and set of options in use."""

RACE = 50_000_000
"""Nanoseconds before the start of a search in which a change may have been missed: a file's time
is no finer than some milliseconds, so a second change within them would not show."""

CODE = (
    "genzoo_core.cards",
    "genzoo_core.manifest",
    "genzoo_core.plugin",
    "genzoo.plugins.discovery",
    "genzoo.plugins.manifests",
)
"""Our own modules that say what a manifest means."""

Key = tuple[int, str, str, list[str], bool, str | None, str | None]
Stamp = tuple[str, int | None, int | None]


class Listing(msgspec.Struct, frozen=True, array_like=True):
    """The content of a file: what it holds for, what it follows from, and what was found."""

    key: Key
    watch: list[Stamp]
    plugins: tuple[Plugin, ...]


def open_plugins(*, no_plugins: bool) -> tuple[Plugin, ...]:
    """The plugins that are installed, from the cache where that is still right."""
    chosen = os.environ.get("GENZOO_PLUGINS"), os.environ.get("GENZOO_DISABLE")
    path = [os.path.abspath(entry) for entry in sys.path]
    key = (FORMAT, sys.executable, sys.version, path, no_plugins, *chosen)
    folder = cache_folder()
    file = folder and os.path.join(folder, "index", f"{zlib.crc32(repr(key).encode()):08x}{SUFFIX}")
    found = _read(file, key) if file else None
    return _search(file, key, no_plugins=no_plugins) if found is None else found


def _read(file: str, key: Key) -> tuple[Plugin, ...] | None:
    """The plugins in `file`, or None where it is not there, damaged or out of date."""
    try:
        with open(file, "rb") as stream:
            # It names what a command imports: another user of the machine must not have made it.
            if hasattr(os, "geteuid") and os.fstat(stream.fileno()).st_uid != os.geteuid():
                return None
            checksum, _, content = stream.read().partition(b"\n")
        if int(checksum, 16) != zlib.crc32(content):
            return None
        found = msgspec.json.decode(content, type=Listing)
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    fresh = found.key == key and found.watch == _stamps(path for path, _, _ in found.watch)
    return found.plugins if fresh else None


def _search(file: str | None, key: Key, *, no_plugins: bool) -> tuple[Plugin, ...]:
    """What is installed, which is then cached in `file`."""
    from genzoo.plugins.discovery import discover

    started = time.time_ns()
    plugins, watched = discover(no_plugins=no_plugins)
    code = [os.path.abspath(str(import_module(name).__file__)) for name in CODE]
    watch = _stamps([*key[3], *code, *watched])
    if file and _settled(plugins, watch, started):
        # A path need not be text that JSON can hold: what lies there is searched each time.
        with contextlib.suppress(OSError, UnicodeEncodeError):
            _write(file, msgspec.json.encode(Listing(key, watch, plugins)))
    return plugins


def _stamps(paths: Iterable[str]) -> list[Stamp]:
    """Each path with its time in nanoseconds and its size; None for both where it is not there."""
    stamps: list[Stamp] = []
    for path in dict.fromkeys(paths):
        try:
            status = os.stat(path)
            stamps.append((path, status.st_mtime_ns, status.st_size))
        except OSError:
            stamps.append((path, None, None))
    return stamps


def _settled(plugins: tuple[Plugin, ...], watch: list[Stamp], started: int) -> bool:
    """Whether the stamps will tell of every change from now on."""
    if any(plugin.status == "broken" and not plugin.location for plugin in plugins):
        return False
    recent = range(started - RACE, time.time_ns() + RACE + 1)
    return not any(changed in recent for _, changed, _ in watch if changed is not None)


def _write(file: str, content: bytes) -> None:
    """Write a file, and remove those that were made longest ago."""
    from pathlib import Path

    from genzoo_core.atomic import write_atomically

    folder = os.path.dirname(file)
    os.makedirs(folder, exist_ok=True)
    write_atomically(Path(file), b"%08x\n" % zlib.crc32(content) + content)
    with os.scandir(folder) as entries:
        files = [(e.stat().st_mtime_ns, e.path) for e in entries if e.name.endswith(SUFFIX)]
    for _, path in sorted(files)[:-MOST]:
        os.unlink(path)
