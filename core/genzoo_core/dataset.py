"""A dataset: its rows, and all of it in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

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


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        columns: The other columns by name, each a list of N raw values.
    """

    images: Tensor
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)
