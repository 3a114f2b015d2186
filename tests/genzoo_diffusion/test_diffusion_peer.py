"""Schedules and samplers against those of `diffusers`, on equal grids and network outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import pytest
import torch
from noisers_and_samplers import DoubleRng, component, sampler_of
from torch import Tensor

import genzoo
from genzoo_core import ScheduledNoiser, Trajectory
from genzoo_diffusion.model import Diffusion

# The peer reads its own tensors in a way that numpy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

N, SHAPE = 4, (1, 6, 6)
SCHEDULES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
PREDICTIONS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
EVERY_DDPM = [(s, p) for s in SCHEDULES for p in PREDICTIONS]


def ddpm(schedule: str, prediction: str) -> ScheduledNoiser:
    built: ScheduledNoiser = component("noiser", "ddpm", schedule=schedule, prediction=prediction)
    return built


def peer(name: str, schedule: str = "linear", prediction: str = "eps", **config: Any) -> Any:
    """A scheduler of `diffusers` for the same diffusion, which clips nothing."""
    if name in ("DDPMScheduler", "DDIMScheduler"):
        config["clip_sample"] = False
    return getattr(diffusers, name)(
        beta_schedule=SCHEDULES[schedule],
        beta_start=1e-4,
        beta_end=0.02,
        prediction_type=PREDICTIONS[prediction],
        timestep_spacing="trailing",
        **config,
    )


def network(x: Tensor, time: float) -> Tensor:
    """A network's output: smooth, not linear, and different at every time."""
    return 0.8 * x + 0.2 * (3 * x + 7 * time).sin()


def theirs(
    scheduler: Any, x: Tensor, time: Callable[[float], float], **step: Any
) -> tuple[Tensor, int]:
    """What the peer makes of `x`, and how often it asked."""
    for timestep in scheduler.timesteps:
        seen = x
        if hasattr(scheduler, "scale_model_input"):
            seen = scheduler.scale_model_input(x, timestep)
        out = network(seen, time(float(timestep)))
        x = scheduler.step(out, timestep, x, **step).prev_sample
    return x, len(scheduler.timesteps)


