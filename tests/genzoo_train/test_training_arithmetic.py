"""Orders, rates and averages against hand calculation."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from genzoo_core.recipe import PhaseRecipe
from genzoo_core.training import Progress
from genzoo_train.batches import Shuffled
from genzoo_train.optimisation import MovingAverage, learning_rate

CPU = torch.device("cpu")


@given(n=st.integers(1, 40), size=st.integers(1, 50), epochs=st.integers(1, 4))
def test_every_image_is_seen_equally_often_whatever_the_batch_size(
    n: int, size: int, epochs: int
) -> None:
    order = Shuffled(n, size, 0, "stage", CPU)
    steps = -(-n * epochs // size)
    seen = torch.cat([order.at(step) for step in range(steps)])
    assert len(seen) == steps * size
    for epoch in range(epochs):
        assert sorted(seen[epoch * n : (epoch + 1) * n].tolist()) == list(range(n))


@given(step=st.integers(0, 200), before=st.integers(0, 200))
def test_the_batch_of_a_step_does_not_depend_on_those_before(step: int, before: int) -> None:
    used = Shuffled(33, 16, 5, "stage", CPU)
    used.at(before)
    assert torch.equal(used.at(step), Shuffled(33, 16, 5, "stage", CPU).at(step))


def test_stages_and_seeds_shuffle_differently() -> None:
    orders = [
        tuple(Shuffled(100, 100, seed, stage, CPU).at(0).tolist())
        for seed, stage in ((0, "a"), (0, "b"), (1, "a"))
    ]
    assert len(set(orders)) == 3


@pytest.mark.parametrize(
    ("schedule", "step", "rate"),
    [
        ("constant", 0, 0.1),  # first of 10 steps of warm-up to 1
        ("constant", 9, 1.0),
        ("constant", 109, 1.0),
        ("linear", 10, 1.0),
        ("linear", 60, 0.6),  # half way from 1 to 0.2
        ("cosine", 10, 1.0),
        ("cosine", 60, 0.6),
        ("cosine", 35, 0.2 + 0.8 * (1 + 2**-0.5) / 2),  # a quarter: cos 45°
    ],
)
def test_learning_rates(schedule: str, step: int, rate: float) -> None:
    recipe = PhaseRecipe(lr=1.0, final_lr=0.2, warmup=10, schedule=schedule)  # type: ignore[arg-type]
    assert learning_rate(recipe, Progress(step, 110)) == pytest.approx(rate)


def test_the_average_forgets_by_half_lives_in_images() -> None:
    weight = nn.Parameter(torch.zeros(1))
    average = MovingAverage([weight], half_life=100, batch_size=50)
    average.update(10_000)  # far enough for the ramp to be over: 5 % of 500,000 images
    with torch.no_grad():
        weight.fill_(1.0)
    values = []
    for step in range(4):
        average.update(10_001 + step)
        values.append(average.averages[0].item())
    # A half-life is two steps: what is left of the 0 halves at every second one.
    assert values == pytest.approx([1 - 2**-0.5, 0.5, 1 - 2**-1.5, 0.75], rel=1e-5)


def test_the_average_of_a_young_run_is_ramped() -> None:
    weight = nn.Parameter(torch.zeros(1))
    average = MovingAverage([weight], half_life=1e9, batch_size=50)
    with torch.no_grad():
        weight.fill_(1.0)
    average.update(0)  # nothing was seen before: no memory of the initial weights
    assert average.averages[0].item() == 1.0
    with torch.no_grad():
        weight.fill_(2.0)
    average.update(20)  # 1000 images seen: a half-life of 50, one step
    assert average.averages[0].item() == pytest.approx(1.5)


def test_swapping_twice_gives_the_raw_weights_back() -> None:
    weight = nn.Parameter(torch.zeros(3))
    average = MovingAverage([weight], half_life=100, batch_size=50)
    with torch.no_grad():
        weight.fill_(1.0)
    average.swap()
    assert weight.tolist() == [0, 0, 0]
    average.swap()
    assert weight.tolist() == [1, 1, 1]
    average.adopt()
    assert weight.tolist() == [0, 0, 0]
