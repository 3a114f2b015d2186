"""A second VAE over latents: what it learns, by closed form, and what models with one do."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from prior_cases import CONFIG, FIRST, LABEL, build, recipe, shades
from safetensors.torch import load_file
from torch import Tensor

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.second_stage import SecondStage
from genzoo_core import BatchRng, NotFittedError, Posterior, SampleRng, UsageError
from genzoo_core.testing import check_component
from genzoo_train.training import train

FAMILIES = sorted(FIRST)
PRIOR: dict[str, Any] = {"type": "vae", "width": 16, "layers": 1, "embedding": 8}
STEPS, BATCH = 3000, 256

# Two heaps of equal size a label, 6 apart along the first axis: no normal has that shape.
CENTRE = torch.tensor([[-5.0, 1.0], [5.0, 3.0]])
APART = 6.0
SPREAD = torch.tensor([0.7, 0.5])


def draw(rng: BatchRng) -> tuple[Tensor, Tensor]:
    """Latents `[n, 2]` with their labels."""
    label = (rng.uniform((), CENTRE) < 0.5).long()
    side = (rng.uniform((), CENTRE) < 0.5).float() - 0.5
    heaps = CENTRE[label] + torch.stack([APART * side, torch.zeros_like(side)], 1)
    return heaps + SPREAD * rng.normal((2,), CENTRE), label


@pytest.fixture(scope="module")
def stage() -> SecondStage:
    """A second stage trained on such latents."""
    prior = {"type": "vae", "width": 64, "layers": 2, "embedding": 16}
    model = build("vae", {"label": LABEL}, latent=2, prior=prior)
    stage, generator = model.density, torch.Generator().manual_seed(0)
    assert isinstance(stage, SecondStage)
    many, _ = draw(BatchRng(generator, 20_000))
    stage.fit(Posterior(many), {})
    stage.scale.copy_(many.std(0))
    optimizer = torch.optim.Adam(stage.parameters())
    for step in range(STEPS):
        rng = BatchRng(generator, BATCH)
        z, label = draw(rng)
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / STEPS)
        optimizer.zero_grad()
        loss, _ = stage.loss(z, {"label": label}, rng)
        loss.backward()
        optimizer.step()
    return stage.eval()


@torch.inference_mode()
def sample(stage: SecondStage, label: int, n: int = 4000, temperature: float = 1.0) -> Tensor:
    asked = {"label": torch.full((n,), label)}
    return stage.sample(SampleRng(range(n)), asked, temperature=temperature)


@pytest.mark.parametrize("label", [0, 1])
def test_it_draws_from_a_distribution_that_is_not_normal(stage: SecondStage, label: int) -> None:
    off = sample(stage, label) - CENTRE[label]
    right = off[:, 0] > 0
    assert 0.4 < right.float().mean() < 0.6
    assert (off[:, 0].abs() < APART / 6).float().mean() < 0.1  # of a normal as wide it is a quarter
    for heap, middle in ((off[right], APART / 2), (off[~right], -APART / 2)):
        centre = torch.tensor([middle, 0.0])
        torch.testing.assert_close(heap.mean(0), centre, atol=0.3, rtol=0)
        # A decoder is continuous, so that a few draws lie between the heaps; half a normal as wide
        # as both has a deviation of 1.8.
        assert heap.std(0)[0] < 1.3
        torch.testing.assert_close(heap.std(0)[1], SPREAD[1], atol=0.1, rtol=0)


def test_without_temperature_all_draws_are_the_decoded_zero(stage: SecondStage) -> None:
    drawn = sample(stage, 1, n=3, temperature=0.0)
    torch.testing.assert_close(drawn, drawn[:1].expand(3, -1))
    torch.testing.assert_close(sample(stage, 1, n=3)[1:2], sample(stage, 1, n=2)[1:])


def test_the_loss_is_the_evidence_lower_bound_in_nats_per_dimension() -> None:
    model = build("autoencoder", prior=PRIOR)
    stage = model.density
    assert isinstance(stage, SecondStage)
    stage.shift.fill_(1.0)
    stage.scale.fill_(2.0)
    with torch.no_grad():
        stage.log_gamma.fill_(math.log(0.5))
        z = torch.randn(64, 3)
        x = (z - 1) / 2
        loss, figures = stage.loss(z, {}, BatchRng(torch.Generator().manual_seed(3), 64))
        mean, logvar = stage.encoder(x).chunk(2, 1)
        rng = BatchRng(torch.Generator().manual_seed(3), 64)
        decoded = stage.decoder(mean + (logvar / 2).exp() * rng.normal((3,), x))
    # log p(x | u) and the divergence as torch.distributions has them.
    normal = torch.distributions.Normal
    evidence = normal(decoded, 0.5).log_prob(x).sum(1) + 1.5 * math.log(2 * math.pi)
    posterior = normal(mean, (logvar / 2).exp())
    divergence = torch.distributions.kl_divergence(posterior, normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(loss, (divergence - evidence).mean() / 3)
    assert figures["gamma"] == pytest.approx(0.5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("conditioners", [{}, {"label": LABEL}], ids=["unconditional", "label"])
def test_the_interfaces_promises_hold(family: str, conditioners: dict[str, Any]) -> None:
    zoo = genzoo.open_zoo()
    config = CONFIG | {"prior": PRIOR}
    check_component(zoo, "model", f"genzoo/{family}", config=config, conditioners=conditioners)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_not_guided_and_has_to_be_trained(family: str) -> None:
    model = build(family, {"label": LABEL}, prior=PRIOR).eval()
    with pytest.raises(UsageError, match="draws its latents without a flow"):
        model.check_options(LatentOptions(guidance=2.0))
    with pytest.raises(NotFittedError, match="never fitted"):
        model.sample(SampleRng([0]), {}, LatentOptions())


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_trained_after_the_codec_and_resumes_exactly(family: str, tmp_path: Path) -> None:
    zoo, given = genzoo.open_zoo(), recipe(family)
    spec = msgspec.structs.replace(given.model, config=CONFIG | {"prior": PRIOR})
    given = msgspec.structs.replace(given, model=spec)
    whole = load_file(train(zoo, given, shades(), tmp_path / "whole"))
    for stop in (10, 13):
        out = tmp_path / str(stop)
        train(zoo, given, shades(), out, max_steps=stop)
        resumed = load_file(train(zoo, given, shades(), out, resume=True))
        assert all(torch.equal(resumed[name], whole[name]) for name in whole), stop
    drawn = zoo.open(str(tmp_path / "whole" / "mine.safetensors")).module
    assert drawn.sample(SampleRng([0, 1]), {}, LatentOptions()).shape == (2, 1, 8, 8)
