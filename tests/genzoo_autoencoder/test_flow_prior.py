"""The flow over latents: what it learns, by closed form, and how guidance leads it."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from prior_cases import LABEL, STYLE, build
from torch import Tensor

from genzoo_autoencoder.flow_prior import FlowPrior
from genzoo_core import BatchRng, NotFittedError, Posterior, SampleRng

STEPS, BATCH = 1000, 256
DROP = 0.2

# Latents are N(CENTRE[label] + SHIFT[style], diag(SPREAD[label]²)), far from unit scale.
CENTRE = torch.tensor([[-30.0, 1.0], [20.0, 1.5]])
SHIFT = torch.tensor([[0.0, 0.0], [10.0, -2.0]])
SPREAD = torch.tensor([[5.0, 1.0], [10.0, 0.5]])
SHARE = 0.25
"""Share of the second label; the styles are equally frequent."""


def draw(rng: BatchRng) -> tuple[Tensor, Tensor, Tensor]:
    """Latents `[n, 2]` with their labels and styles."""
    label = (rng.uniform((), CENTRE) < SHARE).long()
    style = (rng.uniform((), CENTRE) < 0.5).long()
    noise = rng.normal((2,), CENTRE)
    return CENTRE[label] + SHIFT[style] + SPREAD[label] * noise, label, style


@pytest.fixture(scope="module")
def flow() -> FlowPrior:
    """A flow of an autoencoder with two conditioners, trained on such latents."""
    # Heun's method with a perfect net makes the narrowest of these 9 % narrower in 10 steps.
    prior = {"type": "flow", "width": 64, "blocks": 2, "embedding": 32, "steps": 30}
    model = build("autoencoder", {"label": LABEL, "style": STYLE}, latent=2, prior=prior)
    flow, generator = model.density, torch.Generator().manual_seed(0)
    many, _, _ = draw(BatchRng(generator, 20_000))
    flow.fit(Posterior(many), {})
    optimizer = torch.optim.Adam(flow.parameters())
    for step in range(STEPS):
        rng = BatchRng(generator, BATCH)
        z, label, style = draw(rng)
        given = {"label": label, "style": style}
        for name, conditioner in model.conditioners.items():
            given[name] = conditioner.drop(given[name], rng, DROP)
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / STEPS)
        optimizer.zero_grad()
        error, weight = flow.errors(z, given, rng)
        (weight * error).mean().backward()
        optimizer.step()
    return flow.eval()


@torch.inference_mode()
def sample(flow: FlowPrior, n: int = 2000, guidance: float = 1.0, **asked: int) -> Tensor:
    conditions = {name: torch.full((n,), value) for name, value in asked.items()}
    return flow.sample_from(None, SampleRng(range(n)), conditions, guidance=guidance)


@pytest.mark.parametrize(("label", "style"), list(product((0, 1), (0, 1))))
def test_it_draws_from_the_distribution_of_what_is_asked(
    flow: FlowPrior, label: int, style: int
) -> None:
    drawn = sample(flow, label=label, style=style)
    spread = SPREAD[label]
    off = (drawn.mean(0) - CENTRE[label] - SHIFT[style]) / spread
    assert off.abs().max() < 0.15
    torch.testing.assert_close(drawn.std(0) / spread, torch.ones(2), atol=0.15, rtol=0)


def test_null_stands_for_all_that_may_be_meant(flow: FlowPrior) -> None:
    drawn = sample(flow, label=0)  # of both styles: their mean, and the variance between them
    torch.testing.assert_close(drawn.mean(0), CENTRE[0] + SHIFT.mean(0), atol=1.0, rtol=0.0)
    variance = SPREAD[0].square() + SHIFT.var(0, correction=0)
    torch.testing.assert_close(drawn.std(0), variance.sqrt(), atol=0.0, rtol=0.15)
    share = (sample(flow)[:, 0] > -0.5).float().mean().item()  # 3 to 4 deviations from either
    assert share == pytest.approx(SHARE, abs=0.04)


@torch.inference_mode()
def test_guidance_leads_away_from_what_it_is_told(flow: FlowPrior) -> None:
    # Of the dark, the fancy lie beside the rest along a line: guidance goes further along it.
    n = 500
    dark, fancy = torch.zeros(n, dtype=torch.int64), torch.ones(n, dtype=torch.int64)
    asked = {"label": dark, "style": fancy}
    along = SHIFT[1] / SHIFT[1].norm()
    plain, guided = (
        flow.sample_from(None, SampleRng(range(n)), asked, negative={"label": dark}, guidance=g)
        @ along
        for g in (1.0, 3.0)
    )
    assert (guided > plain).float().mean() > 0.75
    assert guided.mean() > plain.mean() + 0.5


def test_guidance_leads_away_from_null_unless_told_otherwise(flow: FlowPrior) -> None:
    nothing = sample(flow, 50)
    torch.testing.assert_close(sample(flow, 50, guidance=0.0, label=1), nothing)
    torch.testing.assert_close(sample(flow, 50, guidance=3.0), nothing, atol=1e-3, rtol=1e-4)


@torch.inference_mode()
def test_guidance_from_the_condition_itself_changes_nothing(flow: FlowPrior) -> None:
    asked = {"label": torch.zeros(9, dtype=torch.int64)}
    plain = flow.sample(SampleRng(range(9)), asked)
    same = flow.sample_from(None, SampleRng(range(9)), asked, negative=asked, guidance=5.0)
    torch.testing.assert_close(same, plain, atol=1e-3, rtol=1e-4)


@torch.inference_mode()
def test_temperature_scales_the_noise_it_starts_from(flow: FlowPrior) -> None:
    n = 500
    asked = {"label": torch.zeros(n, dtype=torch.int64), "style": torch.zeros(n, dtype=torch.int64)}
    half = flow.sample(SampleRng(range(n)), asked, temperature=0.5)
    none = flow.sample(SampleRng(range(n)), asked, temperature=0.0)
    # A flow between normals is linear: half the noise is half the deviation.
    torch.testing.assert_close(half.std(0), SPREAD[0] / 2, atol=0.0, rtol=0.25)
    assert none.std(0).max() < 1e-4
    assert ((none[0] - CENTRE[0]) / SPREAD[0]).abs().max() < 0.5


@torch.inference_mode()
def test_steps_are_told_in_the_latents_own_scale(flow: FlowPrior) -> None:
    told: list[tuple[int, int, Tensor]] = []
    drawn = flow.sample_from(None, SampleRng([1, 2]), {}, step_done=lambda *step: told.append(step))
    assert [(step, total) for step, total, _ in told] == [(i, 30) for i in range(1, 31)]
    # With no noise left, what the last step predicts is what comes out.
    torch.testing.assert_close(told[-1][2], drawn)


def test_a_flow_that_was_told_of_no_latents_does_not_draw_any() -> None:
    with pytest.raises(NotFittedError, match="never fitted; finish its training"):
        build("vae").density.sample(SampleRng([0]), {})
