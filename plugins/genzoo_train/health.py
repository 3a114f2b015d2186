"""Early signs of a training that goes wrong, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from genzoo_core.training import Progress, Trainable
from genzoo_train.stages import Plan

LASTING = 3
"""Sets of figures in a row that must look ill before it is said: one may be an accident."""

EXPLODED = 3.0
"""A loss that rose by so many times its first size, or its fall since then, is exploding."""

BEYOND = 1e4
"""A loss that measures no error, such as a GAN's, is exploding beyond this."""

DEAD_AFTER, DEAD_STEPS, DEAD_SETS = 0.25, 500, 10
"""Share of a stage, its steps and sets of figures, after which its loss should have fallen."""

FALLEN = 0.02
"""Least share of the first loss that it should have fallen by then."""


class Health:
    """Looks at the figures of one stage, and warns of each kind of illness once.

    Args:
        plan: The stage.
        module: What is trained; it knows signs of its own.
        index: Of the stage in the recipe, for advice.
        fresh: Whether the stage begins with untrained weights, so that its loss should fall.
        warned: Kinds that there was a warning of; added to.
    """

    def __init__(
        self, plan: Plan, module: Trainable, index: int, *, fresh: bool, warned: set[str]
    ) -> None:
        self._plan, self._module, self._fresh = plan, module, fresh
        self._warned = warned
        self._lasting: dict[str, int] = {}
        self._losses: list[float] = []
        phase = plan.stage.phases[0].name
        self._slow = max(DEAD_STEPS, 2 * plan.settings(phase).warmup)
        self._rate = f"--set stages.{index}.phases.{phase}.lr={plan.settings(phase).lr / 10:g}"
        self._judged = module.validated_phase(plan.stage) is not None

    def check(self, values: Mapping[str, float], first: float, step: int) -> list[str]:
        """Texts of what is wrong, at `step`.

        Args:
            values: The figures since the last call.
            first: The loss of the first step that was done of the stage.
            step: Steps done.
        """
        self._losses.append(values["loss"])
        progress = Progress(step, self._plan.steps)
        found = {
            **dict(self._explosion(values["loss"], first)),
            **self._module.diagnose(self._plan.stage, values, progress),
        }
        self._lasting = {kind: self._lasting.get(kind, 0) + 1 for kind in found}
        lasting = {kind: text for kind, text in found.items() if self._lasting[kind] >= LASTING}
        lasting |= dict(self._death(first, progress))
        texts = [text for kind, text in lasting.items() if kind not in self._warned]
        self._warned.update(lasting)
        return texts

    def _explosion(self, loss: float, first: float) -> Iterator[tuple[str, str]]:
        if self._judged:
            low = min(first, *self._losses)
            limit = first + EXPLODED * max(abs(first), first - low)
        else:
            loss, limit = abs(loss), BEYOND
        if loss > limit:
            yield (
                "explosion",
                f"the loss explodes, from {first:.3g} to {loss:.3g}; "
                f"try a smaller learning rate: {self._rate}",
            )

    def _death(self, first: float, progress: Progress) -> Iterator[tuple[str, str]]:
        count = len(self._losses)
        enough = count >= DEAD_SETS and progress.step >= self._slow
        if not (self._fresh and self._judged and enough):
            return
        late = self._losses[count // 2 :]
        now, before = sum(late) / len(late), min(first, self._losses[0])
        if progress.fraction >= DEAD_AFTER and now > before - FALLEN * abs(before):
            yield (
                "death",
                f"the loss has not fallen in {progress.step:,} steps, {before:.3g} at first and "
                f"{now:.3g} now; try another learning rate: {self._rate}",
            )
