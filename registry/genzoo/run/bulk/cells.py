"""What a shard says of each picture: its number, seed and conditions, and its PNG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.outputs.style import Style
from genzoo.run.tasks.task import Batch, Plan
from genzoo_core.pictures import Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.conditioner import Conditioner

DIGITS = 9
"""Digits of a picture's number in the names of files."""

ALONE = Style(parameters=False, xmp=False)
"""Pictures in shards carry the record alone: there are many, and programs read them."""

Cell = str | int | None


@dataclass(frozen=True)
class Column:
    """A condition; `classes` are the names of its ids, None for a text."""

    name: str
    classes: tuple[str, ...] | None


def columns_of(plan: Plan) -> tuple[Column, ...]:
    """The conditions of a run's pictures."""
    from genzoo_core.conditioner import conditioners_of

    conditioners = conditioners_of(plan.opened.module)
    return tuple(Column(name, _classes(conditioners[name])) for name in plan.raws)


def _classes(conditioner: Conditioner) -> tuple[str, ...] | None:
    """Names of ids, no two of which are one; None of a conditioner without ids."""
    if conditioner.categories is None:
        return None
    names = tuple(map(conditioner.category, range(conditioner.categories)))
    return names if len(set(names)) == len(names) else tuple(map(str, range(len(names))))


@dataclass(frozen=True)
class Made:
    """Some pictures of a shard, which follow those before.

    Attributes:
        images: uint8 `[N, C, H, W]`.
        record: Of these pictures, in the shard's own run.
        first: Number of the first in the whole run, and in that of its shard.
        cells: Of each column, by its name, the value of each picture.
    """

    plan: Plan
    images: Tensor
    record: Record
    seeds: Sequence[int]
    first: tuple[int, int]
    cells: Mapping[str, list[Cell]]

    @classmethod
    def of(cls, plan: Plan, pictures: Pictures, shard: int, columns: tuple[Column, ...]) -> Made:
        """What was made of a shard's plan; `shard` is the number of its first picture."""
        from genzoo_core.images import to_uint8

        start, stop = pictures.record.pictures or (0, plan.count)
        batch = Batch(plan, start, stop)
        cells = {column.name: _cells(batch, column) for column in columns}
        images, first = to_uint8(pictures.images), (shard + start, start)
        return cls(plan, images, pictures.record, pictures.seeds, first, cells)

    def pngs(self) -> Iterator[tuple[str, bytes, int]]:
        """Of each picture its number in the run, in nine digits, a PNG with the record that makes
        it alone, and its seed."""
        from genzoo.run.outputs.images import picture_png

        number, own = self.first
        for offset, (image, seed) in enumerate(zip(self.images, self.seeds, strict=True)):
            png = picture_png(image, self._alone(own + offset), ALONE)
            yield f"{number + offset:0{DIGITS}}", png, seed

    def _alone(self, index: int) -> Record:
        """The record of one picture, by its number in the shard."""
        if self.plan.task.rows == 1:  # it is made in the same batch, so it rounds in the same way
            return msgspec.structs.replace(self.record, pictures=(index, index + 1))
        record = self.plan.record
        return msgspec.structs.replace(
            record,
            prompts=record.prompts[index : index + 1],
            conditions={name: _text(self.plan, name, index) for name in record.conditions},
            seed=self.plan.seeds[index],
            seeds=(),
            batch=1,
        )


def _cells(batch: Batch, column: Column) -> list[Cell]:
    if column.classes is not None:
        ids: list[int] = batch.conditions[column.name].tolist()
        return [i if i < len(column.classes) else None for i in ids]  # the last is null
    return [_text(batch.plan, column.name, row) for row in batch.rows]


def _text(plan: Plan, name: str, row: int) -> str:
    """The text of a condition in a row; the first condition is not in the record by its name."""
    texts = plan.record.conditions.get(name, plan.record.prompts)
    return texts if isinstance(texts, str) else texts[row % len(texts)]
