"""The samplers: what holds for each, with every noiser that it fits."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest
import torch
from noisers_and_samplers import (
    NOISERS,
    PAIRS,
    SAMPLERS,
    DoubleRng,
    GaussianData,
    component,
    noiser_of,
    sampler_of,
)
from torch import Tensor

from genzoo_core import ConfigError, Context, Sampler, SampleRng, ScheduledNoiser, Start, Trajectory
from genzoo_core.denoising import sample_from
from genzoo_core.noiser import Prediction
from genzoo_core.sampler import Denoise, StepDone

EVERY_PAIR = pytest.mark.parametrize(("noiser_case", "name"), PAIRS)
DATA = GaussianData([0.3, -0.5, 0.0], [0.5, 0.2, 0.8])


def denoiser(noiser: ScheduledNoiser) -> Denoise:
    return lambda x, t: DATA.denoise(noiser, x, t)


def run(
    sampler: Sampler,
    noiser: ScheduledNoiser,
    seeds: list[int],
    steps: int,
    step_done: StepDone | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    rng = SampleRng(seeds)
    x = noiser.prior(rng, (3,), torch.empty(0, dtype=dtype))
    return sampler(Trajectory(denoiser(noiser), noiser, noiser.grid(steps), rng, step_done), x)


@EVERY_PAIR
def test_any_number_of_steps_works(noiser_case: str, name: str) -> None:
    noiser, sampler = noiser_of(noiser_case), sampler_of(name)
    assert sampler.fits(noiser)
    for steps in (1, 2, 3, 10, 200):
        out = run(sampler, noiser, [1, 2], steps)
        assert out.shape == (2, 3)
        assert out.dtype == torch.float32
        assert out.isfinite().all()
    assert ((out - DATA.mean) / DATA.std).abs().max() < 4


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("noiser_case", ["ddpm-cosine-eps", "ddpm-linear-eps"])
def test_every_step_of_the_schedule_can_be_taken(noiser_case: str, name: str) -> None:
    out = run(sampler_of(name), noiser_of(noiser_case), [1, 2], 1000)
    assert ((out - DATA.mean) / DATA.std).abs().max() < 4


@EVERY_PAIR
def test_one_step_is_the_first_guess_at_the_data(noiser_case: str, name: str) -> None:
    noiser = noiser_of(noiser_case)
    first = noiser.grid(1)[:1].double()
    x = noiser.prior(SampleRng([5]), (3,), torch.empty(0, dtype=torch.float64))
    guess, _ = DATA.denoise(noiser, x, first)
    out = run(sampler_of(name), noiser, [5], 1, dtype=torch.float64)
    torch.testing.assert_close(out, guess, rtol=1e-5, atol=1e-5)


@EVERY_PAIR
def test_a_sample_does_not_depend_on_its_batch(noiser_case: str, name: str) -> None:
    noiser = noiser_of(noiser_case)
    sampler = sampler_of(name, eta=0.7) if name == "ddim" else sampler_of(name)
    together = run(sampler, noiser, [3, 1, 4, 1], 5, dtype=torch.float64)
    for i, seed in enumerate([3, 1, 4, 1]):
        alone = run(sampler, noiser, [seed], 5, dtype=torch.float64)
        torch.testing.assert_close(alone[0], together[i], rtol=1e-12, atol=1e-12)
    assert (together[0] - together[1]).abs().max() > 1e-3


@EVERY_PAIR
def test_every_step_is_told_with_its_guess_at_the_data(noiser_case: str, name: str) -> None:
    noiser, told = noiser_of(noiser_case), []
    out = run(sampler_of(name), noiser, [1, 2], 4, lambda *step: told.append(step))
    assert [step[:2] for step in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    torch.testing.assert_close(told[-1][2], out)  # the last step ends at what it guesses
    assert (told[0][2] - out).abs().max() > 1e-3


@pytest.mark.parametrize("name", SAMPLERS)
def test_how_often_the_model_is_evaluated(name: str) -> None:
    noiser, calls = noiser_of("ddpm-linear-eps"), []

    def denoise(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        assert t.shape == (2,)
        calls.append(round(float(t[0]) * 1000))
        return DATA.denoise(noiser, x, t)

    rng = SampleRng([1, 2])
    x = noiser.prior(rng, (3,), torch.empty(0))
    sampler_of(name)(Trajectory(denoise, noiser, noiser.grid(4), rng), x)
    once, twice = [1000, 750, 500, 250], [1000, 750, 750, 500, 500, 250, 250]
    assert calls == (twice if name == "heun" else once)


@pytest.mark.parametrize("noiser_case", NOISERS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_of_variance_preserving_diffusion_refuse_other_paths(
    noiser_case: str, name: str
) -> None:
    fits = sampler_of(name).fits(noiser_of(noiser_case))
    assert fits == (name not in ("ddpm", "ddim") or noiser_case.startswith("ddpm"))


def test_ddim_with_no_noise_is_eulers_method() -> None:
    noiser = noiser_of("ddpm-cosine-v")
    a, b = (run(sampler_of(name), noiser, [1, 2], 6) for name in ("ddim", "euler"))
    torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_ddim_with_all_noise_is_the_ancestral_sampler() -> None:
    noiser = noiser_of("ddpm-linear-eps")
    a = run(sampler_of("ddim", eta=1.0), noiser, [1, 2], 6, dtype=torch.float64)
    b = run(sampler_of("ddpm"), noiser, [1, 2], 6, dtype=torch.float64)
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "config"),
    [("ddim", {"eta": 1.5}), ("ddim", {"eta": "1"}), ("euler", {"eta": 0.0}), ("ddpm", {"x": 1})],
)
def test_a_config_that_is_not_of_its_type_is_refused(name: str, config: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"sampler genzoo/{name}"):
        component("sampler", name, **config)


class ZeroSNR(ScheduledNoiser):
    """A stranger's noiser: variance-preserving, and with no signal at all at t = 1."""

    prediction: Prediction = "v"

    def coefficients(self, t: Tensor) -> tuple[Tensor, Tensor]:
        alpha = (t * torch.pi / 2).cos()
        alpha = torch.where(t == 1, 0, alpha)
        return alpha, (1 - alpha.square()).sqrt()


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_path_that_starts_with_no_signal_works_with_all(name: str) -> None:
    noiser, sampler, rng = ZeroSNR(), sampler_of(name), DoubleRng(1, 5000)
    assert sampler.fits(noiser)
    x = noiser.prior(rng, (3,), torch.empty(0, dtype=torch.float64))
    for steps in (1, 2, 3, 200):
        out = sampler(Trajectory(denoiser(noiser), noiser, noiser.grid(steps), rng), x)
        assert out.isfinite().all()
    torch.testing.assert_close(out.mean(0), DATA.mean, rtol=0, atol=0.05)
    torch.testing.assert_close(out.std(0), DATA.std, rtol=0, atol=0.05)


