"""The feature nets: what they learn from, what their features are, and who may not use them."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import genzoo
from genzoo_core import (
    Batch,
    BatchRng,
    ComponentSpec,
    ConfigError,
    Encoder,
    ModelSpec,
    Progress,
    Recipe,
    SampleRng,
)
from genzoo_core.images import from_uint8
from genzoo_eval.nets.augment import shift, view, warp
from genzoo_eval.nets.classifier import Classifier
from genzoo_eval.nets.config import ViewConfig
from genzoo_eval.nets.contrastive import SelfSupervised, nt_xent
from genzoo_eval.nets.trunk import FeatureNet

DATA = os.environ.get("GENZOO_DATA", "")
PLUGINS = Path(__file__).parents[2] / "plugins"
TRUNK = {"shape": [1, 8, 12], "width": 8, "features": 16}
LABELS = {"label": ComponentSpec("genzoo/class-labels", {"classes": ["a", "b", "c"], "dim": 1})}
STILL = ViewConfig(rotate=0, scale=0, shear=0, shift=0, contrast=0, erase=0)
KINDS = ["classifier", "self-supervised"]


def build(
    kind: str,
    conditioners: dict[str, ComponentSpec] | None = None,
    *,
    training: bool = True,
    **config: Any,
) -> FeatureNet:
    if conditioners is None:
        conditioners = LABELS if kind == "classifier" else {}
    torch.manual_seed(0)
    spec = ModelSpec(f"genzoo/{kind}", {"trunk": TRUNK} | config, "encoder", conditioners)
    module = genzoo.open_zoo().build(spec, training=training).module
    assert isinstance(module, FeatureNet)
    return module


def images(n: int, shape: tuple[int, ...] = (1, 8, 12)) -> torch.Tensor:
    return SampleRng(range(n)).normal(shape, torch.empty(0)).clamp(-1, 1)


def rng(n: int) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(0), n)


def loss_of(net: FeatureNet, batch: Batch) -> torch.Tensor:
    phase = net.stages()[0].phases[0]
    return net.loss(batch, rng(len(batch.images)), phase, Progress(0, 1))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_a_point_that_does_not_depend_on_the_batch(kind: str) -> None:
    net = build(kind, training=False).eval()
    x = images(5)
    posterior = net.encode(x)
    assert posterior.mean.shape == (5, *net.latent_shape) == (5, 16)
    assert posterior.std is None
    torch.testing.assert_close(net.encode(x[3:4]).mean, posterior.mean[3:4])


@pytest.mark.parametrize("kind", KINDS)
def test_finalize_centres_the_features_and_keeps_the_proportions_of_distances(kind: str) -> None:
    net = build(kind)
    x = images(50)
    with torch.no_grad():
        before = torch.pdist(net.encode(x).mean)
        net.finalize([Batch(part) for part in x.split(20)])
        after = net.encode(x).mean
    torch.testing.assert_close(after.mean(0), torch.zeros(16), atol=1e-5, rtol=0)
    assert after.var(0, correction=0).mean().item() == pytest.approx(1, rel=1e-4)
    ratio = torch.pdist(after) / before
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-4, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_trained_gets_a_gradient_and_the_conditioner_gets_none(kind: str) -> None:
    net = build(kind)
    batch = Batch(images(6), {"label": torch.tensor([0, 1, 2, 0, 1, 2])})
    loss_of(net, batch).backward()  # type: ignore[no-untyped-call]
    trained = net.stages()[0].phases[0].parameters
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in trained)
    rest = {name for name, p in net.named_parameters() if p.grad is None}
    wanted = {"conditioners.label.embedding.weight"} if kind == "classifier" else set()
    assert rest == wanted


def test_what_only_training_needs_is_not_served() -> None:
    trained, served = build("self-supervised"), build("self-supervised", training=False)
    names = {name for name, _ in trained.named_parameters()}
    left = {name for name, _ in served.named_parameters()}
    assert {name.split(".")[0] for name in names - left} == {"projection"}
    assert left < names


@pytest.mark.parametrize("names", [(), ("label", "style")])
def test_a_classifier_has_one_conditioner(names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="one conditioner, for its labels"):
        build("classifier", dict.fromkeys(names, LABELS["label"]))


def test_a_self_supervised_net_has_no_labels() -> None:
    with pytest.raises(ConfigError, match="no conditioners, but has label"):
        build("self-supervised", LABELS)


def test_an_odd_side_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="`shape` needs sides divisible by 2, not 8×11"):
        build("self-supervised", trunk=TRUNK | {"shape": [1, 8, 11]})


def test_a_classifier_that_knows_nothing_loses_log_classes_and_null_does_not_count() -> None:
    net = build("classifier")
    assert isinstance(net, Classifier)
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    x, null = images(4), 3
    assert net.logits(x).shape == (4, 3)
    for labels in ([0, 1, 2, 2], [0, null, null, null]):
        loss = loss_of(net, Batch(x, {"label": torch.tensor(labels)}))
        assert loss.item() == pytest.approx(math.log(3))


def test_nt_xent_in_closed_form() -> None:
    # Two images, both views alike, at right angles to each other: of the three similarities of
    # a view one is 1/τ and two are 0 (Chen et al. 2020, equation 1).
    axes = torch.eye(2)
    loss, found = nt_xent(5 * axes, 0.1 * axes, temperature=0.5)
    assert loss.item() == pytest.approx(math.log(math.exp(2) + 2) - 2)
    assert found.tolist() == [True] * 4
    # All alike: nothing tells the partner from the 2B - 2 others.
    loss, _ = nt_xent(torch.ones(4, 3), torch.ones(4, 3), temperature=0.1)
    assert loss.item() == pytest.approx(math.log(7))
    # Each view's partner is the farthest.
    _, found = nt_xent(axes, -axes, temperature=0.5)
    assert not found.any()


def test_a_shift_moves_by_whole_pixels_up_to_its_limit_and_repeats_the_border() -> None:
    x = torch.full((400, 1, 7, 9), -1.0)
    x[:, :, 3, 4] = 1.0
    lit = (shift(x, rng(400), 2) == 1).nonzero()
    assert len(lit) == 400
    moves = {(row - 3, column - 4) for _, _, row, column in lit.tolist()}
    assert moves == {(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)}
    torch.testing.assert_close(shift(x, rng(400), 0), x)
    ramp = torch.arange(5.0).expand(50, 1, 5, 5)
    assert set(shift(ramp, rng(50), 1)[:, 0, 0].unique(dim=0).flatten().tolist()) == set(range(5))


def test_views_differ_but_are_those_of_their_seeds_alone() -> None:
    x = images(3, (1, 28, 28))
    noise = SampleRng([5, 6, 7])
    first, second = (view(x, noise, ViewConfig()) for _ in range(2))
    assert all(not torch.allclose(a, b, atol=0.1) for a, b in zip(first, second, strict=True))
    torch.testing.assert_close(view(x, SampleRng([5, 6, 7]), ViewConfig()), first)
    torch.testing.assert_close(view(x[1:2], SampleRng([6]), ViewConfig()), first[1:2])


def test_a_view_that_strays_by_nothing_is_the_image() -> None:
    x = images(3, (2, 8, 12))
    torch.testing.assert_close(view(x, rng(3), STILL), x, atol=1e-5, rtol=0)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    rotate=st.floats(0, 180),
    shift=st.floats(0, 20),
    share=st.floats(0, 0.9),
    erase=st.integers(0, 40),
)
def test_views_are_images(seed: int, rotate: float, shift: float, share: float, erase: int) -> None:
    config = ViewConfig(rotate, share, share, shift, share, erase)
    seen = view(images(2), SampleRng([seed, seed + 1]), config)
    assert seen.shape == (2, 1, 8, 12)
    assert seen.isfinite().all()
    assert seen.abs().max() <= 1 + 1e-5


def test_a_warp_moves_by_pixels() -> None:
    x = torch.full((200, 1, 21, 31), -1.0)
    x[:, :, 10, 15] = 1.0
    mass = warp(x, rng(200), msgspec.structs.replace(STILL, shift=4.0))[:, 0] + 1
    rows = (mass.sum(2) * torch.arange(21)).sum(1) / mass.sum((1, 2)) - 10
    columns = (mass.sum(1) * torch.arange(31)).sum(1) / mass.sum((1, 2)) - 15
    for moved in (rows, columns):
        assert 3.5 < moved.max() <= 4 + 1e-3
        assert -4 - 1e-3 <= moved.min() < -3.5


def test_no_model_is_trained_with_a_feature_net() -> None:
    recipes = [
        msgspec.toml.decode(path.read_bytes(), type=Recipe)
        for path in PLUGINS.glob("*/recipes/*.toml")
    ]
    nets = {recipe.name for recipe in recipes if recipe.card.family == "features"}
    assert len(nets) == 8
    for recipe in recipes:
        parts = {part.model.rpartition("/")[2] for part in recipe.model.parts.values()}
        assert not parts & nets, f"{recipe.name} is trained with {parts & nets}"


@pytest.mark.parametrize("dataset", ["mnist", "fashion"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_shipped_net_says_what_it_is_for(dataset: str, kind: str) -> None:
    card = genzoo.card(f"features-{dataset}-{kind}")
    assert card.kind == "encoder"
    assert "no model may be trained or chosen by it" in card.notes
    assert card.size < 1_000_000
    assert any("accuracy" in metric.name for metric in card.metrics)
    net = genzoo.open_zoo().open(card.name).module
    assert isinstance(net, Classifier if kind == "classifier" else SelfSupervised)
    assert net.latent_shape == (128,)
    assert float(net.scale) != 1  # it was fitted
    assert not any(p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    ("model", "dataset", "share"),
    [("gan-mnist", "mnist", 0.9), ("vae-fashion", "fashion", 0.7)],
)
def test_the_classifier_sees_the_class_that_a_model_was_asked_for(
    model: str, dataset: str, share: float
) -> None:
    made = genzoo.generate(model, [str(i) for i in range(10)], n=8, seed=0)
    net = genzoo.open_zoo().open(f"features-{dataset}-classifier").module
    assert isinstance(net, Classifier)
    with torch.inference_mode():
        seen = net.logits(made.images).argmax(1)
    # Two nets that were trained apart agree on what the classes are; chance would give 0.1.
    assert (seen == torch.arange(10).repeat_interleave(8)).float().mean() > share


@pytest.mark.skipif(not DATA, reason="needs the data in GENZOO_DATA")
@pytest.mark.parametrize(("dataset", "right"), [("mnist", 0.99), ("fashion", 0.915)])
def test_the_shipped_nets_know_real_pictures(dataset: str, right: float) -> None:
    zoo = genzoo.open_zoo()
    name = f"features-{dataset}-classifier"
    recipe = msgspec.structs.replace(zoo.recipe(name).data, split="test")
    data = zoo.dataset(recipe, Path(DATA))
    x, labels = from_uint8(data.images[:2000]), torch.tensor(data.columns["label"][:2000])
    net = zoo.open(name).module
    assert isinstance(net, Classifier)
    other = zoo.open(f"features-{dataset}-self-supervised").module
    assert isinstance(other, Encoder)
    with torch.inference_mode():
        assert (net.logits(x).argmax(1) == labels).float().mean() > right
        for encoder in (net, other):
            features = encoder.encode(x).mean
            assert features.mean().abs() < 0.1
            assert features.var(0).mean().item() == pytest.approx(1, abs=0.15)
