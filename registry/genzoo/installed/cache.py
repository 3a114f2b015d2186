"""Keeping the index in the user's cache, for as long as what it was made from stays the same.

The index is never needed: one that cannot be read, is damaged or may be out of date is made
again, and a cache that cannot be written to costs time alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from genzoo.installed.index import Index, in_memory
from genzoo_core.errors import PluginError

if TYPE_CHECKING:
    from genzoo.installed.discovery import Found
    from genzoo.installed.records import Span

    Search = Callable[[], tuple[bytes, bytes]]

FORMAT = 2
"""Version of the index's form; one of another version is made again."""

SUFFIX = ".index"
KEPT = 20
"""Indexes kept at most: one for each interpreter, path and set of options in use."""

RACE = 50_000_000
"""Nanoseconds before the start of a search in which a change may have been missed: a file's time
is no finer than some milliseconds, so a second change within them would not show."""


def cache_folder() -> str | None:
    """Where genzoo caches: `GENZOO_CACHE`, or the platform's place; None where there is none."""
    if given := os.environ.get("GENZOO_CACHE"):
        return os.path.abspath(given)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/AppData/Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "genzoo") if os.path.isabs(base) else None


def open_index(*, no_plugins: bool) -> Index:
    """The index of what is installed, from the cache where that is still right.

    Raises:
        UsageError: `GENZOO_PLUGINS` or `GENZOO_DISABLE` names what is not installed.
    """
    key = _key(no_plugins)
    folder = cache_folder()
    file = folder and os.path.join(folder, "index", f"{zlib.crc32(repr(key).encode()):08x}{SUFFIX}")

    def search() -> tuple[bytes, bytes]:
        return _search(file, key, no_plugins=no_plugins)

    return (_open(file, key, search) if file else None) or in_memory(*search())


def _search(file: str | None, key: list[Any], *, no_plugins: bool) -> tuple[bytes, bytes]:
    """Find out what is installed, and keep it in `file`: the index's head, and the rest of it."""
    from genzoo.installed.discovery import discover
    from genzoo.installed.index import encode
    from genzoo.installed.selection import Selection

    started = time.time_ns()
    found = discover(Selection.from_environment(no_plugins=no_plugins))
    head, rest = encode(found)
    watch = _stamps(_watched(found))
    if file and _settled(found, watch, started):
        stamp = {"key": key, "watch": watch, "head": [len(head), zlib.crc32(head)]}
        with contextlib.suppress(OSError):
            _write(file, b"".join((json.dumps(stamp).encode(), b"\n", head, rest)))
    return head, rest


def _key(no_plugins: bool) -> list[Any]:
    """What tells one index from another, as it comes back from JSON."""
    chosen = [os.environ.get(name) for name in ("GENZOO_PLUGINS", "GENZOO_DISABLE")]
    return [FORMAT, sys.executable, sys.version, _search_path(), no_plugins, *chosen]


def _search_path() -> list[str]:
    return [os.path.abspath(entry) for entry in sys.path]


def _watched(found: Sequence[Found]) -> list[str]:
    """What the index follows from: where plugins are looked for, what they say, and our code."""
    import genzoo.installed.discovery
    import genzoo.installed.index
    import genzoo.installed.manifests
    import genzoo_core.cards
    import genzoo_core.manifest

    modules = (
        genzoo_core.cards,
        genzoo_core.manifest,
        genzoo.installed.discovery,
        genzoo.installed.index,
        genzoo.installed.manifests,
    )
    code = [os.path.abspath(str(module.__file__)) for module in modules]
    return [*_search_path(), *code, *dict.fromkeys(file for f in found for file in f.watch)]


def _stamps(paths: Iterable[str]) -> list[list[Any]]:
    """Each path with its time in nanoseconds and its size; None for both where it is not there."""
    stamps: list[list[Any]] = []
    for path in paths:
        try:
            status = os.stat(path)
            stamps.append([path, status.st_mtime_ns, status.st_size])
        except OSError:
            stamps.append([path, None, None])
    return stamps


def _settled(found: Sequence[Found], watch: list[list[Any]], started: int) -> bool:
    """Whether the stamps will tell of every change from now on."""
    if any(f.record.status == "broken" and f.record.location is None for f in found):
        return False
    ended = time.time_ns()
    times = [stamp[1] for stamp in watch if stamp[1] is not None]
    return not any(started - RACE <= changed <= ended + RACE for changed in times)


def _open(file: str, key: list[Any], search: Search) -> Index | None:
    """The index in `file`, or None where it is not there, damaged or out of date."""
    with contextlib.ExitStack() as stack:
        try:
            stream = stack.enter_context(open(file, "rb"))
            # It names what a command imports: another user of the machine must not have made it.
            if hasattr(os, "geteuid") and os.fstat(stream.fileno()).st_uid != os.geteuid():
                return None
            stamp = json.loads(stream.readline())
            size, crc = stamp["head"]
            head = stream.read(size)
            if stamp["key"] != key or zlib.crc32(head) != crc:
                return None
            if stamp["watch"] != _stamps(path for path, _, _ in stamp["watch"]):
                return None
            index = Index(head, _Pieces(stream, stream.tell(), search))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None
        stack.pop_all()  # the pieces keep the file open: another may take its place meanwhile
        return index


class _Pieces:
    """What follows the head of a kept index, read piece by piece.

    Args:
        stream: The open file.
        begin: Where the head ends.
        search: Makes the index again, for when a piece turns out damaged.
    """

    def __init__(self, stream: BinaryIO, begin: int, search: Search) -> None:
        self._stream = stream
        self._begin = begin
        self._search = search
        self._lock = threading.Lock()  # two threads must not move one another's position

    def __del__(self) -> None:
        self._stream.close()

    def __call__(self, span: Span) -> bytes:
        with self._lock:
            piece = self._read(span)
            if piece is None:
                self._stream.close()
                self._stream, self._begin = BytesIO(self._search()[1]), 0
                piece = self._read(span)
        if piece is None:
            raise PluginError("what is installed has changed meanwhile", "start genzoo again")
        return piece

    def _read(self, span: Span) -> bytes | None:
        """A piece, or None where it is not what was written."""
        try:
            self._stream.seek(self._begin + span.start)
            piece = self._stream.read(span.end - span.start)
        except OSError:
            return None
        return piece if zlib.crc32(piece) == span.crc else None


def _write(file: str, content: bytes) -> None:
    """Put `content` in its place at once, so that a reader never sees half of it.

    Raises:
        OSError: It cannot be written.
    """
    import tempfile

    folder = os.path.dirname(file)
    os.makedirs(folder, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
    _sweep(folder)


def _sweep(folder: str) -> None:
    """Remove the indexes that were made longest ago, leftovers of a killed process among them."""
    with os.scandir(folder) as entries:
        indexes = [(e.stat().st_mtime_ns, e.path) for e in entries if e.name.endswith(SUFFIX)]
    for _, path in sorted(indexes)[:-KEPT]:
        os.unlink(path)
