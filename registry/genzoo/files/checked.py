"""Files of a folder of others: each the same whenever it is opened, and none of them a pickle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
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
    """The files of a source but for pickles and scripts, read whole and hashed."""

    def __init__(self, source: Source) -> None:
        self.source, self.name = source, str(source.reference)
        every = checked_listing(source)
        self._pickles = [name for name in every if name.lower().endswith(PICKLES)]
        self.scripts = [name for name in every if name.lower().endswith(CODE)]
        others = {*self._pickles, *self.scripts}
        self.files: dict[str, int] = {n: size for n, size in every.items() if n not in others}
        self._digests: dict[str, str] = {}
        self._stamps: dict[str, tuple[Path, Stamp]] = {}
        self._read: set[str] = set()

    @property
    def digests(self) -> dict[str, str]:
        """sha256 of each file that was read, by name."""
        return {name: self.digest(name) for name in sorted(self._read)}

    @property
    def is_local(self) -> bool:
        """Whether nothing has to be fetched."""
        return isinstance(self.source, LocalSource)

    def read(self, name: str) -> bytes:
        """The content of a file of at most 10 MB."""
        data = self.peek(name)
        self._read.add(name)
        return data

    def peek(self, name: str) -> bytes:
        """As `read`; what a model is does not depend on it."""
        with self._opened(name) as file:
            data = file.read(MAX_READ + 1)
        if len(data) > MAX_READ:
            raise WeightsError(f"{self._where(name)} has more than {MAX_READ:,} bytes")
        if is_pickled(data):
            raise self._pickled(name)
        self._digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def json(self, name: str) -> Any:
        content = self._json(name)
        self._read.add(name)
        return content

    def digest(self, name: str) -> str:
        """sha256 of a file, read or not."""
        if name not in self._digests:
            with self._opened(name) as file:
                self._digests[name] = file_digest(file, "sha256").hexdigest()
        return self._digests[name]

    def finish(self) -> None:
        """Check that what was read has not changed since."""
        for name, (path, stamp) in self._stamps.items():
            with suppress(OSError):
                if _stamp(os.stat(path)) == stamp:
                    continue
            raise self._changed(name)

    def _where(self, name: str) -> str:
        return f"{quoted(name)} of {self.name}"

    def _changed(self, name: str) -> WeightsError:
        return WeightsError(f"{self._where(name)} changed while it was read", "try again")

    def refuse_pickles(self) -> None:
        """Refuse a folder that has its weights in pickles alone."""
        if any(name.endswith(SUFFIX) for name in self.files):
            return
        if self._pickles:
            raise self._pickled(self._pickles[0])
        for name in self.files if self.is_local else ():
            self._refuse_pickle(name)

    def _refuse_pickle(self, name: str) -> None:
        with self._opened(name) as file:
            if is_pickled(file.read(4)):
                raise self._pickled(name)

    def _pickled(self, name: str) -> WeightsError:
        name = name.rpartition("/")[2]
        new = name.rpartition(".")[0] or name
        return WeightsError(
            f"{self.name} has its weights in {quoted(name)}, a pickle, which can run any code and "
            "is never loaded",
            "convert it where you trust it: safetensors.torch.save_file("
            f"torch.load({name!r}, weights_only=True), {new + SUFFIX!r})",
        )

    @contextmanager
    def _opened(self, name: str) -> Iterator[BufferedReader]:
        """A file of the folder; it is the same whenever it is opened."""
        if not (isinstance(name, str) and name in self.files):
            if name in self._pickles:
                raise self._pickled(name)
            near = did_you_mean(name, self.files) if isinstance(name, str) else None
            raise WeightsError(f"{self.name} has no file {quoted(name)}", near)
        try:
            path = self._stamps[name][0] if name in self._stamps else Path(self.source.fetch(name))
        except GenzooError:
            raise
        except Exception as error:  # a plugin's code
            text = f"{self._where(name)} cannot be fetched: {one_line(error)}"
            raise WeightsError(text) from error
        with open_file(path) as file:
            status = os.fstat(file.fileno())
            _, stamp = self._stamps.setdefault(name, (path, _stamp(status)))
            if status.st_size != self.files[name] or _stamp(status) != stamp:
                raise self._changed(name)
            try:
                yield file
            except OSError as error:
                raise WeightsError(f"cannot read {self._where(name)}: {error.strerror}") from None

    def _json(self, name: str) -> Any:
        try:
            return parse_json(self.peek(name).decode(), infinite=True)
        except UnicodeDecodeError:
            raise WeightsError(f"{self._where(name)} is not UTF-8") from None
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{self._where(name)} {brief(error)}") from None


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def digest_of(files: Mapping[str, str]) -> str:
    """The digest of a folder: that of the sorted digests of its files, each with its name."""
    lines = sorted(f"{digest}  {name}\n" for name, digest in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
