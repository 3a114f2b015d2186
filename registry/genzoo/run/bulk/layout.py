"""Which pictures are in which shard, and which rank makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from genzoo.text import quoted
from genzoo_core.errors import UsageError
from genzoo_core.request import MOST_PICTURES

Form = Literal["parquet", "webdataset", "arrays"]
"""What a shard is."""
FORMS: tuple[Form, ...] = get_args(Form)

SUFFIXES: dict[Form, str] = {"parquet": "parquet", "webdataset": "tar", "arrays": "safetensors"}

MOST_IN_SHARDS = 10**9
"""Most pictures of one run in shards."""
MOST_SHARDS = 99_999
"""Most shards of one folder: as many as five digits count."""
SIZE, FEW = 1024, 10_000
"""Pictures in a shard by default, 16 batches; more where that made more than so many shards."""


@dataclass(frozen=True)
class Layout:
    """Pictures 0 to `pictures` in shards of `size`; the last may have fewer."""

    pictures: int
    size: int
    form: Form

    @property
    def count(self) -> int:
        """Number of shards."""
        return -(-self.pictures // self.size)

    def span(self, index: int) -> tuple[int, int]:
        """The first picture of a shard, and the one past its last."""
        return index * self.size, min((index + 1) * self.size, self.pictures)

    def name(self, index: int) -> str:
        """The name of a shard's file, as on the Hub: "train-00000-of-00042.parquet"."""
        return f"train-{index:05}-of-{self.count:05}.{SUFFIXES[self.form]}"

    def of_rank(self, rank: int, ranks: int) -> range:
        """The shards that a rank makes, in their order."""
        return range(rank, self.count, ranks)


def lay_out_shards(pictures: int, size: int | None, form: Form) -> Layout:
    """The layout of a run; `size` is the user's, None for the default.

    Raises:
        UsageError: There are too many pictures or shards, or the size is out of range.
    """
    if not 1 <= pictures <= MOST_IN_SHARDS:
        raise UsageError(
            f"{quoted(pictures)} pictures; a run in shards makes from 1 to {MOST_IN_SHARDS:,}"
        )
    if size is None:
        size = max(SIZE, -(-pictures // FEW))
    if not 1 <= size <= MOST_PICTURES:
        raise UsageError(
            f"--shard-size is {quoted(size)}; give a number from 1 to {MOST_PICTURES:,}"
        )
    layout = Layout(pictures, size, form)
    if layout.count > MOST_SHARDS:
        least = -(-pictures // MOST_SHARDS)
        raise UsageError(
            f"{pictures:,} pictures make {layout.count:,} shards; at most {MOST_SHARDS:,} go into "
            "one folder",
            f"give a --shard-size of at least {least}",
        )
    return layout
