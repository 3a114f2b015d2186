"""A dataset: its rows, all of it in memory, or as it comes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Row(NamedTuple):
    """A picture of a dataset, before it is decoded.

    Attributes:
        place: Its file, or its row of a table, for messages.
        read: Its content as a file; raises `GenzooError` where it cannot be read.
        cells: The other columns by name, as raw values.
    """

    place: str
    read: Callable[[], bytes]
    cells: Mapping[str, object]


def columns_of(cells: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """The other columns of some rows, by name; None where a row has no such cell."""
    names = dict.fromkeys(name for row in cells for name in row)
    return {name: [row.get(name) for row in cells] for name in names}


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        columns: The other columns by name, each a list of N raw values.
    """

    images: Tensor
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)


class RowReader(ABC):
    """Reads the rows of a stream one after the other."""

    @abstractmethod
    def read(self, n: int) -> list[Row]:
        """The next `n` rows, or what is left.

        Raises:
            DataError: They cannot be had.
        """

    @abstractmethod
    def place(self) -> dict[str, Any]:
        """Where it stands, as JSON has it: a later `Stream.reader` goes on there."""


class Stream(ABC):
    """A dataset that is larger than the disk: its rows come in their order, and are not kept.

    Attributes:
        count: Number of its rows.
        digest: The same digest, the same rows.
        head: The first of them, decoded.
    """

    count: int
    digest: str
    head: Dataset

    def __len__(self) -> int:
        return self.count

    @abstractmethod
    def reader(self, place: Mapping[str, Any] | None = None) -> RowReader:
        """Reads from the first row on, or from where another reader stood."""

    @abstractmethod
    def decode(self, rows: Sequence[Row]) -> Tensor:
        """Pictures of rows, uint8 `[n, C, H, W]`.

        Raises:
            DataError: One is damaged.
        """
