"""Files of a folder of others: none is a pickle, and each is the same whenever it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from genzoo.files.header import is_pickled
from genzoo.files.listing import LocalSource, checked_listing
from genzoo.files.model_file import open_file
from genzoo.files.shards import SUFFIX
from genzoo.files.strict_json import parse_json
from genzoo.text import brief, one_line, quoted
from genzoo_core.errors import GenzooError, WeightsError, did_you_mean
from genzoo_core.formats import Source

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
CODE = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib")
MAX_READ = 10_000_000
"""Size of the largest file that is read into memory whole."""

Stamp = tuple[int, int, int]


class CheckedFiles:
    """The files of a source.

    Attributes:
        name: Of the folder in messages.
        sizes: Size in bytes of each file that can be read, by its name.
        pickles, scripts: Names of those that cannot.
    """

    def __init__(self, source: Source) -> None:
        self.source, self.name = source, str(source.reference)
        every = checked_listing(source)
        self.pickles = [name for name in every if name.lower().endswith(PICKLES)]
        self.scripts = [name for name in every if name.lower().endswith(CODE)]
        others = {*self.pickles, *self.scripts}
        self.sizes = {name: size for name, size in every.items() if name not in others}
        self._digests: dict[str, str] = {}
        self._stamps: dict[str, tuple[Path, Stamp]] = {}

    @property
    def is_local(self) -> bool:
        """Whether nothing has to be fetched."""
        return isinstance(self.source, LocalSource)

    def read(self, name: str) -> bytes:
        """The content of a file of at most `MAX_READ` bytes."""
        with self.open(name) as file:
            data = file.read(MAX_READ + 1)
        if len(data) > MAX_READ:
            raise WeightsError(f"{self.where(name)} has more than {MAX_READ:,} bytes")
        if is_pickled(data):
            raise self.pickled(name)
        self._digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def json(self, name: str) -> Any:
        """The content of a JSON file; Infinity is accepted."""
        try:
            return parse_json(self.read(name).decode(), infinite=True)
        except UnicodeDecodeError:
            raise WeightsError(f"{self.where(name)} is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{self.where(name)} {brief(error)}") from None

    def digest(self, name: str) -> str:
        """sha256 of a file, read or not."""
        if name not in self._digests:
            with self.open(name) as file:
                self._digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[name]

    def refuse_pickles(self) -> None:
        """Refuse files with weights in pickles alone."""
        if any(name.endswith(SUFFIX) for name in self.sizes):
            return
        if self.pickles:
            raise self.pickled(self.pickles[0])
        for name in self.sizes if self.is_local else ():
            self.refuse_pickle(name)

    def refuse_pickle(self, name: str) -> None:
        with self.open(name) as file:
            if is_pickled(file.read(4)):
                raise self.pickled(name)

    def pickled(self, name: str) -> WeightsError:
        """The error for a pickle."""
        name = name.rpartition("/")[2]
        new = name.rpartition(".")[0] or name
        return WeightsError(
            f"{self.name} has its weights in {quoted(name)}, a pickle, which can run any code and "
            "is never loaded",
            "convert it where you trust it: safetensors.torch.save_file("
            f"torch.load({name!r}, weights_only=True), {new + SUFFIX!r})",
        )

    def where(self, name: str) -> str:
        """A file, in messages."""
        return f"{quoted(name)} of {self.name}"

    def path(self, name: str) -> Path:
        """Where a file lies that was opened."""
        return self._stamps[name][0]

    @contextmanager
    def open(self, name: str) -> Iterator[BufferedReader]:
        """A file of the folder, which is the same whenever it is opened."""
        if not (isinstance(name, str) and name in self.sizes):
            if name in self.pickles:
                raise self.pickled(name)
            near = did_you_mean(name, self.sizes) if isinstance(name, str) else None
            raise WeightsError(f"{self.name} has no file {quoted(name)}", near)
        try:
            path = self._stamps[name][0] if name in self._stamps else Path(self.source.fetch(name))
        except GenzooError:
            raise
        except Exception as error:  # a plugin's code
            text = f"{self.where(name)} cannot be fetched: {one_line(error)}"
            raise WeightsError(text) from error
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            _, stamp = self._stamps.setdefault(name, (path, _stamp(status)))
            if status.st_size != self.sizes[name] or _stamp(status) != stamp:
                raise self._changed(name)
            try:
                yield file
            except OSError as error:
                raise WeightsError(f"cannot read {self.where(name)}: {error.strerror}") from None

    def check_unchanged(self) -> None:
        """Check that no file has changed since it was opened."""
        for name, (path, stamp) in self._stamps.items():
            with suppress(OSError):
                if _stamp(os.stat(path)) == stamp:
                    continue
            raise self._changed(name)

    def _changed(self, name: str) -> WeightsError:
        return WeightsError(f"{self.where(name)} changed while it was read", "try again")


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns
