"""What helps a GAN with few pictures and many prompts: changes, mismatches, pairs."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from gan_cases import CONV, SHAPE, Opinion, Pixels, against, bright, gan, loss
from torch import Tensor, nn

from genzoo_core import Batch, BatchRng, ConfigError, Progress
from genzoo_gan.augmentation import draw_change, probability, shifted, square
from genzoo_gan.config import AugmentConfig
from genzoo_gan.losses import mismatched
from genzoo_gan.networks import FlatBlock

ALWAYS = AugmentConfig(probability=1.0, ramp=0.0)
END = Progress(999, 1000)


def rng(n: int, seed: int = 0) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(seed), n)


def shares(*values: float) -> Tensor:
    return torch.tensor(values).reshape(-1, 1, 1, 1)


@pytest.mark.parametrize(
    ("ramp", "step", "expected"),
    [(1.0, 0, 0.0), (1.0, 50, 0.2), (0.5, 25, 0.2), (0.5, 75, 0.4), (0.0, 0, 0.4)],
)
def test_the_probability_rises_along_a_line(ramp: float, step: int, expected: float) -> None:
    config = AugmentConfig(probability=0.4, ramp=ramp)
    assert probability(config, Progress(step, 100)) == pytest.approx(expected)


def test_nothing_changes_while_the_probability_is_0() -> None:
    images = torch.rand(5, 3, 8, 8)
    change = draw_change(AugmentConfig(), Progress(0, 100), rng(5), images)
    torch.testing.assert_close(change(images), images)


def test_a_shift_moves_whole_pixels_and_repeats_the_border() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    moved = shifted(torch.cat([image, image, image]), shares(1 / 3, 0, 0), shares(0, -1 / 3, 0.1))
    assert moved[0, 0].tolist() == [[0, 1, 2], [0, 1, 2], [3, 4, 5]]
    assert moved[1, 0].tolist() == [[1, 2, 2], [4, 5, 5], [7, 8, 8]]
    assert torch.equal(moved[2, 0], image[0, 0])


def test_a_square_has_its_place_and_may_reach_beyond_the_border() -> None:
    images = torch.zeros(2, 3, 4, 4)
    cut = square(images, shares(0.5, 0.5), shares(0.5, 0.0), shares(0.25, 1.0))
    assert cut[0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]
    assert cut[1, 0].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_reals_and_fakes_are_changed_alike_and_each_picture_as_drawn_for_it() -> None:
    images = torch.rand(4, 3, 8, 8)
    change = draw_change(ALWAYS, END, rng(4), images)
    once = change(images)
    assert not torch.allclose(once, images, atol=1e-2)
    torch.testing.assert_close(change(images), once)
    other = images.clone()
    other[2] = 0.3
    torch.testing.assert_close(change(other)[[0, 1, 3]], once[[0, 1, 3]])


def test_colours_change_by_no_more_than_the_strength() -> None:
    config = AugmentConfig(probability=1, ramp=0, colour=0.5, shift=0, cutout=0)
    grey = torch.full((500, 3, 4, 4), 0.2)
    # A picture of one grey has no saturation and no contrast; its brightness moves by ±0.5.
    moved = draw_change(config, END, rng(500), grey)(grey)[:, 0, 0, 0] - 0.2
    assert moved.abs().max() <= 0.5
    assert moved.max() > 0.45
    assert moved.min() < -0.45


def test_the_gradients_of_changed_pictures_have_gradients() -> None:
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    change = draw_change(ALWAYS, END, rng(2), images)
    assert torch.autograd.gradcheck(change, images)
    assert torch.autograd.gradgradcheck(lambda x: change(x) ** 3, images)


@pytest.mark.parametrize("kind", ["zero-centred", "one-centred"])
def test_a_penalty_goes_with_changed_pictures(kind: str) -> None:
    model = gan(
        shape=SHAPE,
        network=CONV,
        loss="relativistic",
        penalty={"type": kind},
        augment={"probability": 1.0, "ramp": 0.0},
    )
    value, _ = loss(model, "discriminator", Batch(torch.rand(4, *SHAPE)))
    value.backward()  # type: ignore[no-untyped-call]
    assert model.discriminator is not None
    gradients = [p.grad for p in model.discriminator.parameters() if p.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


class Watcher(Pixels):
    """A discriminator without an opinion, which keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.opinion = nn.Parameter(torch.zeros(()))
        self.shown: list[Tensor] = []

    def judge(self, features: Tensor, vector: Tensor | None) -> Tensor:
        self.shown.append(features.detach())
        return self.opinion + 0 * features.flatten(1).sum(1)


@pytest.mark.parametrize("phase", ["discriminator", "generator"])
def test_both_sides_are_judged_by_changed_pictures(phase: str) -> None:
    watcher = Watcher()
    strong: Any = {"probability": 1.0, "ramp": 0.0, "colour": 1.0}
    model = against(watcher, loss="relativistic", augment=strong)
    loss(model, phase, bright())
    fakes, reals = torch.zeros(4, *SHAPE), torch.ones(4, *SHAPE)
    for shown in torch.cat(watcher.shown).split(4):
        assert not torch.allclose(shown, fakes, atol=1e-2)
        assert not torch.allclose(shown, reals, atol=1e-2)


