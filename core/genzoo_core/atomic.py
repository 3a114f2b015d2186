"""Files and folders that appear whole or not at all. Imports no torch."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"(\.genzoo-[0-9a-f]{12})(-lock|\..*)?", re.DOTALL)
"""Names of temporary files and folders; what they have in common stands before `-lock`."""


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
    with beside(path) as temporary:
        yield temporary
        _sync(temporary)
        _move(temporary, path, replace)
        _sync(path.parent)


@contextmanager
def becoming_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """A new folder whose files are those of folder `path` at the end of the block.

    Where there is no such folder before the block, it appears whole. One that is there is filled
    at the end; with `replace` it may hold files, of which those of the same names are replaced.

    Raises:
        FileExistsError: `path` is a file, or, without `replace`, a folder that holds something.
        OSError: It cannot be written; nothing is left of the attempt.
    """
    with beside(path / "_" if path.is_dir() else path) as temporary:
        temporary.mkdir()
        yield temporary
        _sync_all(temporary)
        if temporary.parent == path or not _rename_folder(temporary, path):
            _fill(path, temporary, replace)
        _sync(path.parent)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A hidden name in the same folder for a file or folder, which is gone after the block.

    What killed processes left there is removed first: a living one holds a lock on a file
    beside its own, which the system releases however the process ends.
    """
    _sweep(path.parent)
    while True:
        key = f".genzoo-{secrets.token_hex(6)}"
        lock = path.with_name(f"{key}-lock")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if _lock(handle) is not False and lock.exists():
            break
        os.close(handle)  # a sweep of another process came in between
    temporary = path.with_name(key + path.suffix)
    try:
        yield temporary
    finally:
        try:
            _remove(temporary)
        finally:
            os.close(handle)
            lock.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove the temporary files and folders that no living process holds."""
    left: dict[str, list[str]] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if match := _TEMPORARY.fullmatch(entry.name):
                left.setdefault(match[1], []).append(entry.name)
    for key, names in left.items():
        lock = folder / f"{key}-lock"
        with suppress(OSError):
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
            try:
                if _lock(handle):
                    for name in names:
                        _remove(folder / name)
                    lock.unlink(missing_ok=True)
            finally:
                os.close(handle)


def _lock(handle: int) -> bool | None:
    """Lock an open file: whether no other process holds it; None where files have no locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows, and some network file systems
        return None
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _move(temporary: Path, path: Path, replace: bool) -> None:
    """Give a file its name; unless `replace`, only where nothing has it."""
    if replace or temporary.is_dir():
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # a rename would replace silently
    except FileExistsError:
        raise
    except OSError:  # not every file system has links
        path.open("xb").close()
        temporary.replace(path)


def _rename_folder(temporary: Path, path: Path) -> bool:
    """Give a folder its name, unless a folder with that name holds something by now."""
    try:
        temporary.rename(path)
    except OSError:
        if path.is_dir():
            return False
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        raise
    return True


def _fill(folder: Path, temporary: Path, replace: bool) -> None:
    """Move the files of `temporary` into a folder: unless `replace`, all or none."""
    if not replace and any(not _TEMPORARY.fullmatch(name) for name in os.listdir(folder)):
        raise FileExistsError(folder)
    names, moved = sorted(os.listdir(temporary)), 0
    try:
        for name in names:
            _move(temporary / name, folder / name, replace)
            moved += 1
    except BaseException:
        for name in names[:moved] if not replace else ():
            _remove(folder / name)
        raise


def _sync_all(folder: Path) -> None:
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync(Path(place, name))
        _sync(Path(place))


def _sync(path: Path) -> None:
    """Let a file, or the names in a folder, survive a crash of the machine too."""
    # Not every system can do that for a folder.
    with suppress(OSError) if path.is_dir() else nullcontext():
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
