"""A folder of shards: whose run it is of, and which of them are there and whole.

`manifest.json` is written first, and again with all shards when the last one is there. Until then
each process notes its shards in a file of its own, so that ranks need not speak to each other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from genzoo.files.writing import check_writable
from genzoo.run.bulk.layout import Form, Layout
from genzoo.text import brief, quoted
from genzoo_core.atomic import write_atomically
from genzoo_core.config import Config
from genzoo_core.errors import UsageError
from genzoo_core.reading import open_regular, read_bytes
from genzoo_core.request import Record

NAME = "manifest.json"
NOTES = ".shards"
"""The folder of what the processes note; it goes when all shards are there."""

FORMAT = 1
MAX_BYTES = 2**26
"""A larger manifest, or file of notes, is not ours."""
SHOWN = 3
"""Differences between two runs that a message names."""

PATIENCE = 1.0
"""Seconds that a manifest may be empty where a file system cannot make one appear whole."""


class Shard(Config):
    """A file with pictures: their number, its size in bytes, and its sha256."""

    name: str
    pictures: int
    size: int
    sha256: str


class PromptSource(Config):
    """The file that the prompts were read from: its name, its rows and its sha256."""

    file: str
    rows: int
    sha256: str


class Manifest(Config):
    """What a folder of shards says of itself.

    Attributes:
        record: How the pictures are made, as in the record of one; `n` are those of each prompt.
        pictures: Their number in all.
        shard_size: Pictures in each shard but the last.
        form: What the shards are.
        prompts: Where the prompts are that are not in the record.
        shards: All of them, once they are there.
        format: Version of this structure.
    """

    record: Record
    pictures: int
    shard_size: int
    form: Form
    prompts: PromptSource | None = None
    shards: tuple[Shard, ...] = ()
    format: int = FORMAT


class ShardFolder:
    """The folder that a run writes its shards into."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, wanted: Manifest, *, seeded: bool) -> Manifest:
        """Take the folder for a run, or go on with the same run; gives what its manifest says.

        Without `seeded`, whose seed was drawn, a run takes the seed of the one that goes on.

        Raises:
            UsageError: It cannot be written, is not empty, or is of another run.
        """
        self._make()
        # Another rank may make the folder, the manifest and a shard at any moment.
        found = self._read() or self._take(wanted)
        if not seeded:
            record = msgspec.structs.replace(wanted.record, seed=found.record.seed)
            wanted = msgspec.structs.replace(wanted, record=record)
        if others := list(_differences(found, wanted)):
            raise UsageError(
                f"{self.path} holds another run: {', '.join(others[:SHOWN])}",
                "choose another folder, or repeat the command that it was begun with",
            )
        return found

    def _make(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UsageError(f"{self.path} exists and is not a folder") from None
        except OSError as error:
            raise UsageError(f"cannot make {self.path}: {error.strerror}") from error
        check_writable(self.path)

    def _take(self, wanted: Manifest) -> Manifest:
        foreign = any(not entry.startswith(".") for entry in os.listdir(self.path))
        if foreign and (found := self._read()):
            return found
        if foreign:
            raise UsageError(f"folder {self.path} is not empty", "choose another for the shards")
        try:
            write_atomically(self.path / NAME, _encode(wanted), replace=False)
        except FileExistsError:
            return self._read() or wanted
        return wanted

    def _read(self) -> Manifest | None:
        """The manifest; None where there is none."""
        path, end = self.path / NAME, time.monotonic() + PATIENCE
        try:
            while not (content := read_bytes(path, MAX_BYTES)) and time.monotonic() < end:
                time.sleep(PATIENCE / 20)
            return msgspec.json.decode(content, type=Manifest)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            text = f"{path} is no manifest of shards that this genzoo reads: {brief(error)}"
            raise UsageError(text, "choose another folder") from error

    def is_whole(self, name: str) -> bool:
        """Whether a shard is there and has the digest that was noted of it."""
        if (noted := self._noted.get(name)) is None:
            return False
        try:
            with open_regular(self.path / name) as file:
                if os.fstat(file.fileno()).st_size != noted.size:
                    return False
                return hashlib.file_digest(file, "sha256").hexdigest() == noted.sha256
        except OSError:
            return False

    @cached_property
    def _noted(self) -> dict[str, Shard]:
        """What is known of shards when this process begins, by their names."""
        return self._notes()

    def _notes(self) -> dict[str, Shard]:
        manifest = self._read()
        found = {shard.name: shard for shard in manifest.shards} if manifest else {}
        for path in sorted((self.path / NOTES).glob("*.jsonl"), key=_changed):
            with suppress(OSError):  # whoever has finished removes it
                for line in read_bytes(path, MAX_BYTES).splitlines():
                    with suppress(msgspec.MsgspecError, UnicodeError):  # a killed process's last
                        shard = msgspec.json.decode(line, type=Shard)
                        found[shard.name] = shard
        return found

    def note(self, shard: Shard, process: str) -> None:
        """Note that a shard is there, in the file of a `process`, such as "3-of-8"."""
        notes = self.path / NOTES
        with suppress(FileNotFoundError):  # where the same run, made twice at once, is complete
            notes.mkdir(exist_ok=True)
            # Begun by a line's end: the last line may be that of a killed process.
            with (notes / f"{process}.jsonl").open("ab") as file:
                file.write(b"\n" + msgspec.json.encode(shard) + b"\n")

    def finish(self, manifest: Manifest, layout: Layout) -> bool:
        """Write all shards into the manifest, where all are there; whether they are."""
        noted = self._notes()
        shards = []
        for name in map(layout.name, range(layout.count)):
            shard, path = noted.get(name), self.path / name
            if shard is None or not path.is_file() or path.stat().st_size != shard.size:
                return False
            shards.append(shard)
        whole = msgspec.structs.replace(manifest, shards=tuple(shards))
        write_atomically(self.path / NAME, _encode(whole))
        shutil.rmtree(self.path / NOTES, ignore_errors=True)
        return True


def _changed(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _encode(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def _differences(there: Manifest, here: Manifest) -> Iterator[str]:
    """In what two runs differ, as a message says it."""
    ours = _facts(here)
    theirs = _facts(there)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield f"{name} is {quoted(theirs.get(name))} there, {quoted(ours.get(name))} here"


def _facts(manifest: Manifest) -> dict[str, Any]:
    """What the shards depend on, by names that a user knows."""
    own = {name: getattr(manifest, name) for name in ("pictures", "shard_size", "form", "format")}
    source = manifest.prompts
    own["prompt_file"] = None if source is None else source.sha256
    facts: dict[str, Any] = {}
    for name, value in {**msgspec.structs.asdict(manifest.record), **own}.items():
        if isinstance(value, Mapping):
            facts |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            facts[name] = value
    return facts
