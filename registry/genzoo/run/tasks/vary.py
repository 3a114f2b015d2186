"""Pictures that begin from inputs: variations of them, or of a part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genzoo.run.tasks.abilities import check_varies
from genzoo.run.tasks.sample import Sample, draw
from genzoo.run.tasks.task import Batch
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.zoo import Opened


class Vary(Sample):
    """Variations of each input, or of one for each prompt; each draws the noise of its own seed.

    Where only a part is made, the rest of the input is put back to the pixel.
    """

    @property
    def rows(self) -> int:
        inputs = len(self.request.inputs)
        return inputs if inputs > 1 else super().rows

    @property
    def strength(self) -> float:
        return 1.0 if self.request.strength is None else float(self.request.strength)

    @property
    def in_rows(self) -> bool:
        return self.rows > 1

    @property
    def stem(self) -> str:
        return f"{Path(self.request.inputs[0].path).stem or 'input'}-{self.request.seed}"

    def check(self) -> None:
        if not 0 <= self.strength <= 1:  # NaN is not, either
            raise UsageError(
                f"strength is {self.strength}; give a number from 0, the picture itself, to 1, "
                "nothing of it"
            )
        super().check()

    def require(self, opened: Opened) -> None:
        check_varies(opened, masked=self.request.mask is not None)

    def make(self, batch: Batch) -> Tensor:
        from genzoo_core.model import Start
        from genzoo_core.rng import SampleRng

        on_step = batch.on_step

        def finished(step: int, total: int, x: Tensor) -> None:
            assert on_step is not None
            on_step(step, total, self.finish(batch, x))

        start = Start(batch.inputs, self.strength, batch.mask)
        return draw(batch, SampleRng(batch.seeds), on_step and finished, start=start)

    def finish(self, batch: Batch, made: Tensor) -> Tensor:
        import torch

        mask = batch.mask  # not the model's own, which it may have changed, nor its inputs
        return made if mask is None else torch.where(mask, made, batch.inputs.to(made))

    def summary(self, seeds: Sequence[int]) -> str:
        return f"{super().summary(seeds)}, strength {self.strength:g}"
