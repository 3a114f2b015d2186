"""What the steps since the last report gave, left on the device until someone looks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from genzoo_core.errors import TrainingError


class DivergedError(TrainingError):
    """A loss or a weight became NaN or infinite, or too large for the dtype that stores it."""


class Figures:
    """Losses and named figures of the steps since the last report.

    Nothing is read from the device in a step: that would make a GPU wait for Python.

    Args:
        stage: Name of the stage, for messages.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._losses: dict[str, list[tuple[int, Tensor]]] = {}
        self._named: dict[str, list[Tensor | float]] = {}

    def add(self, step: int, phase: str, loss: Tensor, named: Mapping[str, Tensor | float]) -> None:
        """Take in what one phase of a step gave."""
        self._losses.setdefault(phase, []).append((step, loss))
        for name, value in named.items():
            self._named.setdefault(name, []).append(value)

    def check(self, checkpoint: Path) -> None:
        """Refuse to go on where a loss was not finite.

        Args:
            checkpoint: Where the training stood before, if there is such a file.

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
        """The mean of each figure since the last report; "loss" is the sum over the phases."""
        losses = {
            phase: torch.stack([loss for _, loss in losses]).mean().item()
            for phase, losses in self._losses.items()
        }
        values = {"loss": sum(losses.values())}
        if len(losses) > 1:
            values |= {f"loss/{phase}": loss for phase, loss in losses.items()}
        for name, given in self._named.items():
            values[name] = torch.stack([torch.as_tensor(v) for v in given]).float().mean().item()
        self._losses.clear()
        self._named.clear()
        return values
