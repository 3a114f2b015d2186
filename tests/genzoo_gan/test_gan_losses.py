"""Each loss on numbers worked out by hand; the penalties in closed form."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
import torch
from gan_cases import CONV, SHAPE, Linear, Opinion, Pixels, against, bright, gan, loss

from genzoo_core import Batch, BatchRng, Phase, Progress
from genzoo_gan.config import GANConfig, ZeroCentredPenalty
from genzoo_gan.losses import LOSSES
from genzoo_gan.penalties import gamma, squared_norms


def log_sigmoid(logit: float) -> float:
    return -math.log(1 + math.exp(-logit))


# D says 2 of every real and -1 of every fake; as probabilities 0.8 and 0.3.
BY_HAND = {
    "cross-entropy": (0.8, 0.3, -math.log(0.8) - math.log(0.7), -math.log(0.3)),
    "minimax": (2, -1, -log_sigmoid(2) - log_sigmoid(1), log_sigmoid(1)),
    "non-saturating": (2, -1, -log_sigmoid(2) - log_sigmoid(1), -log_sigmoid(-1)),
    "hinge": (2, -1, 0.0, 1.0),
    "wasserstein": (2, -1, -3.0, 1.0),
    "relativistic": (2, -1, -log_sigmoid(3), -log_sigmoid(-3)),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_loss_is_its_papers_formula(name: Any) -> None:
    real, fake, discriminator, generator = BY_HAND[name]
    model = against(Opinion(bright=real, dark=fake), loss=name)
    value, figures = loss(model, "discriminator", bright())
    assert value.item() == pytest.approx(discriminator, abs=1e-6)
    assert float(figures["D(real)"]) == pytest.approx(real)
    assert float(figures["D(fake)"]) == pytest.approx(fake)
    assert loss(model, "generator", bright())[0].item() == pytest.approx(generator, abs=1e-6)


def test_hinge_pays_for_what_lies_inside_the_margin() -> None:
    model = against(Opinion(bright=0.25, dark=0.5), loss="hinge")
    assert loss(model, "discriminator", bright())[0].item() == pytest.approx(0.75 + 1.5)


def test_every_loss_that_a_recipe_can_name_is_tested_and_there() -> None:
    assert set(LOSSES) == set(BY_HAND)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"loss": "least-squares"}, GANConfig)


def test_cross_entropy_stays_finite_where_the_sigmoid_is_full() -> None:
    model = against(Opinion(bright=0.0, dark=1.0), loss="cross-entropy")
    assert loss(model, "discriminator", bright())[0].item() == pytest.approx(200.0)


def test_a_gradients_squared_norm_is_that_of_each_image_alone() -> None:
    images = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 1, 1, 2).requires_grad_()
    norms = squared_norms((images**2).flatten(1).sum(1), images)
    torch.testing.assert_close(norms, torch.tensor([20.0, 100.0]))


@pytest.mark.parametrize(("on", "times"), [(["reals"], 1), (["fakes"], 1), (["reals", "fakes"], 2)])
def test_r1_and_r2_of_a_linear_discriminator_are_its_squared_norm(
    on: list[str], times: int
) -> None:
    weight = torch.arange(64) / 64
    penalty = {"type": "zero-centred", "on": on, "gamma": 0.4, "final_gamma": 0.4}
    model = against(Linear(weight.clone()), loss="wasserstein", penalty=penalty)
    value, figures = loss(model, "discriminator", bright())
    # The grey fakes give 0, the white reals the sum of the weights.
    square = weight.square().sum().item()
    assert value.item() == pytest.approx(-weight.sum().item() + times * 0.2 * square, rel=1e-5)
    assert float(figures["r1"]) == pytest.approx(square)
    assert float(figures["r2"]) == pytest.approx(square)
    # ... and twice the weights is what it teaches, which takes a second derivative.
    value.backward()  # type: ignore[no-untyped-call]
    assert model.discriminator is not None
    (parameter,) = model.discriminator.parameters()
    assert parameter.grad is not None
    torch.testing.assert_close(parameter.grad, -1 + times * 0.4 * weight)


def test_wassersteins_penalty_holds_the_norm_at_one() -> None:
    for length, expected in ((1.0, 0.0), (3.0, 10 * 2.0**2)):
        weight = torch.full((64,), length / 8)
        model = against(Linear(weight), loss="wasserstein", penalty={"type": "one-centred"})
        value, figures = loss(model, "discriminator", bright())
        assert float(figures["penalty"]) == pytest.approx(expected, abs=1e-4)
        assert value.item() == pytest.approx(-8 * length + expected, rel=1e-4)


def test_wassersteins_penalty_is_taken_between_a_real_and_its_fake() -> None:
    seen: list[torch.Tensor] = []

    class Spy(Linear):
        def judge(self, features: torch.Tensor, vector: torch.Tensor | None) -> torch.Tensor:
            seen.append(features.detach())
            return super().judge(features, vector)

    model = against(Spy(torch.ones(64)), loss="wasserstein", penalty={"type": "one-centred"})
    loss(model, "discriminator", bright(50))
    shares = seen[-1].flatten(1)  # fakes are 0 and reals 1
    assert (shares == shares[:, :1]).all()
    assert 0 < shares.min() < 0.2
    assert 0.8 < shares.max() < 1


@pytest.mark.parametrize("kind", ["zero-centred", "one-centred"])
def test_a_lazy_penalty_is_as_heavy_as_it_is_rare(kind: str) -> None:
    def extra(step: int, every: int) -> float:
        penalty = {"type": kind, "every": every}
        if kind == "zero-centred":
            penalty["final_gamma"] = 0.05  # constant over the training
        model = against(Linear(torch.full((64,), 0.5)), loss="wasserstein", penalty=penalty)
        return loss(model, "discriminator", bright(), step=step)[0].item() + 32

    always = extra(0, every=1)
    assert always > 0.1
    assert extra(0, every=4) == pytest.approx(4 * always, rel=1e-4)
    assert extra(8, every=4) == pytest.approx(4 * always, rel=1e-4)
    assert [extra(step, every=4) for step in (1, 2, 3)] == pytest.approx([0, 0, 0], abs=1e-4)


def test_gamma_falls_along_half_a_cosine() -> None:
    penalty = ZeroCentredPenalty(gamma=0.05, final_gamma=0.005)
    values = [gamma(penalty, Progress(step, 100)) for step in (0, 25, 50, 100)]
    quarter = 0.005 + 0.045 * (1 + math.sqrt(0.5)) / 2
    assert values == pytest.approx([0.05, quarter, 0.0275, 0.005])


def test_the_pairs_of_the_relativistic_loss_are_of_one_condition() -> None:
    class Told(Pixels):
        def judge(self, features: torch.Tensor, vector: torch.Tensor | None) -> torch.Tensor:
            assert vector is not None
            return vector.sum(1) + 0 * features.flatten(1).sum(1)

    model = gan(shape=SHAPE, network=CONV, loss="relativistic", labels=True)
    model.discriminator = Told()
    batch = Batch(torch.ones(3, *SHAPE), {"label": torch.tensor([0, 1, 2])})
    # A real and its fake are judged alike, by their label: nobody wins.
    value, _ = loss(model, "generator", batch)
    assert value.item() == pytest.approx(math.log(2))
    phase, progress = Phase("discriminator", ()), Progress(1, 10)
    rng = BatchRng(torch.Generator(), 3)
    assert model.loss(batch, rng, phase, progress)[0].item() == pytest.approx(math.log(2))