def ours(name: str, noiser: ScheduledNoiser, x: Tensor, grid: Tensor, **config: Any) -> Tensor:
    def denoise(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return noiser.split(network(y, float(noiser.embed(t)[0])), y, t)

    return sampler_of(name, **config)(Trajectory(denoise, noiser, grid, DoubleRng(9, N)), x)


def start() -> Tensor:
    return DoubleRng(5, N).normal(SHAPE, torch.empty(0, dtype=torch.float64))


def grid_of(scheduler: Any) -> Tensor:
    """A peer's timestep i is our time (i + 1) / 1000."""
    times = scheduler.timesteps.double().unique().flip(0)
    return torch.cat([(times + 1) / 1000, torch.zeros(1, dtype=torch.float64)])


def step_of(timestep: float) -> float:
    return (timestep + 1) / 1000


def agree(mine: Tensor, other: Tensor) -> None:
    assert mine.isfinite().all()
    error = (mine - other).abs().max() / other.abs().max()
    assert float(error) < 1e-4


@pytest.mark.parametrize(("schedule", "prediction"), EVERY_DDPM)
def test_the_schedule_and_its_targets(schedule: str, prediction: str) -> None:
    scheduler, noiser = peer("DDPMScheduler", schedule, prediction), ddpm(schedule, prediction)
    steps = torch.arange(1000)
    alpha, sigma = noiser.coefficients((steps + 1) / 1000)
    expected = scheduler.alphas_cumprod
    # The peer's table is float32, in which 1 - alpha_bar loses digits near the data.
    torch.testing.assert_close(alpha, expected.sqrt(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(sigma, (1 - expected).sqrt(), rtol=1e-4, atol=1e-5)
    x0, noise = DoubleRng(1, 1000).normal((2,), expected), DoubleRng(2, 1000).normal((2,), expected)
    t = (steps + 1) / 1000
    torch.testing.assert_close(
        noiser.perturb(x0, noise, t), scheduler.add_noise(x0, noise, steps), rtol=1e-4, atol=1e-4
    )
    if prediction == "v":
        velocity = scheduler.get_velocity(x0, noise, steps)
        torch.testing.assert_close(noiser.target(x0, noise, t), velocity, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 13, 50, 999, 1000])
def test_the_grid_is_the_one_called_trailing(steps: int) -> None:
    scheduler = peer("DDIMScheduler")
    scheduler.set_timesteps(steps)
    mine = (ddpm("linear", "eps").grid(steps)[:-1] * 1000).round() - 1
    assert mine.long().tolist() == scheduler.timesteps.tolist()


CASES = [
    # Ours, theirs, our config, theirs, how they are told of chance.
    ("ddpm", "DDPMScheduler", {}, {}, {"generator": 9}),
    ("ddim", "DDIMScheduler", {}, {}, {}),
    ("ddim", "DDIMScheduler", {"eta": 0.5}, {}, {"eta": 0.5, "generator": 9}),
    ("ddim", "DDIMScheduler", {"eta": 1.0}, {}, {"eta": 1.0, "generator": 9}),
    ("dpmpp-2m", "DPMSolverMultistepScheduler", {}, {"solver_order": 2}, {}),
]


@pytest.mark.parametrize(("schedule", "prediction"), EVERY_DDPM)
@pytest.mark.parametrize("steps", [1, 2, 10, 50])
@pytest.mark.parametrize(("name", "other", "config", "their_config", "step"), CASES)
def test_samplers_of_x(
    name: str,
    other: str,
    config: dict[str, Any],
    their_config: dict[str, Any],
    step: dict[str, Any],
    steps: int,
    schedule: str,
    prediction: str,
) -> None:
    scheduler = peer(other, schedule, prediction, **their_config)
    scheduler.set_timesteps(steps)
    # The cosine's last step, where alpha is 0.00005, is beyond the float32 of the peer's table.
    step = dict(step)
    if "generator" in step:
        step["generator"] = torch.Generator().manual_seed(step["generator"])
    expected, asked = theirs(scheduler, start(), step_of, **step)
    assert asked == steps
    agree(ours(name, ddpm(schedule, prediction), start(), grid_of(scheduler), **config), expected)


@pytest.mark.parametrize("eta", [0.5, 1.0])
def test_what_is_set_of_a_sampler_reaches_it(eta: float) -> None:
    # A whole run of a model that ships: its first numbers are the noise, the next those of a step.
    options = {"sampler": "ddim", "sampler.eta": str(eta), "steps": 8}
    made = genzoo.generate("ddpm-mlp-mnist", seed=4, options=options)

    model = genzoo.load("ddpm-mlp-mnist")
    assert isinstance(model, Diffusion)
    scheduler = diffusers.DDIMScheduler(beta_schedule="linear", timestep_spacing="trailing")
    scheduler.set_timesteps(8)
    generator = torch.Generator().manual_seed(4)
    x = torch.randn((1, 1, 28, 28), generator=generator)
    with torch.inference_mode():
        for timestep in scheduler.timesteps:
            out = model.predict(x, (timestep + 1).reshape(1) / 1000, None)
            # With the noise of the clipped picture, as Ho et al. 2020 have it.
            step = {"eta": eta, "use_clipped_model_output": True, "generator": generator}
            x = scheduler.step(out, timestep, x, **step).prev_sample
    torch.testing.assert_close(made.images, x.clamp(-1, 1), rtol=0, atol=1e-4)
    assert made.record.options["sampler"] == {"component": "ddim", "config": {"eta": eta}}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("prediction", ["eps", "v"])
@pytest.mark.parametrize("steps", [1, 2, 10, 50])
@pytest.mark.parametrize(
    ("name", "other"), [("euler", "EulerDiscreteScheduler"), ("heun", "HeunDiscreteScheduler")]
)
def test_samplers_of_x_over_alpha(
    name: str, other: str, steps: int, schedule: str, prediction: str
) -> None:
    scheduler, noiser = peer(other, schedule, prediction), ddpm(schedule, prediction)
    # From 10 below the last: at the cosine's end 1 / alpha is beyond the peer's float32.
    scheduler.set_timesteps(timesteps=[1000 - 1000 * i // steps - 11 for i in range(steps)])
    grid = grid_of(scheduler)
    alpha, _ = noiser.coefficients(grid[:1])
    expected, asked = theirs(scheduler, start() / alpha, step_of)
    assert asked == (steps if name == "euler" else 2 * steps - 1)
    agree(ours(name, noiser, start(), grid), expected)


@pytest.mark.parametrize("prediction", ["eps", "v"])
@pytest.mark.parametrize("steps", [1, 2, 10, 50])
def test_the_ancestral_sampler_of_x_over_alpha(steps: int, prediction: str) -> None:
    scheduler = peer("EulerAncestralDiscreteScheduler", "linear", prediction)
    scheduler.set_timesteps(steps)
    noiser, grid = ddpm("linear", prediction), grid_of(scheduler)
    alpha, _ = noiser.coefficients(grid[:1])
    generator = torch.Generator().manual_seed(9)
    expected, asked = theirs(scheduler, start() / alpha, step_of, generator=generator)
    assert asked == steps
    agree(ours("euler-a", noiser, start(), grid), expected)


@pytest.mark.parametrize("steps", [1, 2, 10, 50])
@pytest.mark.parametrize(
    ("name", "other", "config"),
    [
        ("euler", "FlowMatchEulerDiscreteScheduler", {"shift": 1.0}),
        ("heun", "FlowMatchHeunDiscreteScheduler", {"shift": 1.0}),
        (
            "dpmpp-2m",
            "DPMSolverMultistepScheduler",
            {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
        ),
    ],
)
def test_samplers_of_a_flow(name: str, other: str, config: dict[str, Any], steps: int) -> None:
    scheduler, noiser = getattr(diffusers, other)(**config), component("noiser", "rectified-flow")
    scheduler.set_timesteps(steps)
    grid = scheduler.sigmas.double().unique().flip(0)
    assert len(grid) == steps + 1

    def time(timestep: float) -> float:  # the peer rounds its timesteps
        return float(scheduler.sigmas[scheduler.step_index or 0])

    expected, asked = theirs(scheduler, start(), time)
    assert asked == (steps if name != "heun" else 2 * steps - 1)
    agree(ours(name, noiser, start(), grid), expected)


@pytest.mark.parametrize("steps", [2, 10, 50])
@pytest.mark.parametrize(
    ("name", "other"),
    [("euler", "EDMEulerScheduler"), ("dpmpp-2m", "EDMDPMSolverMultistepScheduler")],
)
def test_samplers_of_edm(name: str, other: str, steps: int) -> None:
    scheduler, noiser = getattr(diffusers, other)(), component("noiser", "edm")
    scheduler.set_timesteps(steps)
    grid = noiser.grid(steps)
    torch.testing.assert_close(noiser.level(grid), scheduler.sigmas, rtol=1e-4, atol=0)
    torch.testing.assert_close(
        noiser.embed(grid[:-1]), scheduler.timesteps.float(), rtol=1e-4, atol=1e-5
    )
    expected, asked = theirs(scheduler, 80 * start(), lambda c_noise: c_noise)
    assert asked == steps
    _, sigma = noiser.coefficients(grid[:1].double())
    agree(ours(name, noiser, sigma * start(), grid), expected)
