"""A model with all that makes resuming hard, and faults to choose from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
import torch
from torch import Tensor, nn

from genzoo_core import (
    Batch,
    Context,
    DataError,
    GenerativeModel,
    NoOptions,
    NotFittedError,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
    all_mean,
)

Fault = Literal[
    "",
    "nan",
    "overlap",
    "foreign",
    "memory",
    "bad_alloc",
    "huge",
    "sampling",
    "drawing",
    "loss",
    "data",
    "checking",
    "finalizing",
]


class AwkwardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong, and how long a step sleeps in seconds."""

    fault: Fault = ""
    sleep: float = 0.0


class Awkward(GenerativeModel[NoOptions]):
    """Two stages, the first of two phases; dropout, running statistics, noise, tied weights."""

    Config = AwkwardConfig
    seen: Tensor
    level: Tensor

    def __init__(self, config: AwkwardConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.sample_shape = (1, 8, 8)
        self.encoder = nn.Sequential(
            nn.Linear(64, 16, bias=False), nn.BatchNorm1d(16), nn.Dropout(0.3)
        )
        self.decoder = nn.Linear(16, 64)
        self.tied = self.decoder
        self.critic = nn.Linear(64, 1) if context.training else None
        self.flow = nn.Linear(16, 16)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("level", torch.zeros(16))
        if config.fault == "huge":
            nn.init.constant_(self.flow.bias, 1e6)

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: NoOptions,
        on_step: OnStep | None = None,
    ) -> Tensor:
        if self.config.fault == "sampling":
            raise NotFittedError("the awkward model has nothing to sample from")
        if self.config.fault == "drawing":
            raise RuntimeError("this model\ncannot draw")
        pixels: Tensor = self.decoder(rng.normal((16,), self.decoder.weight)).tanh()
        return pixels.reshape(-1, 1, 8, 8)

    def stages(self) -> tuple[Stage, ...]:
        assert self.critic is not None
        critic = tuple(self.critic.parameters())
        copy = (*self.encoder.parameters(), *self.decoder.parameters())
        if self.config.fault == "overlap":
            critic += (self.decoder.bias,)
        if self.config.fault == "foreign":
            critic += (nn.Parameter(torch.zeros(3)),)
        return (
            Stage("game", (Phase("copy", copy), Phase("critic", critic, every=2))),
            Stage("flow", (Phase("flow", tuple(self.flow.parameters())),)),
        )

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        assert self.critic is not None
        asked = {id(p) for p in phase.parameters}
        assert {id(p) for p in self.parameters() if p.requires_grad} == asked
        assert all(p.grad is None for p in self.parameters())
        time.sleep(self.config.sleep)
        if self.config.fault == "memory":
            torch.empty(2**52)
        if self.config.fault == "bad_alloc":
            raise RuntimeError("std::bad_alloc")
        if self.config.fault == "loss":
            raise IndexError("no such\npicture")
        pixels = batch.images.flatten(1)
        z = self.encoder(pixels + 0.1 * rng.normal((64,), pixels))
        loss = (self.decoder(z) - pixels).square().mean()
        if phase.name == "critic":
            apart = self.critic(self.decoder(z).detach()) - self.critic(pixels)
            loss = all_mean(apart.mean()).square()
        if phase.name == "flow":
            assert torch.equal(self.corners[batch.rows], pixels[:, 0])
            loss = (self.flow(z - self.level) - rng.normal((16,), z)).square().mean()
        if self.config.fault == "nan" and progress.step == 7:
            loss = loss * float("nan")
        return loss, {"fraction": progress.fraction, "odd": float("inf")}

    def check_data(self, images: int, conditions: Mapping[str, Tensor]) -> None:
        assert not self.training
        if self.config.fault == "data":
            raise DataError(f"{images} images are too few", "bring more")
        if self.config.fault == "checking":
            raise IndexError("no such\npicture")

    def prepare_stage(self, stage: Stage, batches: Iterable[Batch], *, resumed: bool) -> None:
        assert (stage.name, self.training) == ("flow", False)
        pixels = torch.cat([batch.images.flatten(1) for batch in batches])
        self.corners = pixels[:, 0]
        if not resumed:
            self.level += self.encoder(pixels).mean(0)  # would show if it was called twice

    def finalize(self, batches: Iterable[Batch]) -> None:
        assert not self.training
        if self.config.fault == "finalizing":
            raise IndexError("no such\npicture")
        self.seen.fill_(sum(len(batch.images) for batch in batches))
