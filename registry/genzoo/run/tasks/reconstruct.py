"""Pictures that were given, encoded and decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from genzoo.run.tasks.task import (
    Plan,
    Task,
    codec_of,
    condition_of,
    require_codec,
    stem_of_input,
)
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep
    from genzoo_core.zoo import Opened


class Reconstruct(Task):
    """A reconstruction of each input, shown below it."""

    counts = False

    @property
    def rows(self) -> int:
        return len(self.request.inputs)

    @property
    def in_rows(self) -> bool:  # type: ignore[override]
        """A row for each of several prompts."""
        return len(self.request.prompts) > 1

    @property
    def n(self) -> int:
        return 1

    def check(self) -> None:
        if self.request.n is not None:
            raise UsageError("-n does not go with --input: each input is reconstructed once")
        super().check()

    def require(self, opened: Opened) -> None:
        require_codec(opened)

    def make(
        self,
        plan: Plan,
        conditions: Mapping[str, Tensor],
        start: int,
        stop: int,
        on_step: OnStep | None,
    ) -> Tensor:
        condition = condition_of(plan.opened, conditions, stop - start)
        return codec_of(plan.opened).reconstruct(plan.input_rows(start, stop), condition)

    def above(self, plan: Plan) -> Tensor | None:
        return plan.inputs

    @property
    def stem(self) -> str:
        return stem_of_input(self.request)
