"""How noise enters: the formulas of the papers, on numbers worked out by hand."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from genzoo_core import Noiser, SampleRng, ScheduledNoiser
from genzoo_core.noiser import Prediction


class Fixed(ScheduledNoiser):
    """alpha = 0.6, sigma = 0.8 at every time: cos and sin of one angle."""

    def __init__(self, prediction: Prediction, alpha: float = 0.6, sigma: float = 0.8) -> None:
        super().__init__()
        self.prediction = prediction
        self.pair = alpha, sigma

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full_like(t, self.pair[0]), torch.full_like(t, self.pair[1])


def test_the_base_noiser_is_the_reparameterisation_trick() -> None:
    x, noise, std = torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0]), torch.tensor([0.5, 3.0])
    assert Noiser().perturb(x, noise, std).tolist() == [1.5, -1.0]


def test_the_prior_is_the_rngs_normal() -> None:
    like = torch.empty(0)
    a, b = Noiser().prior(SampleRng([1, 2]), (3,), like), SampleRng([1, 2]).normal((3,), like)
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [("eps", 2.0), ("x0", 1.0), ("v", 0.6 * 2.0 - 0.8 * 1.0), ("flow", 2.0 - 1.0)],
)
def test_targets_on_one_pixel(prediction: Prediction, expected: float) -> None:
    x0, noise, t = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([0.5])
    noiser = Fixed(prediction)
    assert noiser.perturb(x0, noise, t).item() == pytest.approx(0.6 * 1 + 0.8 * 2)
    assert noiser.target(x0, noise, t).item() == pytest.approx(expected)


@given(
    prediction=st.sampled_from(["eps", "x0", "v", "flow"]),
    alpha=st.floats(0.05, 1.5),
    sigma=st.floats(0.05, 80),
)
def test_split_undoes_target(prediction: Prediction, alpha: float, sigma: float) -> None:
    noiser = Fixed(prediction, alpha, sigma)
    x0 = SampleRng([1, 2]).normal((3, 4), torch.empty(0, dtype=torch.float64))
    noise = SampleRng([3, 4]).normal((3, 4), x0)
    t = torch.tensor([0.1, 0.9], dtype=torch.float64)
    x_t = noiser.perturb(x0, noise, t)
    back = noiser.split(noiser.target(x0, noise, t), x_t, t)
    torch.testing.assert_close(back, (x0, noise))


def test_the_default_grid_goes_from_noise_to_data() -> None:
    assert Fixed("eps").grid(4).tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert Fixed("eps").grid(1).tolist() == [1.0, 0.0]


def test_a_noiser_takes_config_and_context_like_every_component() -> None:
    config = msgspec.convert({}, Noiser.Config)
    assert Noiser(config, None).config == config
    assert math.isclose(float(Fixed("v").weight(torch.tensor([0.3]))), 1.0)
