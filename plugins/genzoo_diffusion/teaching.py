"""What a mean flow learns from a trained flow: the paths that it takes from noise to data."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from genzoo_core import Conditioner, ConfigError, Rng, Trajectory
from genzoo_diffusion.config import DiffusionOptions
from genzoo_diffusion.model import Diffusion
from genzoo_diffusion.noisers.rectified_flow import RectifiedFlow


class Teacher:
    """A trained flow, of whose paths another model learns.

    Args:
        part: The flow, frozen.
        shape: Shape of the pupil's data, without the batch.
        conditioners: The pupil's, whose prepared values the teacher is to understand.

    Raises:
        ConfigError: The part is no rectified flow on such data and conditions.
    """

    def __init__(
        self, part: object, shape: tuple[int, ...], conditioners: Mapping[str, Conditioner]
    ) -> None:
        if not isinstance(part, Diffusion) or not isinstance(part.noiser, RectifiedFlow):
            raise ConfigError(
                f"the part that plays the role 'teacher' is a {type(part).__name__}",
                "name a model of genzoo/diffusion whose noiser is genzoo/rectified-flow",
            )
        if tuple(part.data_shape) != tuple(shape):
            raise ConfigError(
                f"the teacher's data are of shape {list(part.data_shape)}, "
                f"those that it is to teach of shape {list(shape)}",
                "name a teacher on the same data, with the same codec",
            )
        theirs, ours = (told_apart(c) for c in (part.conditioners, conditioners))
        if theirs != ours:
            raise ConfigError(
                f"the teacher takes {theirs or 'no condition'}, its pupil {ours or 'none'}",
                "give both the same conditioners",
            )
        self.flow = part

    @torch.no_grad()
    def path(
        self, rng: Rng, conditions: Mapping[str, Tensor], steps: int, guidance: float
    ) -> tuple[Tensor, Tensor]:
        """The points of paths from noise to data, by the teacher's own sampler.

        Args:
            rng: Draws the noise.
            conditions: Prepared values by name, one row per path.
            steps: Steps from noise to data.
            guidance: The scale of the guidance.

        Returns:
            The points, `[steps + 1, B, *shape]`, and their falling times, `[steps + 1]`.
        """
        flow = self.flow
        x = rng.normal(flow.data_shape, next(flow.network.parameters()))
        denoise = flow.denoiser(conditions, rng.n, guidance)
        sampler = flow.sampler(DiffusionOptions())
        grid = flow.noiser.grid(steps).to(x)
        alpha, _ = flow.noiser.coefficients(grid)
        points = [x]
        for i in range(steps):
            # Where a grid ends early, samplers give the data scaled up to what it would be.
            step = Trajectory(denoise, flow.noiser, grid[i : i + 2], rng)
            ahead = sampler(step, points[-1])
            points.append(alpha[i + 1] * ahead)
        return torch.stack(points), grid


def spans_of(steps: int, more: int, rng: Rng, like: Tensor) -> tuple[Tensor, Tensor]:
    """Spans of each of `rng.n` paths: the whole, its two halves, and random ones.

    Args:
        steps: Steps of a path, an even number.
        more: How many random ones: any two points are as likely.
        rng: Draws them.
        like: Has the device and dtype to draw on.

    Returns:
        Where they begin and end, places among the points, int64 `[3 + more, rng.n]`.
    """
    half = steps // 2
    fixed = torch.tensor([[0, 0, half], [steps, half, steps]], device=like.device)
    begin, end = fixed[..., None].expand(-1, -1, rng.n)
    for _ in range(more):
        first = rng.integers(steps + 1, (), like)
        apart = 1 + rng.integers(steps, (), like)
        second = (first + apart) % (steps + 1)
        begin = torch.cat([begin, torch.minimum(first, second)[None]])
        end = torch.cat([end, torch.maximum(first, second)[None]])
    return begin, end


def told_apart(conditioners: Mapping[str, Conditioner]) -> str:
    """Conditioners as "label: 10 values, text: [16]", from what they prepare."""
    told = {
        name: f"{conditioner.categories} values"
        if conditioner.categories is not None
        else str(list(conditioner.null(1).shape[1:]))
        for name, conditioner in conditioners.items()
    }
    return ", ".join(f"{name}: {what}" for name, what in sorted(told.items()))
