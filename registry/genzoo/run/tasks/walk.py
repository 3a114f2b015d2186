"""Walks: between the noise of two seeds, or between the latents of two pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from genzoo.run.request import check_seed
from genzoo.run.tasks.abilities import codec_of, condition_of, sampler_of
from genzoo.run.tasks.sample import draw
from genzoo.run.tasks.task import Batch, Task
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.pictures import Pictures
    from genzoo_core.zoo import Opened

STRIP = 8
"""Steps of a walk where their number is not given."""


class Walk(Task):
    """A walk in `n` steps for each prompt."""

    in_rows = True

    @property
    def walks(self) -> int:
        return self.rows

    @property
    def n(self) -> int:
        return STRIP if self.request.n is None else self.request.n

    def along(self, batch: Batch) -> list[float]:
        """How far along its walk each picture is; a walk of one picture stands at its start."""
        return [index % self.n / max(self.n - 1, 1) for index in range(batch.start, batch.stop)]

    def steps(self, pictures: Pictures) -> Tensor:
        """Of an interrupted walk what is whole."""
        steps = min(self.n, len(pictures.images))
        walks = len(pictures.images) // steps
        whole = pictures.images[: walks * steps]
        return whole.reshape(walks, steps, *whole.shape[1:]).transpose(0, 1)


class WalkBetweenSeeds(Walk):
    """A walk between the noise of two seeds."""

    guides = True

    @property
    def _ends(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.request.interpolate)

    @property
    def seed(self) -> int:
        return self._ends[0]

    @property
    def stem(self) -> str:
        return f"{self._ends[0]}-{self._ends[1]}"

    def check(self) -> None:
        super().check()
        if self.request.inputs:
            raise UsageError(
                "--interpolate walks between two seeds or two inputs",
                "leave out the seeds or --input",
            )
        for end in self._ends:
            check_seed(end, 1)

    def require(self, opened: Opened) -> None:
        sampler_of(opened)

    def make(self, batch: Batch) -> Tensor:
        from genzoo_core.rng import InterpolationRng

        return draw(batch, InterpolationRng(*self._ends, self.along(batch)))

    def summary(self, seeds: Sequence[int]) -> str:
        return f"a walk from seed {self._ends[0]} to seed {self._ends[1]}"


class WalkBetweenInputs(Walk):
    """A walk between the latents of two pictures; the condition speaks of what is decoded."""

    def check(self) -> None:
        super().check()
        if len(self.request.inputs) != 2:
            raise UsageError(
                f"a walk between inputs needs two, not {len(self.request.inputs)}",
                "give --input twice, or two seeds: --interpolate 3,8",
            )

    def require(self, opened: Opened) -> None:
        if codec_of(opened).codebook_size is not None:
            raise UsageError(
                f"{opened.name} cannot walk between pictures: its codes are discrete, and nothing "
                "lies between two of them",
                "`genzoo run … --interpolate 3,8` walks between two seeds of a model that samples",
            )

    def make(self, batch: Batch) -> Tensor:
        import torch

        plan = batch.plan
        codec = codec_of(plan.opened)
        assert plan.inputs is not None  # two of them
        pair = plan.on_device(plan.inputs, [0, 1])
        ends = codec.encode(pair, condition_of(plan.opened, {}, 2)).mode()
        weights = torch.tensor(self.along(batch)).to(ends)
        weights = weights.reshape(-1, *([1] * (ends.dim() - 1)))
        return codec.decode(torch.lerp(ends[:1], ends[1:], weights), batch.condition)
