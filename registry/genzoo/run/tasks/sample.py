"""Pictures from noise."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genzoo.run.tasks.abilities import sampler_of
from genzoo.run.tasks.task import Batch, Task

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep, Start
    from genzoo_core.rng import Rng
    from genzoo_core.zoo import Opened


class Sample(Task):
    """Each picture draws its noise from a generator with its own seed."""

    draws = True
    guides = True

    @property
    def seed(self) -> int:
        """A random one of 32 bits unless the request has one."""
        if self.request.seeds:
            return self.request.seeds[0]
        return secrets.randbits(32) if self.request.seed is None else self.request.seed

    def require(self, opened: Opened) -> None:
        sampler_of(opened)

    def make(self, batch: Batch) -> Tensor:
        from genzoo_core.rng import SampleRng

        return draw(batch, SampleRng(batch.seeds))

    def summary(self, seeds: Sequence[int]) -> str:
        if len(self.request.seeds) > 1:
            return "each row from a seed of its own"
        return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"


def draw(
    batch: Batch, rng: Rng, on_step: OnStep | None = None, *, start: Start | None = None
) -> Tensor:
    """Pictures of a batch; `on_step` in place of the batch's."""
    plan = batch.plan
    # Only what the request uses is passed: most models take none of it.
    further = {"start": start, "negative": batch.negative}
    return sampler_of(plan.opened).sample(
        rng,
        batch.conditions,
        plan.options,
        on_step or batch.on_step,
        **{name: value for name, value in further.items() if value is not None},
    )
