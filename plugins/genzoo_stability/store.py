"""The folder of a protocol, in which measured checkpoints are saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from filelock import FileLock, Timeout

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import DataError, UsageError
from genzoo_eval.api import seal, unseal
from genzoo_stability.plan import Settings
from genzoo_stability.results import Row

T = TypeVar("T")
Steps = Annotated[int, msgspec.Meta(ge=1)]


class Store:
    """A folder that one protocol writes in at a time.

    Raises:
        UsageError: It holds the results of other settings.
        DataError: What it holds is damaged, or another process writes in it.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise DataError(
                f"another process measures in {path}", "wait for it, or choose another --out"
            ) from error
        try:
            self._check(settings)
            self.rows = self._read_rows()
        except BaseException:
            self.close()
            raise

    @property
    def runs(self) -> Path:
        """Folder of the trainings."""
        return self.path / "runs"

    def close(self) -> None:
        """Release the folder for other processes."""
        self._lock.release()

    def add(self, row: Row) -> None:
        """Add a checkpoint's figures, on the disk before it returns."""
        with (self.path / "results.jsonl").open("ab") as file:
            file.write(seal("row", row) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.rows.append(row)

    def cached(self, name: str, kind: type[T], make: Callable[[], T]) -> T:
        """What the file of this name holds; made where there is none, or it is damaged."""
        path = self.path / f"{name}.json"
        found = unseal(name, path.read_bytes(), kind) if path.is_file() else None
        if found is None:
            found = make()
            write_atomically(path, seal(name, found) + b"\n")
        return found

    def steps(self) -> dict[str, int]:
        """Steps of the trainings by variant; of those with rows, as long as these say."""
        path = self.path / "steps.json"
        found: dict[str, int] = {}
        if path.is_file():
            with suppress(DataError):
                found = self._decode(path.read_bytes(), dict[str, Steps], path)
        return found | {row.variant: row.total for row in self.rows}

    def write(self, name: str, value: object) -> Path:
        """Write the file of this name; the old one stays until the new one is whole."""
        path = self.path / f"{name}.json"
        content = msgspec.json.format(msgspec.json.encode(value), indent=1)
        write_atomically(path, content + b"\n")
        return path

    def _check(self, settings: Settings) -> None:
        path = self.path / "settings.json"
        if not path.exists():
            self.write("settings", settings)
        before = self._decode(path.read_bytes(), Settings, path)
        old, new = msgspec.to_builtins(before), msgspec.to_builtins(settings)
        changed = [
            f"{name} was {old[name]}, is {new[name]}" for name in new if old[name] != new[name]
        ]
        if changed:
            raise UsageError(
                f"{self.path} was measured with other settings: {'; '.join(changed)}",
                "change them back, or choose another --out",
            )

    def _read_rows(self) -> list[Row]:
        path = self.path / "results.jsonl"
        if not path.exists():
            return []
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:  # a crash left half a line
            write_atomically(path, whole)
        rows = []
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            if (row := unseal("row", line, Row)) is None:
                raise DataError(f"{path} is damaged in line {number}", "choose another --out")
            rows.append(row)
        return rows

    def _decode(self, content: bytes, kind: type[T], path: Path) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise DataError(f"{path} is damaged: {error}", "choose another --out") from error
