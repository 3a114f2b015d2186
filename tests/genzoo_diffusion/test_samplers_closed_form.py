"""The samplers on normal data, where the best denoiser and the ODE's solution are known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from noisers_and_samplers import ANY_PATH, DoubleRng, GaussianData, noiser_of, sampler_of

PATHS = ("ddpm-linear-eps", "ddpm-cosine-v", "rectified-flow", "edm")
ORDERS = {"euler": 1, "ddim": 1, "heun": 2, "dpmpp-2m": 2}
CASES = [(p, s) for p in PATHS for s in ORDERS if s in ANY_PATH or p.startswith("ddpm")]


def solved(path: str, name: str, steps: int, end: float) -> torch.Tensor:
    """How far a sampler ends from the ODE's solution, from t = 0.8 to `end`."""
    noiser, data = noiser_of(path), GaussianData([0.3, -0.5], [0.5, 0.8])
    x = torch.linspace(-2, 2, 10, dtype=torch.float64).reshape(5, 2)
    # Exactly these times are visited: ddpm rounds those that lie within 1e-6 of a whole step.
    grid = torch.linspace(0.8, end, steps + 1, dtype=torch.float64)
    out = sampler_of(name)(data.path(noiser, grid, DoubleRng(0, 5)), x)
    last = torch.tensor([end], dtype=torch.float64)
    exact = data.carried(noiser, x, 0.8, end) / noiser.coefficients(last)[0]
    return (out - exact).abs().max()


@pytest.mark.parametrize(("path", "name"), CASES)
def test_the_error_falls_with_the_order_of_the_method(path: str, name: str) -> None:
    # An end with noise left: the last step to none is of first order by design.
    coarse, fine = (float(solved(path, name, steps, 0.3)) for steps in (100, 400))
    order = math.log(coarse / fine, 4)
    assert order == pytest.approx(ORDERS[name], abs=0.25)
    assert fine < (1e-2 if ORDERS[name] == 1 else 2e-4)


@pytest.mark.parametrize(("path", "name"), CASES)
def test_the_whole_way_to_the_data_comes_near_the_solution(path: str, name: str) -> None:
    noiser = noiser_of(path)
    data = GaussianData([0.3, -0.5], [0.5, 0.8])
    x = noiser.prior(DoubleRng(1, 64), (2,), torch.empty(0, dtype=torch.float64))
    grid = noiser.grid(500)
    out = sampler_of(name)(data.path(noiser, grid, DoubleRng(0, 64)), x)
    exact = data.carried(noiser, x, float(grid[0]), 0)
    alpha, _ = noiser.coefficients(torch.zeros(1, dtype=torch.float64))
    error = (out - exact / alpha).abs().max()
    assert error < (0.04 if ORDERS[name] == 1 else 4e-3)


@pytest.mark.parametrize(
    ("path", "name", "config"),
    [
        *((path, "euler-a", {}) for path in PATHS),
        *(
            (path, *random)
            for path in ("ddpm-linear-eps", "ddpm-cosine-v")
            for random in (("ddpm", {}), ("ddim", {"eta": 1.0}), ("ddim", {"eta": 0.5}))
        ),
    ],
)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_random_steps_have_the_right_mean_and_variance(
    path: str, name: str, config: dict[str, float], steps: int
) -> None:
    # Where the data is one point, x_t is normal around it at every time, in however many steps
    # (Song et al. 2021, lemma 1): mean alpha x0, standard deviation sigma.
    n, noiser, data = 100_000, noiser_of(path), GaussianData([0.7], [0.0])
    ends = torch.tensor([0.9, 0.4], dtype=torch.float64)
    alpha, sigma = noiser.coefficients(ends)
    rng = DoubleRng(3, n)
    x = alpha[0] * data.mean + sigma[0] * rng.normal((1,), ends)
    grid = torch.linspace(0.9, 0.4, steps + 1, dtype=torch.float64)
    out = sampler_of(name, **config)(data.path(noiser, grid, rng), x)
    ratio = float(sigma[1] / alpha[1])
    assert float(out.mean()) == pytest.approx(0.7, abs=5 * ratio / math.sqrt(n))
    assert float(out.std()) == pytest.approx(ratio, rel=5 / math.sqrt(2 * n))
    # And of the noise at the start as much is left as eta says: all in a step of eta = 0, and
    # the ratio of the two sigma / alpha with eta = 1.
    levels = [float(s / a) for a, s in zip(*noiser.coefficients(grid), strict=True)]
    eta = config.get("eta", 1.0)
    kept = math.prod(
        math.sqrt(1 - eta**2 * (1 - (low / high) ** 2)) for high, low in pairwise(levels)
    )
    correlation = float(torch.corrcoef(torch.cat([x, out], 1).T)[0, 1])
    assert correlation == pytest.approx(kept, abs=5 / math.sqrt(n))


@pytest.mark.parametrize(
    ("path", "name"), [("ddpm-linear-eps", "ddpm"), *((path, "euler-a") for path in PATHS)]
)
def test_the_ancestral_sampler_gives_the_data_its_spread(path: str, name: str) -> None:
    noiser, data = noiser_of(path), GaussianData([0.3, -0.5], [0.5, 0.8])
    rng = DoubleRng(4, 4000)
    x = noiser.prior(rng, (2,), torch.empty(0, dtype=torch.float64))
    out = sampler_of(name)(data.path(noiser, noiser.grid(500), rng), x)
    torch.testing.assert_close(out.mean(0), data.mean, rtol=0, atol=0.04)
    torch.testing.assert_close(out.std(0), data.std, rtol=0.04, atol=0)
