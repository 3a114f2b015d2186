"""The losses and figures of the last steps of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from genzoo_train.failures import DivergedError
from genzoo_train.ranks import ALONE, Ranks


class Figures:
    """Losses and named figures of the steps since the last report.

    Nothing is read from the device in a step: that would make a GPU wait for Python.

    Attributes:
        first: The loss of the first phase of the first step.
    """

    def __init__(self, stage: str, ranks: Ranks = ALONE) -> None:
        self._stage, self._ranks = stage, ranks
        self.first: Tensor | None = None
        self._losses: dict[str, list[tuple[int, Tensor]]] = {}
        self._named: dict[str, dict[str, Tensor | float]] = {}

    def add(self, step: int, phase: str, loss: Tensor, named: Mapping[str, Tensor | float]) -> None:
        """Add the loss of one phase of a step, and what the model reports with it.

        The loss is that of the whole batch; what is named is this rank's part of it.
        """
        if self.first is None:
            self.first = loss
        self._losses.setdefault(phase, []).append((step, loss))
        for name, value in named.items():
            self._named.setdefault(name, {})[f"{step} {phase}"] = value

    def check(self, checkpoint: Path) -> None:
        """Check that all losses were finite; there may be no `checkpoint` yet.

        Raises:
            DivergedError: Says at which step.
        """
        for phase, losses in self._losses.items():
            finite = torch.stack([loss for _, loss in losses]).isfinite()
            if not finite.all():
                first, loss = losses[int(finite.long().argmin())]
                before = "; the checkpoint before it is kept" if checkpoint.exists() else ""
                raise DivergedError(
                    f"the loss of phase {phase!r} became {loss.item()} at step {first} of stage "
                    f"{self._stage!r}{before}",
                    "lower the learning rate, or clip harder",
                )

    def means(self) -> dict[str, float]:
        """The mean of each figure since the last report; "loss" is the sum over the phases.

        Every rank has to call it.
        """
        losses = {
            phase: torch.stack([loss for _, loss in losses]).mean().item()
            for phase, losses in self._losses.items()
        }
        values = {"loss": sum(losses.values())}
        if len(losses) > 1:
            values |= {f"loss/{phase}": loss for phase, loss in losses.items()}
        means = {
            name: torch.stack([torch.as_tensor(v) for v in places.values()]).float().mean().item()
            for name, places in self._named.items()
        }
        values |= means if self._ranks.count == 1 else self._of_all(means)
        self._losses.clear()
        self._named.clear()
        return values

    def _of_all(self, means: Mapping[str, float]) -> dict[str, float]:
        """The means of all ranks' figures: in some steps only some of them have one."""
        places = {name: list(values) for name, values in self._named.items()}
        sums = {name: mean * len(places[name]) for name, mean in means.items()}
        told = self._ranks.gather((sums, places))
        return {
            name: total / len({place for _, places in told for place in places.get(name, ())})
            for name, total in added([sums for sums, _ in told]).items()
        }


def added(figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The sums of figures by name; what a mapping lacks is 0."""
    (first, *others) = figures
    total = dict(first)
    for other in others:
        for name, value in other.items():
            total[name] = total.get(name, 0.0) + value
    return total
