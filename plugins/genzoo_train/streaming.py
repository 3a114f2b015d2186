"""Training on a stream: its rows are read a block at a time, and forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genzoo_core.conditioner import conditioners_of
from genzoo_core.dataset import Dataset, Row, RowReader, Stream, columns_of
from genzoo_core.images import from_uint8
from genzoo_core.recipe import Recipe
from genzoo_core.rng import Rng, SampleRng
from genzoo_core.training import Batch
from genzoo_train.batches import Batches, derive, make_batches, prepare

PLACES = "stream.jsonl"
"""File in the folder of a run that says where each block begins, so that none is searched for."""


class Blocks:
    """The rows of a stream in blocks of `size`; while one is used, the next is read.

    Args:
        places: File that says where blocks begin.
        remember: Write there what it does not say yet.
    """

    def __init__(self, stream: Stream, size: int, places: Path, *, remember: bool) -> None:
        self._stream, self._size, self._places = stream, size, places
        self._remembers = remember
        self._known = _read_places(places)
        self._reader: RowReader | None = None
        self._pool = ThreadPoolExecutor(1, "genzoo-stream")
        self._number, self._rows = -1, list[Row]()
        self._next: tuple[int, Future[list[Row]]] | None = None

    def at(self, number: int) -> Sequence[Row]:
        """The rows of a block.

        Raises:
            DataError: They cannot be had.
        """
        if number != self._number:
            if self._next is None or self._next[0] != number:
                self._go_to(number)
            assert self._next is not None
            self._number, self._rows = number, self._next[1].result()
            following = number + 1
            self._next = None
            if following * self._size < len(self._stream):
                self._begin(following)
        return self._rows

    def _go_to(self, number: int) -> None:
        """Let the reader stand where a block begins, and begin to read it."""
        if self._next is not None:
            self._next[1].exception()  # nobody else may use the reader
        before = max((known for known in self._known if known <= number), default=0)
        self._reader = self._stream.reader(self._known.get(before))
        for passed in range(before, number):
            self._remember(passed, self._reader)
            self._reader.read(self._size)
        self._begin(number)

    def _begin(self, number: int) -> None:
        assert self._reader is not None
        self._remember(number, self._reader)
        self._next = (number, self._pool.submit(self._reader.read, self._size))

    def _remember(self, number: int, reader: RowReader) -> None:
        if number not in self._known:
            self._known[number] = reader.place()
            if not self._remembers:
                return
            with self._places.open("a", encoding="utf-8") as file:
                file.write(json.dumps([number, self._known[number]]) + "\n")


def _read_places(file: Path) -> dict[int, dict[str, Any]]:
    """Where blocks begin, as far as the file says; a line that was cut off is left out."""
    places: dict[int, dict[str, Any]] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                number, place = json.loads(line)
                places[int(number)] = dict(place)
            except (ValueError, TypeError, RecursionError):
                continue
    return places


def _sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on the device that trains: to a GPU from pinned memory, which nobody waits for."""
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


class Streamed(Batches):
    """A stream as a training sees it; what is known of it at once are its first rows.

    Args:
        head: Its first rows.
        prepare: The prepared values of each conditioner, from some rows and their numbers.
    """

    def __init__(
        self,
        stream: Stream,
        blocks: Blocks,
        size: int,
        head: Batches,
        prepare: Callable[[Dataset, Sequence[int]], Mapping[str, Tensor]],
    ) -> None:
        super().__init__(head.images, head.conditions, head.device)
        self._stream, self._size, self._prepare = stream, size, prepare
        self._blocks = blocks

    def __len__(self) -> int:
        return len(self._stream)

    def at(self, indices: Tensor) -> Batch:
        """See `Batches`."""
        numbers = indices.tolist()
        if max(numbers) < len(self.images):
            return super().at(indices)
        rows = [self._blocks.at(n // self._size)[n % self._size] for n in numbers]
        some = Dataset(self._stream.decode(rows), columns_of([row.cells for row in rows]))
        prepared = self._prepare(some, numbers)
        there = {name: _sent(value, self.device) for name, value in prepared.items()}
        return Batch(from_uint8(_sent(some.images, self.device)), there, indices)

    def fingerprint(self) -> str:
        """Says which rows they are: nobody has seen them all."""
        return self._stream.digest


def stream_batches(
    stream: Stream,
    recipe: Recipe,
    module: nn.Module,
    device: torch.device,
    folder: Path,
    *,
    remember: bool,
) -> Streamed:
    """The stream as the module's training sees it; see `make_batches`, which raises the same.

    Args:
        folder: Of the run, where a file says how to go on.
        remember: Write that file; one of several ranks does.
    """
    head = make_batches(stream.head, recipe, module, device)

    def prepare_rows(some: Dataset, numbers: Sequence[int]) -> Mapping[str, Tensor]:
        def rng(name: str) -> Rng:
            # By its number: what is drawn for a row must not depend on its company.
            return SampleRng([derive(recipe.seed, "prepare", name, number) for number in numbers])

        return prepare(some, recipe, conditioners_of(module), rng)

    size = recipe.data.stream
    blocks = Blocks(stream, size, folder / PLACES, remember=remember)
    return Streamed(stream, blocks, size, head, prepare_rows)
