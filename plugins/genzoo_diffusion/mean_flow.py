"""Mean flows: diffusion in one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

from genzoo_core import (
    Batch,
    ComponentSpec,
    Condition,
    Context,
    OnStep,
    Phase,
    Progress,
    Rng,
    Stage,
    Start,
)
from genzoo_core.layers.embedding import TimeEmbedding
from genzoo_core.ranks import Share, current_share
from genzoo_core.sampler import shortened
from genzoo_diffusion.base import NoisyModel
from genzoo_diffusion.config import PASSES, MeanFlowConfig, MeanFlowOptions
from genzoo_diffusion.teaching import Teacher, spans_of

LEAST_STEPS = 4
"""Steps where a part of a picture stays, of which the first, from noise, sees nothing."""

STEADY = 1e-3
"""Keeps the weight of a small error finite (Geng et al. 2025, section 4.3)."""

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Called as `velocity(z, r, t)` with noisy data `[B, ...]` and times `[B]`; shaped as `z`."""


class MeanFlow(NoisyModel[MeanFlowOptions]):
    """Learns the mean velocity between two times (Geng et al. 2025, "Mean flows").

    `z_r = z_t - (t - r) u(z_t, r, t)` on the line of the rectified flow, `z_t = (1 - t) x0 + t
    noise`, for any r < t: with r = 0 and t = 1 that is a picture in one evaluation. Where r = t,
    u is the velocity that a rectified flow learns; its tensors are named as those of `Diffusion`,
    so that a recipe can start from a trained one. It learns from data, or from the paths of a
    trained model that plays the role "teacher": any `genzoo_core.Denoiser`.
    """

    Config = MeanFlowConfig
    Options = MeanFlowOptions
    stage_name = "flowing"

    def __init__(self, config: MeanFlowConfig, context: Context) -> None:
        super().__init__(config, context, ComponentSpec("genzoo/rectified-flow"))
        self.config = config
        self.span = SpanEmbedding(config.network.embedding)
        self.teacher: Teacher | None = None
        if config.teacher is not None and context.training:
            self.teacher = Teacher(
                context.part("teacher"), self.data_shape, self.conditioners, context
            )

    def sample(
        self,
        rng: Rng,
        conditions: Mapping[str, Tensor],
        options: MeanFlowOptions,
        on_step: OnStep | None = None,
        *,
        start: Start | None = None,
    ) -> Tensor:
        """Go from noise to data in equal steps (Geng et al. 2025, equation 12)."""
        x = self.noise(rng)
        condition = self.condition(conditions or self.typical(rng, start), rng.n)
        masked = start is not None and start.mask is not None
        steps = options.steps or max(LEAST_STEPS if masked else 1, self.config.steps)
        passes = (options.passes or PASSES) if masked else 1
        grid = self.noiser.grid(steps).to(x)
        start = self.as_data(start)
        if start is not None:
            data = start.images.to(x)
            if start.strength == 0:
                return self.pictures(data)
            grid = shortened(grid, start.strength).to(x)
            x = self.noiser.perturb(data, x, grid[:1])
        # The step from noise alone is not repeated: that would only draw the noise again.
        spans = [
            (t, r, again)
            for t, r in pairwise(grid)
            for again in range(passes - 1 if t < 1 else 0, -1, -1)
        ]
        for step, (t, r, again) in enumerate(spans, 1):
            # The network may compute in half precision; the rest does not.
            velocity = self.velocity(x, r.expand(rng.n), t.expand(rng.n), condition).to(x)
            if start is not None and start.mask is not None:  # what stays lies on a straight line
                velocity = torch.where(start.mask, velocity, (x - data) / t)
            if on_step is not None:
                on_step(step, len(spans), self.pictures(x - t * velocity))
            x = x - (t - r) * velocity
            if again:
                x = noised(x, r, t, rng)
        return self.pictures(x)

    def velocity(self, z: Tensor, r: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        """The mean velocity from time `r` to `t`, `[B]`, of `z`, `[B, ...]`; shaped as `z`."""
        span = self.span(t - r)
        joined = (
            Condition(span)
            if condition is None
            else replace(condition, vector=condition.vector + span)
        )
        out: Tensor = self.network(z, t, joined)
        return out

    def validated_phase(self, stage: Stage) -> Phase | None:
        """None: each error is weighed by its own size, so the loss hardly changes."""
        return None

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """What is learnt from a teacher's paths where there is one, and else from data."""
        if self.teacher is None:
            return self.data_loss(batch, rng)
        return self.path_loss(self.teacher, batch, rng)

    def stages(self) -> tuple[Stage, ...]:
        """One, before which a teacher needs no pass: its paths take nothing from the images."""
        stages = super().stages()
        if self.teacher is None:
            return stages
        return tuple(replace(each, prepared=False) for each in stages)

    def path_loss(
        self, teacher: Teacher, batch: Batch, rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """How far spans of a teacher's paths lie from the model's own, each in one step.

        That is Luhman & Luhman 2021 ("Knowledge distillation in iterative generative models for
        improved sampling speed") for more spans than the whole, each weighed as by Geng et al.
        2025, section 4.3, with p = 0.5. Of the batch, only the conditions are used.
        """
        config = self.config.teacher
        assert config is not None  # or there were no teacher
        points, times = teacher.path(rng, batch.conditions, config.steps, self.config.guidance)
        begin, end = spans_of(config.steps, config.spans, rng, times)
        spans, n = begin.shape
        begin, end = begin.flatten(), end.flatten()
        path = torch.arange(n, device=begin.device).repeat(spans)
        z, t, r = points[begin, path], times[begin], times[end]
        target = (z - points[end, path]) / sized(t - r, z)
        conditions = {name: rows[path] for name, rows in batch.conditions.items()}
        mean = self.velocity(z, r, t, self.condition(conditions, n * spans))
        error = (mean - target).square().flatten(1).mean(1)
        figures = {"mse/whole": error[:n], "mse/half": error[n : 3 * n]}
        weight = (error.detach() + STEADY).rsqrt()
        return (weight * error).mean(), {name: e.detach().mean() for name, e in figures.items()}

    def data_loss(self, batch: Batch, rng: Rng) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Geng et al. 2025, algorithm 1 with the guidance of their equation 19.

        Only the first `spans` of the batch have two different times: the derivative of the
        others is multiplied by 0, and need not be computed.
        """
        x = self.data(batch, rng)
        n = len(x)
        condition = self.condition(batch.conditions, n)
        pair = torch.stack([self.noiser.sample_t(rng, x) for _ in range(2)])
        t, r = pair.amax(0), pair.amin(0)
        share = current_share() or Share(0, 1, n)
        whole = max(1, round(self.config.spans * share.batch_size))
        spanning = share.before(whole)
        r = torch.cat([r[:spanning], t[spanning:]])
        noise = rng.normal(x.shape[1:], x)
        z = self.noiser.perturb(x, noise, t)
        velocity = self.guided(self.noiser.target(x, noise, t), z, t)

        def part(rows: slice) -> Velocity:
            part = None if condition is None else condition.rows(rows)
            return lambda z, r, t: self.velocity(z, r, t, part)

        far, near = slice(0, spanning), slice(spanning, n)
        pairs: list[tuple[Tensor, Tensor]] = []
        if spanning:
            pairs.append(mean_velocity(part(far), z[far], r[far], t[far], velocity[far]))
        if spanning < n:
            pairs.append((part(near)(z[near], r[near], t[near]), velocity[near]))
        mean, target = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        error = (mean - target).square().flatten(1).mean(1)
        weight = 1 / (error.detach() + STEADY)
        parts = {"mse": (error.detach()[near], share.batch_size - whole)}
        parts["mse/span"] = (error.detach()[far], whole)
        figures = {
            name: some.mean() * (len(some) / total / share.weight)  # 1 in a single process
            for name, (some, total) in parts.items()
            if len(some)
        }
        return (weight * error).mean(), dict(figures)

    @torch.no_grad()
    def guided(self, velocity: Tensor, z: Tensor, t: Tensor) -> Tensor:
        """The velocity, away from the model's own with null as its condition.

        In rows whose condition is null, that leads from the model's own velocity towards the
        data's: what they learn has the same mean.
        """
        scale = self.config.guidance
        if scale == 1 or not self.conditioners:
            return velocity
        null = self.velocity(z, t, t, self.condition({}, len(z)))
        return null + scale * (velocity - null)


class SpanEmbedding(TimeEmbedding):
    """The length of a span as a vector, `[B, D]` of lengths `[B]`; 0 for all in a fresh one."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        for parameter in self.layers[2].parameters():
            nn.init.zeros_(parameter)


def mean_velocity(
    velocity: Velocity, z: Tensor, r: Tensor, t: Tensor, tangent: Tensor
) -> tuple[Tensor, Tensor]:
    """The mean velocity, and what it is to be (Geng et al. 2025, equations 10 and 11).

    Both are shaped as `z`, the second without a gradient. `tangent` is the velocity of `z` at `t`.
    """
    # The fused attention kernels have no forward derivative.
    with sdpa_kernel(SDPBackend.MATH):
        tangents = (tangent, torch.zeros_like(r), torch.ones_like(t))
        mean, slope = cast(tuple[Tensor, Tensor], jvp(velocity, (z, r, t), tangents))
    return mean, (tangent - sized(t - r, z) * slope).detach()


def sized(numbers: Tensor, like: Tensor) -> Tensor:
    """Numbers, `[B]`, with as many dimensions as `like`, `[B, ...]`."""
    return numbers.reshape(-1, *[1] * (like.dim() - 1))


def noised(x: Tensor, r: Tensor, t: Tensor, rng: Rng) -> Tensor:
    """`x` at time `r`, `[B, ...]`, with as much new noise as it has at a later time `t` below 1."""
    share = (1 - t) / (1 - r)
    new: Tensor = (t.square() - (share * r).square()).sqrt() * rng.normal(x.shape[1:], x)
    return share * x + new