class Midpoint(Sampler):
    """A stranger's sampler, on the interfaces of `genzoo_core` alone.

    It goes half a step, looks again, and goes the whole step with what it saw.
    """

    def __call__(self, path: Trajectory, x: Tensor) -> Tensor:
        perturb = path.noiser.perturb
        for i in range(path.steps):
            now, then = path.time(i, x), path.time(i + 1, x)
            halfway = (now + then) / 2
            x0, noise = path.model(perturb(*path.denoise(i, x), halfway), halfway)
            x = x + perturb(x0, noise, then) - perturb(x0, noise, now)
            path.done(i, x0)
        return x


@pytest.mark.parametrize("whose", ["a stranger's", "ours"])
def test_a_strangers_sampler_takes_the_same_call_as_ours(whose: str) -> None:
    noiser, told = noiser_of("rectified-flow"), []
    strange = Midpoint(msgspec.convert({}, Midpoint.Config), cast(Context, None))  # asks nothing
    sampler = strange if whose == "a stranger's" else sampler_of("heun")
    assert sampler.fits(noiser)
    out = run(sampler, noiser, [1, 2], 40, lambda *step: told.append(step), torch.float64)
    start = noiser.prior(SampleRng([1, 2]), (3,), torch.empty(0, dtype=torch.float64))
    torch.testing.assert_close(out, DATA.carried(noiser, start, 1, 0), rtol=0, atol=5e-3)
    assert [step[0] for step in told] == list(range(1, 41))


@EVERY_PAIR
def test_each_begins_from_data_and_keeps_a_part_of_it(noiser_case: str, name: str) -> None:
    noiser, sampler, seeds = noiser_of(noiser_case), sampler_of(name), [4, 5, 6]
    data = torch.tensor([[0.9, -0.9, 0.2]]).repeat(3, 1).double()
    mask = torch.tensor([[True, False, True]]).repeat(3, 1)
    x = noiser.prior(SampleRng(seeds), (3,), data)

    def go(start: Start | None, passes: int = 1) -> Tensor:
        grid = noiser.grid(20)
        path = Trajectory(denoiser(noiser), noiser, grid, SampleRng(seeds))
        return sample_from(start, sampler, path, x, passes=passes)

    assert torch.equal(go(Start(data, 0.0)), data)
    assert torch.equal(go(Start(data, 1.0)), go(None))
    torch.testing.assert_close(go(Start(data, 0.001)), data, rtol=0, atol=0.05)
    # The more it is noised, the less is left of it.
    left = [(go(Start(data, s)) - data).abs().mean() for s in (0.001, 0.05, 0.3)]
    assert left == sorted(left)
    for strength in (0.37, 1.0):
        for passes in (1, 3):
            made = go(Start(data, strength, mask), passes)
            torch.testing.assert_close(made[:, 1], data[:, 1], rtol=0, atol=1e-4)
            assert torch.isfinite(made).all()
