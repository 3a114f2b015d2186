"""Pictures from noise."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from genzoo.run.tasks.abilities import sampler_of
from genzoo.run.tasks.task import Batch, Plan, Task
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep, Start
    from genzoo_core.rng import Rng
    from genzoo_core.zoo import Opened


class Sample(Task):
    """Each picture draws its noise from a generator with its own seed."""

    draws = True
    joins = True
    guides = True

    @property
    def seed(self) -> int:
        """A random one of 32 bits unless the request has one."""
        return secrets.randbits(32) if self.request.seed is None else self.request.seed

    def require(self, opened: Opened) -> None:
        sampler_of(opened)

    def check_options(self, plan: Plan) -> None:
        check_options(plan)

    def make(self, batch: Batch) -> Tensor:
        from genzoo_core.rng import SampleRng

        return draw(batch, SampleRng(batch.seeds))

    def summary(self, seeds: range) -> str:
        return f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"


def check_options(plan: Plan) -> None:
    """Let the model refuse its options; a negative needs some guidance."""
    from genzoo_core.model import Guided

    model = sampler_of(plan.opened)
    model.check_options(plan.options)
    if plan.negative is None:
        return
    assert isinstance(model, Guided)  # as the plan has found
    asked = bool(plan.raws)
    if (scale := model.guidance(plan.options, asked=asked)) in (0, 1):
        hint = "set a --guidance above 1"
        if hasattr(plan.options, "guidance"):
            try:  # that would be refused as well where nothing can guide
                model.guidance(msgspec.structs.replace(plan.options, guidance=2.0), asked=asked)
            except UsageError as error:
                hint = f"leave it out: {error.message}"
        raise UsageError(f"with guidance {scale:g} nothing leads away from a negative prompt", hint)


def draw(
    batch: Batch, rng: Rng, on_step: OnStep | None = None, *, start: Start | None = None
) -> Tensor:
    """Pictures of a batch, by what its model can do: see `Varying` and `Guided`.

    `on_step` stands for that of the batch.
    """
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
