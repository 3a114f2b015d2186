"""A dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Dataset:
    """A dataset in memory.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        columns: The other columns by name, each a list of N raw values.
    """

    images: Tensor
    columns: Mapping[str, Sequence[object]] = field(default_factory=dict)
