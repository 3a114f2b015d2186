"""Pictures that were given, to latents: what `genzoo encode` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from genzoo.run.tasks.task import (
    Plan,
    Task,
    condition_of,
    encoder_of,
    no_encoder,
    stem_of_input,
)
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.encoder import Posterior
    from genzoo_core.model import OnStep
    from genzoo_core.zoo import Opened


class Encode(Task):
    """The posterior of each input."""

    counts = False

    @property
    def rows(self) -> int:
        return len(self.request.inputs)

    @property
    def n(self) -> int:
        return 1

    def require(self, opened: Opened) -> None:
        if encoder_of(opened) is None:
            raise no_encoder(opened)

    def make(
        self,
        plan: Plan,
        conditions: Mapping[str, Tensor],
        start: int,
        stop: int,
        on_step: OnStep | None,
    ) -> NoReturn:
        raise UsageError("latents are no pictures", "`genzoo encode` makes them")

    def posterior(
        self, plan: Plan, conditions: Mapping[str, Tensor], start: int, stop: int
    ) -> Posterior:
        """The posteriors of inputs `start` to `stop`."""
        encoder = encoder_of(plan.opened)
        assert encoder is not None  # `require` saw one
        condition = condition_of(plan.opened, conditions, stop - start)
        return encoder.encode(plan.input_rows(start, stop), condition)

    @property
    def stem(self) -> str:
        return stem_of_input(self.request)
