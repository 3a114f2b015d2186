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
    Condition,
    Context,
    GenerativeModel,
    Inpainting,
    OnStep,
    Phase,
    Progress,
    Rng,
    Start,
)
from genzoo_core.layers.embedding import TimeEmbedding
from genzoo_core.sampler import shortened
from genzoo_diffusion.config import PASSES, UNetConfig
from genzoo_diffusion.config_mean_flow import MeanFlowConfig, MeanFlowOptions
from genzoo_diffusion.latents import codec_of, pictures_of
from genzoo_diffusion.networks import build_network, check_tokens
from genzoo_diffusion.sampling import says_enough
from genzoo_diffusion.teaching import Teacher, spans_of

LEAST_STEPS = 4
"""Steps where a part of a picture stays: in the first of them nothing of it can be seen."""

STEADY = 1e-3
"""What keeps the weight of a small error finite (Geng et al. 2025, section 4.3)."""

Velocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Called as `velocity(z, r, t)` with noisy data `[B, ...]` and times `[B]`; shaped as `z`."""


class MeanFlow(Inpainting, GenerativeModel[MeanFlowOptions]):
    """Learns the mean velocity between two times (Geng et al. 2025, "Mean flows").

    `z_r = z_t - (t - r) u(z_t, r, t)` on the line of the rectified flow, `z_t = (1 - t) x0 + t
    noise`, for any r < t: with r = 0 and t = 1 that is a picture in one evaluation. Where r = t,
    u is the velocity that a rectified flow learns; its tensors are named as those of `Diffusion`,
    so that a recipe can start from a trained one. It learns from data, or from the paths of a
    trained flow that plays the role "teacher".
    """

    Config = MeanFlowConfig
    Options = MeanFlowOptions
    stage_name = "flowing"

    def __init__(self, config: MeanFlowConfig, context: Context) -> None:
        unet = isinstance(config.network, UNetConfig)
        super().__init__(context, config.network.embedding, spatial=unet)
        self.config = config
        self.sample_shape = config.shape
        check_tokens(config.network, self.conditioners)
        if config.on == "latents":
            self.codec = codec_of(context.part("codec"))
        self.data_shape = config.shape if self.codec is None else self.codec.latent_shape
        self.network = build_network(
            config.network, self.data_shape, spatial=bool(self.conditioning.spatial)
        )
        self.span = SpanEmbedding(config.network.embedding)
        self.teacher: Teacher | None = None
        if config.teacher is not None and context.training:
            self.teacher = Teacher(context.part("teacher"), self.data_shape, self.conditioners)

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
        x = rng.normal(self.data_shape, next(self.network.parameters()))
        if not conditions and self.config.unasked == "typical" and not says_enough(start):
            conditions = {name: asked.typical(rng) for name, asked in self.conditioners.items()}
        condition = self.condition(conditions, rng.n)
        masked = start is not None and start.mask is not None
        least = LEAST_STEPS if masked else 1
        steps = options.steps or max(least, self.config.steps)
        passes = (options.passes or PASSES) if masked else 1
        grid = torch.linspace(1, 0, steps + 1).to(x)
        if start is not None:
            start = start if self.codec is None else start.encoded(self.codec)
            data = start.images.to(x)
            if start.strength == 0:
                return self.pictures(data)
            grid = shortened(grid, start.strength).to(x)
            x = (1 - grid[0]) * data + grid[0] * x
        # A step from noise alone would only be drawn again.
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
        out: Tensor = self.network(z, t, told(self.span(t - r), condition))
        return out

    def pictures(self, x: Tensor) -> Tensor:
        """Data as pictures, `[B, C, H, W]` in [-1, 1]."""
        return pictures_of(x, self.codec, self.sample_shape)

    def loss(
        self, batch: Batch, rng: Rng, phase: Phase, progress: Progress
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """What is learnt from a teacher's paths where there is one, and else from data."""
        if self.teacher is None:
            return self.data_loss(batch, rng)
        return self.path_loss(self.teacher, batch, rng)

    def path_loss(
        self, teacher: Teacher, batch: Batch, rng: Rng
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        """How far spans of a teacher's paths lie from the model's own, each in one step.

        That is Luhman & Luhman 2021 ("Knowledge distillation in iterative generative models for
        improved sampling speed") for more spans than the whole, each weighed as by Geng et al.
        2025, section 4.3, with p = 0.5. Of the batch, only the conditions are used.
        """
        given = self.config.teacher
        assert given is not None  # or there were no teacher
        points, times = teacher.path(rng, batch.conditions, given.steps, self.config.guidance)
        begin, end = spans_of(given.steps, given.spans, rng, times)
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
        x = batch.images
        if self.codec is not None:
            with torch.no_grad():
                x = self.codec.encode(x).sample(rng)
        n = len(x)
        condition = self.condition(batch.conditions, n)
        pair = torch.stack([rng.normal((), x).sigmoid() for _ in range(2)])
        t, r = pair.amax(0), pair.amin(0)
        spanning = max(1, round(self.config.spans * n))
        r = torch.cat([r[:spanning], t[spanning:]])
        noise = rng.normal(x.shape[1:], x)
        z = sized(1 - t, x) * x + sized(t, x) * noise
        velocity = self.guided(noise - x, z, t)

        def part(rows: slice) -> Velocity:
            asked = None if condition is None else condition.rows(rows)
            return lambda z, r, t: self.velocity(z, r, t, asked)

        far, near = slice(0, spanning), slice(spanning, n)
        mean, target = mean_velocity(part(far), z[far], r[far], t[far], velocity[far])
        if spanning < n:
            mean = torch.cat([mean, part(near)(z[near], r[near], t[near])])
            target = torch.cat([target, velocity[near]])
        error = (mean - target).square().flatten(1).mean(1)
        weight = 1 / (error.detach() + STEADY)
        figures = {"mse": error.detach()[near], "mse/span": error.detach()[far]}
        return (weight * error).mean(), {name: e.mean() for name, e in figures.items() if len(e)}

    @torch.no_grad()
    def guided(self, velocity: Tensor, z: Tensor, t: Tensor) -> Tensor:
        """The velocity, away from what the model makes where nothing is asked.

        Of rows that ask nothing it is the model's own velocity, further towards the given one:
        what they learn from it is in the mean the same.
        """
        scale = self.config.guidance
        if scale == 1 or not self.conditioners:
            return velocity
        nothing = self.velocity(z, t, t, self.condition({}, len(z)))
        return nothing + scale * (velocity - nothing)


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

    Args:
        velocity: The network.
        z: Noisy data, `[B, ...]`.
        r: Earlier times, `[B]`.
        t: Times of `z`, `[B]`.
        tangent: The velocity at `t`, shaped as `z`.

    Returns:
        Both shaped as `z`; the second without a gradient.
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
    kept = (1 - t) / (1 - r)
    new: Tensor = (t.square() - (kept * r).square()).sqrt() * rng.normal(x.shape[1:], x)
    return kept * x + new


def told(vector: Tensor, condition: Condition | None) -> Condition:
    """A condition that says a vector, `[B, D]`, as well."""
    if condition is None:
        return Condition(vector)
    return replace(condition, vector=condition.vector + vector)
