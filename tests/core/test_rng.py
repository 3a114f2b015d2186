"""Explicit randomness: what a draw depends on, and what it is distributed like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from genzoo_core import BatchRng, InterpolationRng, Rng, SampleRng
from genzoo_core.rng import slerp

LIKE = torch.empty(0)


@given(
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=8),
    shape=st.sampled_from([(1,), (8,), (16,), (3, 5), (1, 28, 28)]),
)
def test_a_sample_depends_on_its_own_seed_alone(seeds: list[int], shape: tuple[int, ...]) -> None:
    together = SampleRng(seeds)
    first, chance, second = (
        together.normal(shape, LIKE),
        together.uniform((), LIKE),
        together.normal(shape, LIKE),
    )
    for i, seed in enumerate(seeds):
        alone = SampleRng([seed])
        assert torch.equal(alone.normal(shape, LIKE)[0], first[i])
        assert torch.equal(alone.uniform((), LIKE)[0], chance[i])
        assert torch.equal(alone.normal(shape, LIKE)[0], second[i])


def test_a_draw_takes_the_dtype_of_like_without_changing_the_numbers() -> None:
    single = SampleRng([3]).normal((4,), LIKE)
    double = SampleRng([3]).normal((4,), LIKE.double())
    assert double.dtype == torch.float64
    assert torch.equal(single.double(), double)


def test_sample_rng_is_standard_normal_and_uniform() -> None:
    rng = SampleRng(range(4000))
    noise, chance = rng.normal((4,), LIKE), rng.uniform((), LIKE)
    # Four standard errors: 1/sqrt(16000), sqrt(2/16000), and sqrt(1/12/4000).
    assert abs(noise.mean()) < 4 * 0.0079
    assert abs(noise.var() - 1) < 4 * 0.0112
    assert abs(chance.mean() - 0.5) < 4 * 0.0046
    assert chance.min() >= 0
    assert chance.max() < 1


def test_batch_rng_repeats_with_its_generator() -> None:
    a = BatchRng(torch.Generator().manual_seed(5), 6)
    b = BatchRng(torch.Generator().manual_seed(5), 6)
    assert torch.equal(a.normal((2, 3), LIKE), b.normal((2, 3), LIKE))
    assert torch.equal(a.uniform((3,), LIKE), b.uniform((3,), LIKE))


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (40,)])
def test_a_draw_has_the_shape_that_is_wanted_for_each_sample(shape: tuple[int, ...]) -> None:
    kinds = (
        SampleRng([1, 2, 3]),
        BatchRng(torch.Generator(), 3),
        InterpolationRng(1, 2, [0.0, 0.5, 1.0]),
    )
    for rng in kinds:
        assert rng.normal(shape, LIKE).shape == (3, *shape)
        assert rng.uniform(shape, LIKE).shape == (3, *shape)
        assert rng.integers(5, shape, LIKE).shape == (3, *shape)


@given(seed=st.integers(0, 2**63 - 1), shape=st.sampled_from([(), (1,), (8,), (3, 5), (40,)]))
def test_uniform_numbers_of_a_seed_are_those_of_torch(seed: int, shape: tuple[int, ...]) -> None:
    expected = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(SampleRng([seed]).uniform(shape, LIKE)[0], expected)


@given(seed=st.integers(0, 2**63 - 1), high=st.integers(1, 100_000))
def test_a_whole_number_is_the_uniform_one_times_high_rounded_down(seed: int, high: int) -> None:
    chance = torch.rand(20, generator=torch.Generator().manual_seed(seed))
    exact = [math.floor(Fraction(number) * high) for number in chance.tolist()]
    drawn = SampleRng([seed]).integers(high, (20,), LIKE)
    assert drawn.dtype == torch.int64
    assert drawn[0].tolist() == exact


class One(Rng):
    """Draws one number, again and again."""

    def __init__(self, number: float) -> None:
        self.n = 1
        self._number = number

    def normal(self, shape: Sequence[int], like: Tensor) -> Tensor:
        raise NotImplementedError

    def uniform(self, shape: Sequence[int], like: Tensor) -> Tensor:
        return torch.full((1, *shape), self._number, dtype=like.dtype)


def test_a_whole_number_is_not_rounded_up() -> None:
    # 408 units of 2**-24 below 513, where single precision has steps of 1024.
    below = (513 * 2**24 - 408) / 600 / 2**24
    assert (torch.tensor(below) * 600).item() == 513
    assert One(below).integers(600, (), LIKE).tolist() == [512]
    # An interpolated number can come as close to 1 as doubles do.
    assert One(1.0).integers(600, (), LIKE).tolist() == [599]


def test_whole_numbers_are_as_likely() -> None:
    for rng in (SampleRng(range(6000)), BatchRng(torch.Generator().manual_seed(0), 6000)):
        counts = torch.bincount(rng.integers(6, (), LIKE), minlength=6)
        # The 0.1 % point of chi-squared with 5 degrees of freedom.
        assert ((counts - 1000) ** 2 / 1000).sum() < 20.5


def test_there_is_no_whole_number_below_nothing() -> None:
    with pytest.raises(ValueError, match="below 0"):
        SampleRng([0]).integers(0, (), LIKE)


def test_interpolation_begins_and_ends_at_the_seeds() -> None:
    rng = InterpolationRng(3, 8, [0.0, 0.5, 1.0])
    noise, chance = rng.normal((64,), LIKE), rng.uniform((), LIKE)
    ends = SampleRng([3, 8])
    torch.testing.assert_close(noise[[0, 2]], ends.normal((64,), LIKE))
    torch.testing.assert_close(chance[[0, 2]], ends.uniform((), LIKE))
    several = SampleRng([3, 8]).uniform((2, 3), LIKE)
    torch.testing.assert_close(
        InterpolationRng(3, 8, [0.0, 1.0]).uniform((2, 3), LIKE), several, rtol=0, atol=1e-6
    )
    # On the sphere, half way between nearly orthogonal vectors has their length, not 0.7 of it.
    assert noise[1].norm().item() == pytest.approx(noise[[0, 2]].norm(dim=1).mean().item(), rel=0.1)


def test_interpolated_uniform_numbers_stay_uniform() -> None:
    middle = torch.cat(
        [InterpolationRng(i, i + 10_000, [0.3]).uniform((), LIKE) for i in range(2000)]
    )
    # Kolmogorov-Smirnov distance; its 0.1 % point is 1.95/sqrt(n).
    steps = torch.arange(1, 2001) / 2000
    assert (middle.sort().values - steps).abs().max() < 1.95 / 2000**0.5


def test_slerp_of_orthogonal_vectors_is_the_arc() -> None:
    start, end = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    out = slerp(start, end, torch.tensor([0.0, 1 / 3, 1.0]))
    expected = torch.tensor([[1.0, 0.0], [0.75**0.5, 0.5], [0.0, 1.0]])
    torch.testing.assert_close(out, expected)


def test_slerp_of_parallel_vectors_is_the_line() -> None:
    out = slerp(torch.ones(3), 3 * torch.ones(3), torch.tensor([0.5]))
    torch.testing.assert_close(out, torch.full((1, 3), 2.0))
