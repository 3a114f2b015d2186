"""Training and sampling with a network that removes noise, whatever the network is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genzoo_core import BatchRng, Condition, Rng, ScheduledNoiser
from genzoo_core.denoising import denoising_errors, join


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