def test_a_mismatched_prompt_is_that_of_the_picture_before() -> None:
    model = gan(shape=SHAPE, network=CONV, labels=True)
    prompts = torch.tensor([0, 1, 1, 3, 2])  # 3 asks for nothing
    style = torch.arange(5)
    conditions, wrong = mismatched({"label": prompts, "style": style}, model.conditioners)
    assert conditions["label"].tolist() == [2, 0, 1, 1, 3]
    assert torch.equal(conditions["style"], style)
    assert wrong.tolist() == [True, True, False, True, False]


def test_mismatched_pairs_are_fakes_to_the_discriminator_and_nothing_to_the_generator() -> None:
    batch = Batch(bright().images, {"label": torch.tensor([0, 1, 2, 1])})
    for weight, expected in ((0.0, 1.0), (0.5, 1.5)):
        model = gan(shape=SHAPE, network=CONV, labels=True, loss="relativistic", mismatched=weight)
        model.discriminator = Opinion(bright=0.0, dark=0.0)
        value, figures = loss(model, "discriminator", batch)
        # An undecided discriminator loses log 2 to each pair.
        assert value.item() == pytest.approx(expected * math.log(2))
        assert ("D(mismatched)" in figures) is bool(weight)
        assert loss(model, "generator", batch)[0].item() == pytest.approx(math.log(2))


def test_a_batch_of_one_prompt_has_no_mismatch() -> None:
    model = gan(shape=SHAPE, network=CONV, labels=True, loss="hinge", mismatched=1.0)
    batch = Batch(bright().images, {"label": torch.ones(4, dtype=torch.int64)})
    value, figures = loss(model, "discriminator", batch)
    assert value.isfinite()
    assert "D(mismatched)" not in figures


def test_mismatches_want_a_conditioner() -> None:
    with pytest.raises(ConfigError, match="mismatched = 0"):
        gan(shape=SHAPE, network=CONV, mismatched=1.0)


def test_a_fake_is_held_to_the_picture_of_its_prompt() -> None:
    labels = {"label": torch.tensor([0, 1, 2, 1])}
    for weight in (0.0, 3.0):
        model = against(Opinion(0.0, 0.0), labels=True, loss="relativistic", paired=weight)
        # The fakes are 0 everywhere: one of these pictures is 1 away, the others half as far.
        images = torch.tensor([1.0, 0.5, -0.5, 0.5]).reshape(4, 1, 1, 1).expand(4, *SHAPE)
        value, figures = loss(model, "generator", Batch(images, labels))
        assert value.item() == pytest.approx(math.log(2) + weight * 0.625)
        assert figures.get("paired", 0.625) == pytest.approx(0.625)
        assert ("paired" in figures) is bool(weight)
        value.backward()
        bias = list(model.generator.parameters())[-1]
        # A step against the gradient makes the mean fake brighter, as three of four pictures are.
        assert bias.grad is not None
        assert bias.grad.mean().sign().item() == (-1 if weight else 0)
        assert loss(model, "discriminator", Batch(images, labels))[0].item() == pytest.approx(
            math.log(2)
        )


def test_pairs_alone_come_first_and_leave_the_discriminator_out() -> None:
    labels = {"label": torch.tensor([0, 1, 2, 1])}
    model = against(Opinion(5.0, -5.0), labels=True, loss="relativistic", paired=3.0)
    assert [stage.name for stage in model.stages()] == ["pairs", "adversarial"]
    images = torch.full((4, *SHAPE), 0.25)
    value, figures = loss(model, "pairs", Batch(images, labels))
    assert value.item() == pytest.approx(0.25)
    assert figures["paired"] == pytest.approx(0.25)
    value.backward()
    trained = model.stages()[0].phases[0].parameters
    assert {id(p) for p in trained} == {
        id(p) for p in (*model.generator.parameters(), *model.conditioning.parameters())
    }
    assert gan(shape=SHAPE, network=CONV, labels=True).stages()[0].name == "adversarial"


def test_depth_is_of_blocks_that_begin_as_the_identity() -> None:
    network = {**CONV, "depth": 2, "embedding": 24}
    model = gan(shape=SHAPE, network=network, labels=True, training=False)
    blocks = [m for m in model.generator.modules() if isinstance(m, FlatBlock)]
    x = torch.randn(3, 16)
    assert len(blocks) == 2
    assert all(torch.equal(block(x), x) for block in blocks)
    vector = model.vector({"label": torch.tensor([0, 1])}, 2)
    assert vector is not None
    assert vector.shape == (2, 24)


def test_pairs_want_a_conditioner() -> None:
    with pytest.raises(ConfigError, match="paired = 0"):
        gan(shape=SHAPE, network=CONV, paired=1.0)
