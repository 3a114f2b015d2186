"""Pictures from noise."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genzoo.run.tasks.task import Plan, Task, require_sampling, sampler_of

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep
    from genzoo_core.zoo import Opened


class Sample(Task):
    """Each picture draws its noise from a generator with its own seed."""

    draws = True

    @property
    def in_rows(self) -> bool:  # type: ignore[override]
        """A row for each of several prompts."""
        return len(self.request.prompts) > 1

    @property
    def seed(self) -> int:
        """A random one of 32 bits unless asked for."""
        return secrets.randbits(32) if self.request.seed is None else self.request.seed

    def require(self, opened: Opened) -> None:
        require_sampling(opened)

    def check_options(self, plan: Plan) -> None:
        sampler_of(plan.opened).check_options(plan.options)

    def make(
        self,
        plan: Plan,
        conditions: Mapping[str, Tensor],
        start: int,
        stop: int,
        on_step: OnStep | None,
    ) -> Tensor:
        from genzoo_core.rng import SampleRng

        rng = SampleRng(plan.seeds[start:stop])
        return sampler_of(plan.opened).sample(rng, conditions, plan.options, on_step)

    def told(self, seeds: range) -> str:
        return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
