"""Mean flows: against the closed form of a Gaussian, finite differences, and what they draw."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusion_cases import LABEL, MLP, UNET, N, error_of, rows_lit, sample, spec_of, trained
from torch import Tensor

import genzoo
from genzoo_core import Batch, BatchRng, ComponentSpec, ModelSpec, Progress, SampleRng
from genzoo_diffusion.mean_flow import MeanFlow, mean_velocity
from genzoo_train.building import begin_from


def flow_spec(conditioners: dict[str, ComponentSpec] | None = None, **config: Any) -> ModelSpec:
    given: dict[str, Any] = {"network": MLP, "shape": [1, 8, 8]} | config
    return ModelSpec("genzoo/mean-flow", given, conditioners=conditioners or {})


def build(conditioners: dict[str, ComponentSpec] | None = None, **config: Any) -> MeanFlow:
    """A model in double precision, none of whose layers is silent."""
    torch.manual_seed(0)
    zoo = genzoo.open_zoo()
    model = zoo.build(flow_spec(conditioners, **config), training=True).module
    assert isinstance(model, MeanFlow)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.eval().double()


def test_the_mean_velocity_of_a_gaussian_is_its_own_target() -> None:
    # Data of N(0, s^2): z_t has the deviation d(t) = sqrt((1 - t)^2 s^2 + t^2), and the flow
    # scales by d(r) / d(t); so its velocity is z d'(t) / d(t), and the mean of that is
    # z (1 - d(r) / d(t)) / (t - r).
    s = 0.3

    def deviation(t: Tensor) -> Tensor:
        return ((1 - t).square() * s**2 + t.square()).sqrt()

    def mean(z: Tensor, r: Tensor, t: Tensor) -> Tensor:
        return z * ((1 - deviation(r) / deviation(t)) / (t - r))[:, None]

    z = torch.randn(5, 3, dtype=torch.float64)
    r = torch.tensor([0.0, 0.0, 0.1, 0.4, 0.6], dtype=torch.float64)
    t = torch.tensor([1.0, 0.5, 0.9, 0.5, 0.99], dtype=torch.float64)
    tangent = z * ((t - (1 - t) * s**2) / deviation(t).square())[:, None]
    found, target = mean_velocity(mean, z, r, t, tangent)
    torch.testing.assert_close(found, mean(z, r, t))
    torch.testing.assert_close(target, found)


@pytest.mark.parametrize("network", [MLP, UNET], ids=["mlp", "unet"])
def test_the_target_holds_the_derivative_along_the_path(network: dict[str, Any]) -> None:
    model = build({"label": LABEL}, network=network)
    z, tangent = torch.randn(2, 3, 1, 8, 8, dtype=torch.float64)
    r, t = torch.tensor([[0.1, 0.0, 0.5], [0.7, 0.9, 0.6]], dtype=torch.float64)
    condition = model.condition({"label": torch.tensor([0, 2, 3])}, 3)
    step = 1e-7
    with torch.no_grad():
        ahead = model.velocity(z + step * tangent, r, t + step, condition)
        behind = model.velocity(z - step * tangent, r, t - step, condition)
    slope = (ahead - behind) / (2 * step)
    _, target = mean_velocity(lambda z, r, t: model.velocity(z, r, t, condition), z, r, t, tangent)
    expected = tangent - (t - r).reshape(-1, 1, 1, 1) * slope
    torch.testing.assert_close(target, expected, rtol=1e-4, atol=1e-6)


def test_guidance_is_learnt_away_from_nothing() -> None:
    model = build({"label": LABEL}, guidance=2.5)
    z, velocity = torch.randn(2, 3, 1, 8, 8, dtype=torch.float64)
    t = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    with torch.no_grad():
        nothing = model.velocity(z, t, t, model.condition({}, 3))
    torch.testing.assert_close(model.guided(velocity, z, t), -1.5 * nothing + 2.5 * velocity)
    assert build({"label": LABEL}).guided(velocity, z, t) is velocity


@pytest.mark.parametrize("spans", [0.01, 0.5, 1.0])
def test_every_weight_learns_whatever_the_share_of_spans(spans: float) -> None:
    model = build({"label": LABEL}, network=UNET, spans=spans, guidance=1.5)
    batch = Batch(torch.rand(6, 1, 8, 8).double(), {"label": torch.tensor([0, 1, 2, 3, 0, 1])})
    rng = BatchRng(torch.Generator().manual_seed(1), 6)
    phase = model.stages()[0].phases[0]
    loss, figures = model.loss(batch, rng, phase, Progress(0, 1))
    assert set(figures) == ({"mse/span"} if spans == 1 else {"mse", "mse/span"})
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in phase.parameters)


def test_a_step_goes_along_the_mean_velocity() -> None:
    model = build()
    noise = SampleRng([5, 6]).normal((1, 8, 8), next(model.parameters()))
    with torch.no_grad():
        zero, half, one = (torch.full((2,), t, dtype=torch.float64) for t in (0.0, 0.5, 1.0))
        once = noise - model.velocity(noise, zero, one, None)
        middle = noise - 0.5 * model.velocity(noise, half, one, None)
        twice = middle - 0.5 * model.velocity(middle, zero, half, None)
    torch.testing.assert_close(sample(cast(Any, model), [5, 6]), once.clamp(-1, 1))
    torch.testing.assert_close(sample(cast(Any, model), [5, 6], steps=2), twice.clamp(-1, 1))


def test_a_fresh_one_that_starts_from_a_flow_knows_its_velocity(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    weights = trained(tmp_path / "flow", spec_of(labels=True), steps=5)
    fresh = zoo.build(flow_spec({"label": LABEL}), training=True)
    left = begin_from(zoo.open(str(weights)), fresh)
    assert left
    assert all(name.startswith("span.") for name in left)
    flow, mean = zoo.open(str(weights)).module, cast(MeanFlow, fresh.module.eval())
    z, t = torch.randn(2, 1, 8, 8), torch.tensor([0.3, 0.8])
    asked = {"label": torch.tensor([1, 2])}
    with torch.no_grad():
        expected = cast(Any, flow).predict(z, t, cast(Any, flow).condition(asked, 2))
        found = mean.velocity(z, torch.zeros(2), t, mean.condition(asked, 2))
    torch.testing.assert_close(found, expected)


@pytest.mark.long
def test_one_evaluation_draws_what_takes_a_flow_many(tmp_path: Path) -> None:
    # From all noise, the velocity alone points to the mean of the data, which is none of it.
    zoo = genzoo.open_zoo()
    flow = zoo.open(str(trained(tmp_path / "flow", spec_of(), steps=400))).module
    mean = zoo.open(str(trained(tmp_path / "mean", flow_spec(), steps=400, stage="flowing"))).module
    seeds = list(range(N))
    blurred = error_of(sample(cast(Any, flow), seeds, steps=1, sampler="euler"))
    drawn = sample(cast(Any, mean), seeds)
    assert error_of(drawn) < 0.5 * blurred
    assert set(rows_lit(drawn)) == {0, 1, 2}
