"""The noisers: the formulas of the papers, and what every sampler relies on."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from noisers_and_samplers import NOISERS, component, noiser_of
from torch import Tensor

from genzoo_core import BatchRng, ConfigError, SampleRng, Trajectory

BUILT = {case: noiser_of(case) for case in NOISERS}
CASES = pytest.mark.parametrize("case", NOISERS)
DOUBLE = torch.empty(0, dtype=torch.float64)


def batch_rng(n: int, seed: int = 0) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(seed), n)


@CASES
@given(t=st.floats(0.002, 0.998), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_split_undoes_target(case: str, t: float, seed: int) -> None:
    noiser = BUILT[case]
    x0, noise = SampleRng([seed, seed + 1]).normal((2, 3), DOUBLE)
    times = torch.full((2,), t, dtype=torch.float64)
    prediction = noiser.target(x0, noise, times)
    back = noiser.split(prediction, noiser.perturb(x0, noise, times), times)
    torch.testing.assert_close(back, (x0, noise), rtol=1e-6, atol=1e-6)


@CASES
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 50, 999, 1000])
def test_a_grid_falls_to_the_data_and_can_be_split_all_the_way(case: str, steps: int) -> None:
    noiser = BUILT[case]
    grid = noiser.grid(steps)
    assert grid.shape == (steps + 1,)
    assert grid[0] <= 1
    assert grid[-1] == 0
    assert (grid.diff() < 0).all()
    alpha, sigma = noiser.coefficients(grid.double())
    assert sigma[-1] == 0
    assert ((sigma / alpha).diff() < 0).all()
    x, times = torch.ones(steps, 1), grid[:-1]
    for found in noiser.split(x, x, times):
        assert found.isfinite().all()
        assert found.abs().max() < 400
    assert noiser.embed(times).isfinite().all()


@CASES
def test_sampling_starts_from_what_training_ends_with(case: str) -> None:
    noiser = BUILT[case]
    prior = noiser.prior(SampleRng(range(64)), (100,), torch.empty(0))
    noise = SampleRng(range(64)).normal((100,), torch.empty(0))
    _, sigma = noiser.coefficients(noiser.grid(10)[:1])
    torch.testing.assert_close(prior, sigma * noise, rtol=1e-4, atol=1e-4)


@CASES
def test_training_times_can_be_trained_at(case: str) -> None:
    noiser = BUILT[case]
    times = noiser.sample_t(batch_rng(20_000), torch.empty(0))
    assert times.shape == (20_000,)
    assert times.dtype == torch.float32
    assert times.min() >= 0
    assert times.max() <= 1
    ones = torch.ones(20_000, 1)
    assert noiser.target(ones, ones, times).isfinite().all()
    assert noiser.embed(times).isfinite().all()
    weight = noiser.weight(times)
    if case != "rectified-flow-x0":
        assert (weight == 1).all()
    assert (weight >= 1).all()
    assert weight.isfinite().all()


def test_ddpm_trains_at_every_whole_step_alike() -> None:
    times = noiser_of("ddpm-linear-eps").sample_t(batch_rng(100_000), torch.empty(0))
    counts = (times * 1000).round().long().bincount(minlength=1001)
    torch.testing.assert_close(times, (times * 1000).round() / 1000)
    assert counts[0] == 0
    assert len(counts) == 1001
    assert counts[1:].min() > 50
    assert counts[1:].max() < 160  # 100 each, with a standard deviation of 10


def test_the_first_and_last_steps_of_the_linear_schedule() -> None:
    # beta_1 = 1e-4, so alpha_bar_1 = 0.9999; Ho et al. 2020, section 4, has alpha_bar_T near 4e-5.
    alpha, sigma = noiser_of("ddpm-linear-eps").coefficients(torch.tensor([0.0, 0.001, 1.0]))
    assert alpha[:2].tolist() == pytest.approx([1, math.sqrt(0.9999)])
    assert sigma[:2].tolist() == pytest.approx([0, 0.01])
    assert float(alpha[2] ** 2) == pytest.approx(4.04e-5, rel=0.01)


def test_the_cosine_schedule_is_a_cosine() -> None:
    t = torch.arange(0, 1000, 50, dtype=torch.float64) / 1000
    alpha, sigma = noiser_of("ddpm-cosine-v").coefficients(t)
    start = math.cos(0.008 / 1.008 * math.pi / 2)
    expected = ((t + 0.008) / 1.008 * math.pi / 2).cos() / start
    torch.testing.assert_close(alpha, expected)
    torch.testing.assert_close(sigma, (1 - expected.square()).sqrt(), rtol=1e-6, atol=1e-6)


def test_between_two_steps_ddpm_lies_between_them() -> None:
    noiser = noiser_of("ddpm-linear-eps")
    alpha, sigma = noiser.coefficients(torch.tensor([0.5, 0.5004, 0.501], dtype=torch.float64))
    ratio = sigma / alpha
    assert float(ratio[1]) == pytest.approx(float(0.6 * ratio[0] + 0.4 * ratio[2]))
    torch.testing.assert_close(alpha.square() + sigma.square(), torch.ones_like(alpha))


def test_ddpm_is_the_same_at_a_step_in_float32_and_float64() -> None:
    steps = torch.arange(1, 1001) / 1000
    for case in ("ddpm-linear-eps", "ddpm-cosine-v"):
        single = noiser_of(case).coefficients(steps)
        double = noiser_of(case).coefficients(torch.arange(1, 1001, dtype=torch.float64) / 1000)
        torch.testing.assert_close(single, tuple(c.float() for c in double), rtol=1e-6, atol=0)


def test_the_cosine_grid_starts_where_there_is_a_trace_of_signal() -> None:
    # 0.00623 at step 996, and 0.00005 at step 1000, where noise prediction would blow up.
    assert float(noiser_of("ddpm-cosine-eps").grid(10)[0]) == pytest.approx(0.996)
    assert float(noiser_of("ddpm-linear-eps").grid(10)[0]) == 1


def test_rectified_flow_is_the_straight_line() -> None:
    noiser = noiser_of("rectified-flow")
    x0, noise, t = torch.tensor([[2.0]]), torch.tensor([[-1.0]]), torch.tensor([0.25])
    assert noiser.perturb(x0, noise, t).item() == pytest.approx(0.75 * 2 - 0.25)
    assert noiser.target(x0, noise, t).item() == pytest.approx(-3)
    assert noiser.grid(4).tolist() == [1, 0.75, 0.5, 0.25, 0]


def test_the_error_of_predicted_data_counts_as_that_of_the_velocity() -> None:
    velocity, data = noiser_of("rectified-flow"), noiser_of("rectified-flow-x0")
    x0, noise, t = torch.tensor([[2.0]]), torch.tensor([[-1.0]]), torch.tensor([0.25])
    assert data.target(x0, noise, t).item() == pytest.approx(2)
    # The velocity is noise - x0 = -3. Where x0 is said to be 1.9, x_t = 1.25 has noise -0.7, and
    # the velocity is -2.6.
    _, wrong = data.split(torch.tensor([[1.9]]), data.perturb(x0, noise, t), t)
    assert wrong.item() == pytest.approx(-0.7)
    of_velocity = velocity.weight(t) * (wrong.item() - 1.9 - velocity.target(x0, noise, t)).square()
    of_data = data.weight(t) * (1.9 - data.target(x0, noise, t)).square()
    assert of_data.item() == pytest.approx(of_velocity.item()) == pytest.approx(0.16)
    # Below t = 0.05 (Li & He 2025) the weight no longer grows.
    assert data.weight(torch.tensor([0.05, 0.01, 0.0])).tolist() == pytest.approx([400, 400, 400])


def test_the_steps_of_a_shifted_flow_are_those_of_stable_diffusion_3() -> None:
    # What diffusers' FlowMatchEulerDiscreteScheduler(shift=3) makes of the same five times.
    shifted = component("noiser", "rectified-flow", shift=3.0).grid(4)
    torch.testing.assert_close(shifted, torch.tensor([1, 0.9, 0.75, 0.5, 0]))


def test_flow_times_are_the_sigmoid_of_a_normal_or_uniform() -> None:
    quantiles = torch.tensor([0.1, 0.5, 0.9])
    times = noiser_of("rectified-flow").sample_t(batch_rng(100_000), torch.empty(0))
    expected = torch.tensor([-1.2816, 0.0, 1.2816]).sigmoid()
    torch.testing.assert_close(times.quantile(quantiles), expected, rtol=0, atol=0.01)
    uniform = component("noiser", "rectified-flow", times="uniform")
    times = uniform.sample_t(batch_rng(100_000), torch.empty(0))
    torch.testing.assert_close(times.quantile(quantiles), quantiles, rtol=0, atol=0.01)


@given(log_level=st.floats(-5, 4), x0=st.floats(-1, 1), noise=st.floats(-3, 3))
def test_edm_is_the_preconditioning_of_the_paper(log_level: float, x0: float, noise: float) -> None:
    # Table 1, with data_std = 0.5; y = x0 + s n and D(y) = c_skip y + c_out F(c_in y, c_noise).
    noiser = component("noiser", "edm")
    s, d = math.exp(log_level), 0.5
    c_skip, c_out = d**2 / (s**2 + d**2), s * d / math.hypot(s, d)
    c_in, c_noise = 1 / math.hypot(s, d), log_level / 4
    t = noiser.time(torch.tensor([s], dtype=torch.float64))
    data, drawn = torch.tensor([[[x0]], [[noise]]], dtype=torch.float64)
    y = x0 + s * noise
    assert noiser.embed(t).item() == pytest.approx(c_noise, abs=1e-9)
    assert noiser.perturb(data, drawn, t).item() == pytest.approx(c_in * y)
    target = (x0 - c_skip * y) / c_out
    assert noiser.target(data, drawn, t).item() == pytest.approx(target, rel=1e-6, abs=1e-6)
    raw = torch.tensor([[0.3]], dtype=torch.float64)
    found, rest = noiser.split(raw, noiser.perturb(data, drawn, t), t)
    denoised = c_skip * y + c_out * 0.3
    assert found.item() == pytest.approx(denoised)
    assert rest.item() == pytest.approx((y - denoised) / s, rel=1e-6, abs=1e-6)


def test_edm_trains_at_log_normal_levels() -> None:
    noiser = component("noiser", "edm")
    times = noiser.sample_t(batch_rng(100_000), torch.empty(0))
    logs = noiser.level(times).log()
    assert float(logs.mean()) == pytest.approx(-1.2, abs=0.02)
    assert float(logs.std()) == pytest.approx(1.2, abs=0.02)


def test_edm_refuses_levels_that_do_not_rise() -> None:
    with pytest.raises(ConfigError, match="not above"):
        component("noiser", "edm", sigma_min=2.0, sigma_max=1.0)


EXTREMES = {
    "data_std": (1e-3, 0.5, 1e3),
    "sigma_min": (1e-5, 0.002, 4999.0),
    "sigma_max": (2.1e-5, 80.0, 1e4),
    "rho": (0.1, 7.0, 1000.0),
}
"""Ends of what a config may say, and what it says by itself."""


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m"])
def test_edm_falls_and_samples_finite_data_at_the_ends_of_its_ranges(sampler: str) -> None:
    solve = component("sampler", sampler)
    for values in product(*EXTREMES.values()):
        config = dict(zip(EXTREMES, values, strict=True))
        if config["sigma_max"] <= 2 * config["sigma_min"]:
            continue
        noiser = component("noiser", "edm", **config)
        assert bool((noiser.grid(1000).diff() < 0).all()), config

        def denoise(x: Tensor, t: Tensor, noiser: Any = noiser) -> tuple[Tensor, Tensor]:
            split: tuple[Tensor, Tensor] = noiser.split((3 * x).sin(), x, t)
            return split

        for steps in (1, 2, 5):
            rng = SampleRng([0])
            path = Trajectory(denoise, noiser, noiser.grid(steps), rng)
            x = solve(path, noiser.prior(rng, (4,), torch.empty(0)))
            assert bool(torch.isfinite(x).all()), (config, steps)


@pytest.mark.parametrize(
    "config",
    [
        *({field: end / 2} for field, (end, *_) in EXTREMES.items()),
        *({field: ends[-1] * 2} for field, ends in EXTREMES.items() if field != "sigma_min"),
        *({field: math.nan} for field in (*EXTREMES, "log_mean", "log_std")),
        *({field: math.inf} for field in (*EXTREMES, "log_mean", "log_std")),
        {"rho": 1e-300},
        {"log_mean": -1e9},
        {"log_std": 0.0},
    ],
)
def test_edm_refuses_what_is_out_of_range_by_its_name(config: dict[str, float]) -> None:
    (field,) = config
    with pytest.raises(ConfigError, match=rf"noiser genzoo/edm: .*{field}"):
        component("noiser", "edm", **config)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ddpm", {"schedule": "quadratic"}),
        ("ddpm", {"prediction": "flow"}),
        ("ddpm", {"predictions": "eps"}),
        ("rectified-flow", {"times": "beta"}),
        ("edm", {"sigma_min": 0.0}),
    ],
)
def test_a_config_that_is_not_of_its_type_is_refused(name: str, config: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"noiser genzoo/{name}.*its fields are"):
        component("noiser", name, **config)
