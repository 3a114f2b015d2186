"""Pictures of several plans in one batch: a picture depends on its own row alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.computing import is_out_of_memory, out_of_memory
from genzoo.run.make import make_batch
from genzoo.run.tasks.task import Batch, Plan
from genzoo_core.pictures import Pictures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from genzoo_core.model import OnStep

    Raws = Mapping[str, Sequence[object]]


def make_together(
    parts: Sequence[tuple[Plan, int, int]], on_step: OnStep | None = None
) -> list[Pictures]:
    """As `genzoo_core.Zoo.make_together`; in two halves where memory runs out, without `on_step`.

    `parts` are the plans, and of each the first picture and the one past the last.
    """
    import torch

    batches = [Batch(*part) for part in parts]
    images = _made(batches, on_step)
    sizes = [len(batch) for batch in batches]
    return [_pictures(*each) for each in zip(batches, torch.split(images, sizes), strict=True)]


def _made(batches: Sequence[Batch], on_step: OnStep | None) -> Tensor:
    import torch

    plan, count = batches[0].plan, sum(map(len, batches))
    try:
        return make_batch(Joined(plan, 0, count, on_step, tuple(batches)))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if count == 1:
            raise out_of_memory(plan) from error
    return torch.cat([_made(half, None) for half in _split(batches, count // 2)])


def _split(batches: Sequence[Batch], at: int) -> tuple[list[Batch], list[Batch]]:
    """The batches of the first `at` pictures, and those of the others."""
    before: list[Batch] = []
    after: list[Batch] = []
    for batch in batches:
        middle = min(batch.start + max(at, 0), batch.stop)
        if middle > batch.start:
            before.append(Batch(batch.plan, batch.start, middle))
        if middle < batch.stop:
            after.append(Batch(batch.plan, middle, batch.stop))
        at -= len(batch)
    return before, after


def _pictures(batch: Batch, images: Tensor) -> Pictures:
    plan, span = batch.plan, (batch.start, batch.stop)
    pictures = None if span == (0, plan.count) else span
    record = msgspec.structs.replace(plan.record, pictures=pictures)
    return Pictures(images, record, tuple(batch.seeds))


@dataclass(frozen=True)
class Joined(Batch):
    """The pictures of several batches as one; its plan is that of the first."""

    parts: tuple[Batch, ...] = ()

    @property
    def seeds(self) -> Sequence[int]:
        return [seed for part in self.parts for seed in part.seeds]

    @property
    def raws(self) -> Raws:
        return _joined([part.raws for part in self.parts])

    @property
    def negative_raws(self) -> Raws | None:
        negative = [raws for part in self.parts if (raws := part.negative_raws) is not None]
        return _joined(negative) if negative else None

    @property
    def inputs(self) -> Tensor:
        import torch

        return torch.cat([part.inputs for part in self.parts])

    @property
    def mask(self) -> Tensor | None:
        import torch

        masks = [mask for part in self.parts if (mask := part.mask) is not None]
        return torch.cat(masks) if masks else None


def _joined(every: Sequence[Raws]) -> Raws:
    return {name: [raw for raws in every for raw in raws[name]] for name in every[0]}
