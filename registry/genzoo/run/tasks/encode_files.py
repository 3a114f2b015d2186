"""The latents of many picture files, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from genzoo.files.pictures import InputPicture, read_input, stack
from genzoo.run.outputs.reading import in_true_size
from genzoo.run.tasks import task_of
from genzoo.run.tasks.encode import make_latents
from genzoo.text import many, shown_path
from genzoo_core.errors import GenzooError, UsageError
from genzoo_core.picture_files import decode, find_pictures, left_out, read_content
from genzoo_core.pictures import Latents
from genzoo_core.request import Input, Record

if TYPE_CHECKING:
    from genzoo.run.tasks.task import Plan

SAID = 5
"""Files that cannot be read of which each is named; the rest are counted."""


@dataclass(frozen=True)
class PictureFile:
    """A picture file, and what its row is called."""

    name: str
    path: Path


@dataclass(frozen=True)
class Encoded:
    """The latents of the files of a batch, with their names."""

    names: tuple[str, ...]
    latents: Latents


def picture_files(inputs: Sequence[Path], note: Callable[[str], None]) -> list[PictureFile]:
    """The files among `inputs`, and those in its folders, in the order of their names.

    In the only folder they are called by their paths in it, else as they lie.

    Raises:
        UsageError: A folder holds no picture, or cannot be read.
    """
    files = []
    for path in inputs:
        if not path.is_dir():
            files.append(PictureFile(shown_path(path), path))
            continue
        found = find_pictures(path)
        if not found.pictures:
            raise UsageError(f"folder {path} holds no pictures", left_out(found.others) or None)
        if other := left_out(found.others):
            note(f"{path}: {other}")
        for each in found.pictures:
            name = each.relative_to(path) if len(inputs) == 1 else each
            files.append(PictureFile(shown_path(name), each))
    return files


def first_picture(files: Sequence[PictureFile]) -> Path:
    """The first file that is a picture, by which a model is planned for.

    Raises:
        UsageError: None of them is.
    """
    for file in files[:1000]:
        try:
            decode(read_content(file.path), shown_path(file.path))
        except UsageError as error:
            last = error
            continue
        return file.path
    raise last


def encode_files(
    plan: Plan,
    files: Sequence[PictureFile],
    batch: int,
    *,
    background: int,
    note: Callable[[str], None],
    on_progress: Callable[[int, int], None],
) -> Iterator[Encoded]:
    """The latents of all files, `batch` at a time; what cannot be read is named and left out.

    `plan` is that of one of them.

    Raises:
        GenzooError: None can be read, or the model fails.
    """
    reader = _Reader(plan, background, note)
    read = reader.read(files)
    done = 0
    while some := list(islice(read, batch)):
        latents = make_latents(_of(plan, [picture for _, picture in some]))
        yield Encoded(tuple(file.name for file, _ in some), latents)
        done += len(some)
        on_progress(done + reader.bad, len(files))
    reader.conclude(len(files))


def record_of(plan: Plan, batch: int) -> Record:
    """The record of the latents of many files, whose names stand beside them."""
    return msgspec.structs.replace(plan.record, inputs=(), batch=batch)


class _Reader:
    """Reads the files of a folder, and says what was made of them."""

    def __init__(self, plan: Plan, background: int, note: Callable[[str], None]) -> None:
        assert plan.inputs is not None
        channels, height, width = plan.inputs.shape[1:]
        self._shape = (channels, height, width)
        self._background, self._note = background, note
        self._converted, self._first = 0, ""
        self.bad = 0

    def read(self, files: Sequence[PictureFile]) -> Iterator[tuple[PictureFile, InputPicture]]:
        for file in files:
            try:
                picture = read_input(
                    Input(str(file.path)), self._shape, self._background, in_true_size
                )
            except UsageError as error:
                self.bad += 1
                if self.bad <= SAID:
                    self._note(f"left out: {error}")
                continue
            if picture.note:
                self._converted += 1
                self._first = self._first or picture.note
            yield file, picture

    def conclude(self, count: int) -> None:
        if self.bad > SAID:
            self._note(f"left out: {many(self.bad - SAID, 'more file')}")
        if self.bad == count:
            raise GenzooError("none of the files can be read")
        if self._converted:
            others = f", and {many(self._converted - 1, 'other')}" if self._converted > 1 else ""
            self._note(self._first + others)


def _of(plan: Plan, pictures: Sequence[InputPicture]) -> Plan:
    """The plan of some pictures, from that of one."""
    inputs = tuple(picture.record for picture in pictures)
    record = msgspec.structs.replace(plan.record, inputs=inputs, batch=len(pictures))
    raws = {name: values[:1] * len(pictures) for name, values in plan.raws.items()}
    return replace(plan, task=task_of(record), record=record, raws=raws, inputs=stack(pictures))
