"""Training and sampling with a network that removes noise, whatever the network is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from genzoo_core import (
    BatchRng,
    Codec,
    Condition,
    Posterior,
    Rng,
    Sampler,
    SampleRng,
    ScheduledNoiser,
    Start,
    Trajectory,
)
from genzoo_core.denoising import denoising_errors, guided_denoiser, join, sample_from
from genzoo_core.sampler import shortened


class Halves(ScheduledNoiser):
    """Half data and half noise at all times; an error counts twice at the second of two times."""

    prediction = "eps"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full_like(t, 0.5), torch.full_like(t, 0.5)

    def sample_t(self, rng: Rng, like: Tensor) -> Tensor:
        return torch.tensor([0.0, 1.0])

    def weight(self, t: Tensor) -> Tensor:
        return 1 + t


def test_errors_are_the_mean_squares_of_each_row_beside_their_weights() -> None:
    x = torch.tensor([[2.0, 4.0], [0.0, -2.0]])
    told: list[Tensor] = []

    def predict(x_t: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        told.extend((x_t, t))
        return torch.zeros_like(x_t)

    rng = BatchRng(torch.Generator().manual_seed(3), 2)
    error, weight = denoising_errors(predict, Halves(), x, None, rng)
    noise = BatchRng(torch.Generator().manual_seed(3), 2).normal((2,), x)
    torch.testing.assert_close(told[0], x / 2 + noise / 2)
    assert told[1].tolist() == [0, 1]
    torch.testing.assert_close(error, noise.square().mean(1))  # of a prediction of 0
    assert weight.tolist() == [1, 2]


def test_conditions_are_joined_with_their_tokens() -> None:
    mask = torch.tensor([[True, False]])
    first = Condition(torch.zeros(1, 3), torch.zeros(1, 2, 3), mask)
    second = Condition(torch.ones(1, 3), torch.ones(1, 2, 3), ~mask)
    both = join(first, second)
    assert both.vector.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert both.tokens is not None
    assert both.mask is not None
    assert both.tokens.shape == (2, 2, 3)
    assert both.mask.tolist() == [[True, False], [False, True]]
    maps = [Condition(torch.zeros(1, 3), spatial=torch.full((1, 2, 4, 4), n)) for n in (0.0, 1.0)]
    joined = join(*maps).spatial
    assert joined is not None
    assert joined.shape == (2, 2, 4, 4)
    assert joined.mean((1, 2, 3)).tolist() == [0, 1]
    plain: Any = join(Condition(torch.zeros(1, 3)), Condition(torch.ones(1, 3)))
    assert (plain.tokens, plain.mask) == (None, None)


class Line(ScheduledNoiser):
    """A rectified flow, whose prior may be of another size."""

    prediction = "flow"

    def __init__(self, size: float = 1.0) -> None:
        super().__init__()
        self.size = size

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, self.size * t


@pytest.mark.parametrize("guidance", [0, 1, 3])
def test_what_a_network_in_half_precision_says_is_computed_with_in_single(guidance: float) -> None:
    def predict(x: Tensor, t: Tensor, condition: Condition | None) -> Tensor:
        assert condition is not None
        return condition.vector.bfloat16()

    asked, null = (Condition(torch.full((1, 2), value)) for value in (1.0078125, -0.3))
    denoise = guided_denoiser(predict, Line(), asked, null, guidance, clip=False)
    x, t = torch.rand(1, 2), torch.tensor([0.3])
    x0, noise = denoise(x, t)
    base, conditional = null.vector.bfloat16().float(), asked.vector
    prediction = base + guidance * (conditional - base)
    torch.testing.assert_close(x0, x - 0.3 * prediction, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(noise, x + 0.7 * prediction, rtol=1e-6, atol=1e-6)


class Euler(Sampler):
    """Remembers where it began."""

    def __init__(self) -> None:
        self.begins: list[tuple[list[float], Tensor]] = []

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        self.begins.append((path.times, x))
        for i in range(path.steps):
            x0, noise = path.denoise(i, x)
            x = path.mix(i + 1, x0, noise)
            path.done(i, x0)
        return x / path.alpha[-1]


def way(noiser: ScheduledNoiser, steps: int, seeds: list[int], **told: Any) -> Trajectory:
    """To a model that sees half of what it looks at, and takes the rest for noise."""
    return Trajectory(lambda x, t: (x / 2, x), noiser, noiser.grid(steps), SampleRng(seeds), **told)


@pytest.mark.parametrize("size", [1.0, 3.0])
def test_a_start_is_noised_with_the_noise_of_its_seed(size: float) -> None:
    noiser, sampler = Line(size), Euler()
    data, noise = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 0.25]])
    sample_from(Start(data, 0.6), sampler, way(noiser, 10, [0]), size * noise)
    times, x = sampler.begins[0]
    assert times == pytest.approx([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0], abs=1e-7)
    torch.testing.assert_close(x, 0.4 * data + 0.6 * size * noise)


def test_strength_ends_in_the_data_and_in_the_noise_alone() -> None:
    data, noise = torch.randn(2, 3), torch.randn(2, 3)
    path, sampler = way(Line(), 4, [0, 1]), Euler()
    assert torch.equal(sample_from(Start(data, 0.0), sampler, path, noise), data)
    # So little that the times of a grid cannot say it.
    torch.testing.assert_close(sample_from(Start(data, 1e-12), sampler, path, noise), data)
    alone = sampler(path, noise)
    assert torch.equal(sample_from(None, sampler, path, noise), alone)
    assert torch.equal(sample_from(Start(data, 1.0), sampler, path, noise), alone)
    near = sample_from(Start(data, 1 - 1e-6), sampler, path, noise)
    torch.testing.assert_close(near, alone, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("strength", "times"),
    [
        (1.0, [1, 0.5, 0.2, 0.1, 0]),
        (0.5, [0.2, 0.1, 0]),
        (0.1, [0.04, 0]),  # four tenths of the last step
        (0.625, [0.35, 2 / 15 + 1 / 30, 0.25 / 3, 0]),  # two and a half steps, in three
    ],
)
def test_a_shortened_grid_lies_evenly_in_the_whole(strength: float, times: list[float]) -> None:
    grid = torch.tensor([1, 0.5, 0.2, 0.1, 0], dtype=torch.float64)
    assert shortened(grid, strength).tolist() == pytest.approx(times)


@pytest.mark.parametrize("strength", [0.3, 1.0])
@pytest.mark.parametrize("passes", [1, 3])
def test_what_stays_is_in_all_predictions_and_exact(strength: float, passes: int) -> None:
    data = torch.tensor([[[[1.0, -2.0]]], [[[3.0, 0.5]]]])
    mask = torch.tensor([[[[True, False]]], [[[True, False]]]])
    seen: list[tuple[int, int]] = []

    def told(step: int, total: int, x0: Tensor) -> None:
        seen.append((step, total))
        assert torch.equal(x0[..., 1], data[-len(x0) :, ..., 1])

    def go(seeds: list[int], rows: slice) -> Tensor:
        path = way(Line(), 4, seeds, step_done=told)
        noise = SampleRng(seeds).normal((1, 1, 2), data)
        start = Start(data[rows], strength, mask[rows])
        return sample_from(start, Euler(), path, noise, passes=passes)

    both = go([5, 6], slice(None))
    torch.testing.assert_close(both[..., 1], data[..., 1])
    steps = {(0.3, 1): 2, (0.3, 3): 6, (1.0, 1): 4, (1.0, 3): 10}[strength, passes]
    assert seen == [(i + 1, steps) for i in range(steps)]
    torch.testing.assert_close(go([6], slice(1, 2))[0], both[1])
    assert (both[0, ..., 0] != both[1, ..., 0]).all()


class Averages(Codec):
    """The mean of each 2×2 pixels."""

    latent_shape = (1, 2, 2)

    def encode(self, x: Tensor, condition: Condition | None = None) -> Posterior:
        return Posterior(torch.nn.functional.avg_pool2d(x, 2))

    def decode(self, z: Tensor, condition: Condition | None = None) -> Tensor:
        return z.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_of_latents_stays_what_no_made_pixel_is_in() -> None:
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., 0, 3] = True
    start = Start(images, 0.5, mask).encoded(Averages())
    assert start.mask is not None
    assert start.mask.tolist() == [[[[False, True], [False, False]]]]
    assert start.images.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    # At strength 1 nobody can tell what lay under the mask.
    other = Start(images.masked_fill(mask, -50), 1.0, mask).encoded(Averages())
    assert torch.equal(other.images, Start(images, 1.0, mask).encoded(Averages()).images)
