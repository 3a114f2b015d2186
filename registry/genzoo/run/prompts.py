"""Files of prompts, a row at a time: text, JSON lines, CSV and parquet."""

from __future__ import annotations

import hashlib
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import BufferedRandom, BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import msgspec

from genzoo.files.libraries import need_pyarrow
from genzoo.files.splits import csv_rows
from genzoo.run.conditions import check_text
from genzoo.run.outputs.record import MAX_RECORD
from genzoo.text import brief, listed, one_line, quoted, shown_path
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.reading import open_regular
from genzoo_core.request import MOST_PICTURES

PROMPT = ("prompt", "text", "caption", "label")
"""Columns of which the first that is there holds the prompts."""
SEED = "seed"
"""The column with the seed of a row's first picture."""

MAX_LINE = 2**20
"""Most bytes of a line, and of a row of a CSV file."""
MAX_STDIN = 2**30
"""Most bytes that are taken from stdin; they wait in a temporary file."""

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SEED = re.compile(r"[0-9]{1,19}")

Cells = Mapping[str, Any]
Raw = tuple[str, Any]
"""Where a row is ("line 3"), and what is there: a line, or values by their columns."""


class PromptRow(NamedTuple):
    """What a row asks for.

    Attributes:
        place: Where it is, for messages: "line 3 of captions.txt".
        prompt: None where the rows have none.
        conditions: Further conditions, by name.
        seed: Of its first picture; None where rows have none.
    """

    place: str
    prompt: str | None
    conditions: Mapping[str, str]
    seed: int | None


