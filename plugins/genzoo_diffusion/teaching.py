"""A teacher's paths from noise to data, from which a mean flow learns."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from genzoo_core import Conditioner, ConfigError, Context, Denoiser, Rng, Sampler, Trajectory


class Teacher:
    """A trained model whose paths from noise to data another model learns.

    Args:
        part: The trained model, frozen.
        shape: Shape of the pupil's data, without the batch.
        conditioners: The pupil's; the teacher must read the same prepared values.
        context: Builds the sampler.

    Raises:
        ConfigError: The part cannot denoise, or not such data on such conditions.
    """

    def __init__(
        self,
        part: object,
        shape: tuple[int, ...],
        conditioners: Mapping[str, Conditioner],
        context: Context,
    ) -> None:
        if not isinstance(part, Denoiser):
            raise ConfigError(
                f"the part that plays the role 'teacher' is a {type(part).__name__}, which does "
                "not denoise",
                "name a model that does, such as one of genzoo/diffusion",
            )
        if tuple(part.data_shape) != tuple(shape):
            raise ConfigError(
                f"the teacher's data are of shape {list(part.data_shape)}, "
                f"those that it is to teach of shape {list(shape)}",
                "name a teacher on the same data, with the same codec",
            )
        theirs, ours = (described(c) for c in (part.conditioners, conditioners))
        if theirs != ours:
            raise ConfigError(
                f"the teacher takes {theirs or 'no condition'}, its pupil {ours or 'none'}",
                "give both the same conditioners",
            )
        self.model = part
        self.sampler: Sampler = context.component("sampler", "genzoo/heun", {})

    @torch.no_grad()
    def path(
        self, rng: Rng, conditions: Mapping[str, Tensor], steps: int, guidance: float
    ) -> tuple[Tensor, Tensor]:
        """The points of paths from noise to data by Heun's method, as a rectified flow has them.

        A point `alpha x0 + sigma noise` of any noiser, divided by `alpha + sigma`, is that of a
        rectified flow at the time `sigma / (alpha + sigma)`. The first is noise alone.

        Returns:
            The points, `[steps + 1, rng.n, *shape]`, and their falling times, `[steps + 1]`.
        """
        model, noiser = self.model, self.model.noiser
        assert isinstance(model, nn.Module)
        x = noiser.prior(rng, model.data_shape, next(model.parameters()))
        denoise = model.denoiser(conditions, rng.n, guidance)
        path = Trajectory(denoise, noiser, noiser.grid(steps).to(x), rng)
        points, times = [x / path.sigma[0]], [1.0]
        for i in range(steps):
            # Samplers give the data at the end of a step, scaled up to what it would be.
            x = path.alpha[i + 1] * self.sampler(path.step(i, 0, steps), x)
            total = path.alpha[i + 1] + path.sigma[i + 1]
            points.append(x / total)
            times.append(path.sigma[i + 1] / total)
        return torch.stack(points), torch.tensor(times).to(x)


def spans_of(steps: int, more: int, rng: Rng, like: Tensor) -> tuple[Tensor, Tensor]:
    """Spans of each of `rng.n` paths of an even number of steps: the whole, its halves, and more.

    Of `more` random ones, any two points are equally likely.

    Returns:
        The numbers of the points where they begin and end, int64 `[3 + more, rng.n]`.
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


def described(conditioners: Mapping[str, Conditioner]) -> str:
    """Conditioners as "label: 10 values, text: [16]", from what they prepare."""
    values = {
        name: f"{conditioner.categories} values"
        if conditioner.categories is not None
        else str(list(conditioner.null(1).shape[1:]))
        for name, conditioner in conditioners.items()
    }
    return ", ".join(f"{name}: {value}" for name, value in sorted(values.items()))
