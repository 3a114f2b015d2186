"""What is trained where a class says nothing of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genzoo_core import Batch, Phase, Progress, Rng, Trainable


class Net(nn.Module, Trainable):
    """Two layers, one of them another's."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.Linear(2, 3)
        self.shared = nn.Linear(3, 2).requires_grad_(False)
        self.scale = nn.Parameter(torch.ones(2))

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        raise NotImplementedError


class Named(Net):
    stage_name = "copying"


def test_all_that_is_not_frozen_is_trained_in_one_stage_of_one_phase() -> None:
    net = Net()
    (stage,) = net.stages()
    (phase,) = stage.phases
    assert (stage.name, phase.name, phase.every) == ("training", "training", 1)
    wanted = {id(p) for p in (*net.own.parameters(), net.scale)}
    assert {id(p) for p in phase.parameters} == wanted
    assert len(phase.parameters) == 3


def test_recipes_call_it_what_the_class_says() -> None:
    (stage,) = Named().stages()
    assert (stage.name, [phase.name for phase in stage.phases]) == ("copying", ["copying"])