class PromptFile:
    """Rows in a file, or on stdin, which is "-".

    A `.jsonl` file has an object a line, a `.csv` file names its columns in the first row, a
    `.parquet` file is a table; any other file, and stdin, is a prompt a line, or, where stdin
    begins with "{", an object a line. Blank lines are passed over.

    Raises:
        UsageError: It cannot be read; what is wrong with a row is said when that is read.
    """

    def __init__(self, path: str) -> None:
        self.name = "stdin" if path == "-" else shown_path(path)
        suffix = "" if path == "-" else Path(path).suffix.lower()
        if suffix == ".json":
            raise UsageError(f"{self.name}: prompts are read from JSON lines", "name it .jsonl")
        self._file = _stdin() if path == "-" else _opened(path)
        self._stamp = self._stamped()
        if suffix == ".ndjson" or (path == "-" and self._file.read(1) == b"{"):
            suffix = ".jsonl"
        readers: dict[str, tuple[Callable[[], Iterator[Raw]], Callable[[str, Any], Cells]]] = {
            ".csv": (self._csv, lambda _, cells: cells),
            ".parquet": (self._parquet, lambda _, cells: cells),
            ".jsonl": (self._lines, _object),
        }
        self._raws, self._cells = readers.get(suffix, (self._lines, _text))
        self._columns: frozenset[str] | None = None

    def raws(self) -> Iterator[Raw]:
        """The rows from the first on, each to be read by `read`; one iterator at a time."""
        self._file.seek(0)
        return self._raws()

    def read(self, raw: Raw) -> PromptRow:
        """A row of `raws`.

        Raises:
            UsageError: It is malformed, or has other columns than the first.
        """
        place, content = raw
        place = f"{place} of {self.name}"
        cells = {name: value for name, value in self._cells(place, content).items() if _is(value)}
        if self._columns is None:
            self._columns = frozenset(cells)
        if self._columns != cells.keys():
            here, first = (listed(sorted(names)) or "nothing" for names in (cells, self._columns))
            others = listed(sorted(self._columns.symmetric_difference(cells)))
            hint = f"give every row a value of {others}, or none"
            raise UsageError(f"{place} has {here}, the first row {first}", hint)
        seed = _seed(cells.pop(SEED), place) if SEED in cells else None
        texts = {name: _as_text(name, value, place) for name, value in cells.items()}
        column = next((name for name in PROMPT if name in texts), None)
        prompt = None if column is None else texts.pop(column)
        return PromptRow(place, prompt, texts, seed)

    def digest(self) -> str:
        """sha256 of its bytes."""
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def check_unchanged(self) -> None:
        """Refuse a file that was written to since it was opened."""
        if self._stamped() != self._stamp:
            raise UsageError(f"{self.name} changed while it was read", "try again")

    def _stamped(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns

    def _lines(self) -> Iterator[Raw]:
        for number, line in self._numbered():
            if line.strip():
                yield f"line {number}", line

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        """The lines with their numbers, none of them longer than `MAX_LINE`."""
        number = 0
        while line := self._file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise UsageError(f"line {number} of {self.name} has more than {MAX_LINE:,} bytes")
            if number == 1:
                if line.startswith(_UTF_16):
                    raise UsageError(f"{self.name} is UTF-16", "save it as UTF-8")
                line = line.removeprefix(_BOM)
            yield number, line

    def _csv(self) -> Iterator[Raw]:
        size = 0

        def lines() -> Iterator[str]:
            nonlocal size
            for number, line in self._numbered():
                size += len(line)
                if size > MAX_LINE:  # in quotes that do not end
                    raise UsageError(
                        f"the row at line {number} of {self.name} has more than {MAX_LINE:,} bytes"
                    )
                yield _decoded(line, f"line {number} of {self.name}")

        with self._errors():
            for number, cells in csv_rows(lines(), self.name):
                size = 0
                yield f"line {number}", cells

    def _parquet(self) -> Iterator[Raw]:
        need_pyarrow(f"reading {self.name}")
        from pyarrow import types
        from pyarrow.parquet import ParquetFile

        number = 0
        with self._errors():
            table = ParquetFile(self._file)
            for field in table.schema_arrow:
                if types.is_nested(field.type) or "binary" in str(field.type):
                    there = f"{self.name} has the column {quoted(field.name)} of {field.type}"
                    raise UsageError(there, "prompts, conditions and seeds are text and numbers")
            for batch in table.iter_batches(batch_size=256):
                for cells in batch.to_pylist():
                    number += 1
                    yield f"row {number}", cells

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Within it, whatever the parsers of a table raise says that it cannot be read."""
        try:
            yield
        except UsageError:
            raise
        except GenzooError as error:
            raise UsageError(error.message, error.hint) from error
        except (GeneratorExit, MemoryError):
            raise
        except Exception as error:
            raise UsageError(f"{self.name} cannot be read: {one_line(error)}") from error


def open_prompts(path: str | None, prompts: Sequence[str]) -> PromptFile | None:
    """The file at `path`, where it is not None and no other `prompts` were given."""
    if path is None:
        return None
    if prompts:
        raise UsageError("prompts are in the command and in a file", "give one or the other")
    return PromptFile(path)


def rows_as_fields(file: PromptFile) -> dict[str, Any]:
    """All rows of a file as fields of a request: `prompts`, `conditions` and `seeds`.

    Raises:
        UsageError: There are none, or more than the record of a run holds.
    """
    rows: list[PromptRow] = []
    size = 0
    for row in map(file.read, file.raws()):
        rows.append(row)
        size += sum(map(len, (row.prompt or "", *row.conditions.values())))
        if size > MAX_RECORD or len(rows) > MOST_PICTURES:
            raise UsageError(
                f"{file.name} has more than the {MAX_RECORD:,} bytes, or the {MOST_PICTURES:,} "
                "rows, that one run takes",
                "make shards: -o FOLDER --shards",
            )
    check_some(rows, file)
    names = rows[0].conditions
    return {
        "prompts": tuple(row.prompt for row in rows if row.prompt is not None),
        "conditions": {name: tuple(row.conditions[name] for row in rows) for name in names},
        "seeds": tuple(row.seed for row in rows if row.seed is not None),
    }


def check_some(rows: Iterable[PromptRow], file: PromptFile) -> None:
    """Refuse a file without rows, or whose rows say nothing."""
    first = next(iter(rows), None)
    if first is None or (first.prompt is None and not first.conditions and first.seed is None):
        raise UsageError(f"{file.name} holds no prompts")


def _opened(path: str) -> BufferedReader:
    try:
        return open_regular(path)
    except OSError as error:
        raise UsageError(f"cannot read {shown_path(path)}: {error.strerror}") from error


def _stdin() -> BufferedRandom:
    """What comes on stdin, in a temporary file: rows are read more than once."""
    file = TemporaryFile()  # noqa: SIM115
    size = 0
    for chunk in iter(partial(sys.stdin.buffer.read, 2**20), b""):
        size += len(chunk)
        if size > MAX_STDIN:
            raise UsageError(f"stdin has more than {MAX_STDIN:,} bytes", "name a file")
        file.write(chunk)
    file.seek(0)
    return file


def _text(place: str, line: bytes) -> Cells:
    return {PROMPT[0]: _decoded(line, place).strip()}


def _object(place: str, line: bytes) -> Cells:
    try:
        return msgspec.json.decode(line, type=dict[str, str | int | float | None])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        what = f"{place} is no JSON object of texts and numbers"
        raise UsageError(f"{what}: {brief(error)}") from error


def _is(value: object) -> bool:
    """Whether a cell holds something; pandas writes NaN for nothing."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _decoded(line: bytes, place: str) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is not UTF-8", "save the file as UTF-8") from error


def _as_text(name: str, value: object, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{place}: {quoted(name)} is {quoted(value)}; give text or a number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas has ids so
    return check_text(f"{quoted(name)} in {place}", str(value))


def _seed(value: object, place: str) -> int:
    if isinstance(value, str) and _SEED.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{place}: the seed is {quoted(value)}; give a whole number")
    return value
