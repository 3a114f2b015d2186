"""Walks: between the noise of two seeds, or between the latents of two pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from genzoo.run.request import check_seed
from genzoo.run.tasks.task import (
    Plan,
    Task,
    codec_of,
    condition_of,
    require_codec,
    require_sampling,
    sampler_of,
    stem_of_input,
)
from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from genzoo_core.model import OnStep
    from genzoo_core.pictures import Pictures
    from genzoo_core.zoo import Opened

STRIP = 8
"""Steps of a walk where their number is not given."""


class Walk(Task):
    """A walk between two seeds, in `n` steps for each prompt."""

    in_rows = True

    @property
    def n(self) -> int:
        return STRIP if self.request.n is None else self.request.n

    @property
    def seed(self) -> int:
        return self._ends[0]

    @property
    def _ends(self) -> tuple[int, int]:
        return cast("tuple[int, int]", self.request.interpolate)

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
        from genzoo_core.rng import InterpolationRng

        rng = InterpolationRng(*self._ends, along(self.n, start, stop))
        return sampler_of(plan.opened).sample(rng, conditions, plan.options, on_step)

    def steps(self, pictures: Pictures) -> Tensor:
        """Of an interrupted walk what is whole."""
        steps = min(self.n, len(pictures.images))
        walks = len(pictures.images) // steps
        whole = pictures.images[: walks * steps]
        return whole.reshape(walks, steps, *whole.shape[1:]).transpose(0, 1)

    @property
    def stem(self) -> str:
        return f"{self._ends[0]}-{self._ends[1]}"

    def told(self, seeds: range) -> str:
        return f"seeds {self._ends[0]} to {self._ends[1]}"


class WalkBetweenInputs(Walk):
    """A walk between the latents of two pictures; the condition speaks of what is decoded."""

    @property
    def seed(self) -> int:
        return 0

    def check(self) -> None:
        Task.check(self)
        if len(self.request.inputs) != 2:
            raise UsageError(
                f"a walk between inputs needs two, not {len(self.request.inputs)}",
                "give --input twice, or two seeds: --interpolate 3,8",
            )

    def require(self, opened: Opened) -> None:
        require_codec(opened)

    def check_options(self, plan: Plan) -> None:
        """No option of sampling matters."""

    def make(
        self,
        plan: Plan,
        conditions: Mapping[str, Tensor],
        start: int,
        stop: int,
        on_step: OnStep | None,
    ) -> Tensor:
        import torch

        codec = codec_of(plan.opened)
        condition = condition_of(plan.opened, conditions, stop - start)
        ends = codec.encode(plan.input_rows(0, 2), condition_of(plan.opened, {}, 2)).mode()
        weights = torch.tensor(along(self.n, start, stop)).to(ends)
        weights = weights.reshape(-1, *([1] * (ends.dim() - 1)))
        return codec.decode(torch.lerp(ends[:1], ends[1:], weights), condition)

    @property
    def stem(self) -> str:
        return stem_of_input(self.request)

    def told(self, seeds: range) -> str:
        return Task.told(self, seeds)


def along(n: int, start: int, stop: int) -> list[float]:
    """How far along its walk each picture is; a walk of one picture stands at its start."""
    return [index % n / max(n - 1, 1) for index in range(start, stop)]
