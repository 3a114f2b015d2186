"""Pictures from noise."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from genzoo.run.tasks.abilities import sampler_of
from genzoo.run.tasks.task import Batch, Plan, Task

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.zoo import Opened


class Sample(Task):
    """Each picture draws its noise from a generator with its own seed."""

    draws = True

    @property
    def seed(self) -> int:
        """A random one of 32 bits unless the request has one."""
        return secrets.randbits(32) if self.request.seed is None else self.request.seed

    def require(self, opened: Opened) -> None:
        sampler_of(opened)

    def check_options(self, plan: Plan) -> None:
        sampler_of(plan.opened).check_options(plan.options)

    def make(self, batch: Batch) -> Tensor:
        from genzoo_core.rng import SampleRng

        model, rng = sampler_of(batch.plan.opened), SampleRng(batch.seeds)
        return model.sample(rng, batch.conditions, batch.plan.options, batch.on_step)

    def told(self, seeds: range) -> str:
        return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
