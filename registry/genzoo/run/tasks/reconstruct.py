"""Input pictures, encoded and decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genzoo.run.tasks.abilities import can_vary, codec_of
from genzoo.run.tasks.task import Batch, OfInputs, Plan
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.zoo import Opened


class Reconstruct(OfInputs):
    """A reconstruction of each input, shown below it."""

    def check(self) -> None:
        if self.request.n is not None:
            raise UsageError(
                "-n does not go with --input: each input is reconstructed once",
                "add --strength 0.6 to vary it",
            )
        super().check()

    def require(self, opened: Opened) -> None:
        try:
            codec_of(opened)
        except UsageError as error:
            if not can_vary(opened):
                raise
            raise UsageError(error.message, "add --strength 0.6 to vary it") from None

    def make(self, batch: Batch) -> Tensor:
        return codec_of(batch.plan.opened).reconstruct(batch.inputs, batch.condition)

    def above(self, plan: Plan) -> Tensor | None:
        return plan.inputs
