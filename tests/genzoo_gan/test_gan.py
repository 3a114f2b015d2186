"""The GAN: the tutorial's networks, its two phases, what tells a sick one, its samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from gan_cases import CONV, LABEL, SHAPE, Linear, against, bright, build, gan, loss, phase_of
from safetensors import safe_open
from torch import Tensor

import genzoo
from genzoo_core import (
    Batch,
    BatchRng,
    ConfigError,
    Dataset,
    ModelSpec,
    Progress,
    Recipe,
    SampleRng,
)
from genzoo_gan.config import GANConfig, GANOptions
from genzoo_gan.losses import LossName
from genzoo_gan.model import GAN
from genzoo_train.training import train

R3GAN = {"loss": "relativistic", "penalty": {"type": "zero-centred"}}


def test_the_tutorials_networks_are_exactly_these() -> None:
    model = gan()
    described = [
        str(layer)
        for network in (model.generator, model.discriminator)
        for layer in network.layers  # type: ignore[union-attr]
    ]
    assert described == [
        "Linear(in_features=64, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=784, bias=True)",
        "Tanh()",
        "Linear(in_features=784, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=1, bias=True)",
        "Sigmoid()",
    ]


def test_only_cross_entropy_is_on_probabilities() -> None:
    images = 10 * torch.randn(64, *SHAPE, generator=torch.Generator().manual_seed(0))
    for network in ({"type": "mlp"}, CONV):
        on_probabilities = gan(shape=SHAPE, network=network).discriminate(images, None)
        assert ((on_probabilities >= 0) & (on_probabilities <= 1)).all()
        on_logits = gan(shape=SHAPE, network=network, loss="hinge").discriminate(images, None)
        assert on_logits.min() < 0


def test_the_tutorials_networks_take_no_condition() -> None:
    with pytest.raises(ConfigError, match="takes no conditioner"):
        gan(labels=True)


def test_a_size_that_does_not_fit_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="divisible by 4, not 10×8"):
        gan(shape=(1, 10, 8), network=CONV)


@pytest.mark.parametrize(
    "wrong",
    [
        {"penalty": {"type": "zero-centred", "gama": 1}},
        {"penalty": {"type": "zero-centred", "on": []}},
        {"penalty": {"type": "zero-centred", "every": 0}},
        {"network": {"type": "mlp", "width": 3}},
        {"latent": 0},
    ],
)
def test_a_config_is_strict(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, GANConfig)


def test_temperature_scales_the_noise_and_has_bounds() -> None:
    model = gan(shape=SHAPE, network=CONV)
    cold = model.sample(SampleRng([1, 2]), {}, GANOptions(temperature=0))
    torch.testing.assert_close(cold[0], cold[1])
    half = model.sample(SampleRng([3]), {}, GANOptions(temperature=0.5))
    noise = SampleRng([3]).normal((64,), cold)
    torch.testing.assert_close(half, model.generator(noise / 2, None))
    for temperature in (-0.1, 11):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"temperature": temperature}, GANOptions)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_an_image_is_the_same_alone_and_in_a_batch(shape: tuple[int, int, int]) -> None:
    model = gan(shape=shape, network=CONV, labels=True, training=False)
    with torch.inference_mode():
        for conditions in ({}, {"label": torch.tensor([0, 2, 1, 3])}):
            together = model.sample(SampleRng([5, 6, 7, 8]), conditions, GANOptions())
            assert together.shape == (4, *shape)
            assert together.abs().max() <= 1
            for i, seed in enumerate([5, 6, 7, 8]):
                row = {name: rows[i : i + 1] for name, rows in conditions.items()}
                alone = model.sample(SampleRng([seed]), row, GANOptions())
                torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-4)


def test_what_is_not_asked_for_is_drawn_as_in_the_training_data() -> None:
    zoo = genzoo.open_zoo()
    shares = {"classes": ["a", "b", "c"], "dim": 8, "frequencies": [1, 0, 3]}
    label = msgspec.structs.replace(LABEL["label"], config=shares)
    config = {"shape": SHAPE, "network": CONV}
    model = zoo.build(ModelSpec("genzoo/gan", config, conditioners={"label": label})).module
    assert isinstance(model, GAN)
    n = 400
    with torch.inference_mode():
        free = model.sample(SampleRng(range(n)), {}, GANOptions())
        asked = [
            model.sample(SampleRng(range(n)), {"label": torch.full((n,), c)}, GANOptions())
            for c in range(4)
        ]
    # The same noise as where something is asked, and one of the classes of the training data.
    which = torch.stack([(free - images).flatten(1).abs().max(1).values < 1e-5 for images in asked])
    assert which.sum(0).eq(1).all()
    counts = which.sum(1)
    assert counts[1] == counts[3] == 0
    assert counts[2] / n == pytest.approx(0.75, abs=0.08)


@pytest.mark.parametrize("config", [{}, {"network": CONV, **R3GAN}, {"network": CONV}])
@pytest.mark.parametrize("phase", ["discriminator", "generator"])
def test_gradients_reach_the_parameters_of_the_phase_alone(
    phase: str, config: dict[str, Any]
) -> None:
    labels = "network" in config
    model = gan(shape=SHAPE, labels=labels, **config)
    images = SampleRng(range(6)).normal(SHAPE, torch.empty(0))
    conditions = {"label": torch.tensor([0, 1, 2, 3, 0, 1])} if labels else {}
    value, figures = loss(model, phase, Batch(images, conditions))
    # From fresh weights some gradients are zero, but none is missing.
    value.backward()  # type: ignore[no-untyped-call]
    mine = {id(parameter) for parameter in phase_of(model, phase).parameters}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == (id(parameter) in mine), name
    assert all(not torch.as_tensor(figure).requires_grad for figure in figures.values())


def test_the_phases_share_all_parameters_between_them() -> None:
    model = gan(shape=SHAPE, network=CONV, labels=True)
    (stage,) = model.stages()
    assert [stage.name, *(phase.name for phase in stage.phases)] == [
        "adversarial",
        "discriminator",
        "generator",
    ]
    owned = [id(parameter) for phase in stage.phases for parameter in phase.parameters]
    assert sorted(owned) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize("name", ["non-saturating", "relativistic", "wasserstein"])
def test_the_generators_gradient_is_that_of_the_loss_through_the_discriminator(name: Any) -> None:
    model = gan(shape=SHAPE, network=CONV, loss=name, labels=True)
    images = SampleRng(range(5)).normal(SHAPE, torch.empty(0))
    conditions = {"label": torch.arange(5) % 4}
    loss(model, "generator", Batch(images, conditions), seed=4)[0].backward()  # type: ignore[no-untyped-call]
    parameters = phase_of(model, "generator").parameters
    got = [parameter.grad for parameter in parameters]

    vector = model.vector(conditions, 5)
    rng = BatchRng(torch.Generator().manual_seed(4), 5)
    fake = model.discriminate(model.generator(model.noise(rng), vector), vector)
    real = model.discriminate(images, vector)
    whole = model.play_for.generator(fake, lambda: real)
    expected = torch.autograd.grad(whole, parameters)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_gradient_figure_is_what_one_picture_is_told() -> None:
    # The loss is -mean D, and D's gradient is w everywhere.
    weight = torch.full((64,), 0.25)
    for n in (2, 8):
        figures = loss(against(Linear(weight), loss="wasserstein"), "generator", bright(n))[1]
        assert float(figures["gradient"]) == pytest.approx(2.0)


def test_a_generator_that_makes_one_picture_is_called_collapsed() -> None:
    images = SampleRng(range(8)).normal(SHAPE, torch.empty(0))
    collapsed = against(Linear(torch.ones(64)), loss="wasserstein")
    figures = loss(collapsed, "generator", Batch(images), step=500)[1]
    assert float(figures["spread"]) == 0
    assert float(figures["collapsed"]) == 1
    assert "nearly the same" in signs(collapsed, figures, 500)["collapse"]


def test_a_sound_or_a_fresh_generator_is_not_warned_of() -> None:
    images = SampleRng(range(8)).normal(SHAPE, torch.empty(0))
    fresh = against(Linear(torch.ones(64)), loss="wasserstein")
    assert signs(fresh, loss(fresh, "generator", Batch(images), step=0)[1], 0) == {}
    sound = gan(shape=SHAPE, network=CONV)
    with torch.no_grad():
        fakes = sound.sample(BatchRng(torch.Generator().manual_seed(1), 8), {}, GANOptions())
    figures = loss(sound, "generator", Batch(fakes), step=500, seed=1)[1]
    assert float(figures["spread"]) == pytest.approx(1)
    assert float(figures["collapsed"]) == 0
    assert signs(sound, figures, 500) == {}


@pytest.mark.parametrize(
    ("kind", "real", "fake", "sure"),
    [
        ("non-saturating", 6.0, -6.0, True),
        ("relativistic", 30.0, 20.0, True),  # of two outputs, the distance counts
        ("relativistic", 30.0, 29.0, False),
        ("cross-entropy", 0.999, 0.001, True),
        ("cross-entropy", 0.8, 0.2, False),
        ("wasserstein", 60.0, -60.0, False),  # a critic's outputs have no bound
    ],
)
def test_a_discriminator_that_is_always_right(
    kind: LossName, real: float, fake: float, sure: bool
) -> None:
    model = gan(shape=SHAPE, network=CONV, loss=kind)
    found = signs(model, {"D(real)": real, "D(fake)": fake}, 500)
    assert ("discriminator" in found) == sure


def signs(model: GAN, figures: Mapping[str, Tensor | float], step: int) -> Mapping[str, str]:
    """What the model makes of its figures, halfway through a training."""
    means = {name: float(value) for name, value in figures.items()}
    return model.diagnose(model.stages()[-1], means, Progress(step, 1000))


def test_the_discriminator_is_built_for_training_alone() -> None:
    names = set(build(shape=SHAPE, network=CONV, labels=True, training=False).own_tensors())
    more = set(build(shape=SHAPE, network=CONV, labels=True, training=True).own_tensors())
    assert names < more
    assert {name.split(".")[0] for name in more - names} == {"discriminator"}


ROWS = 48


def stripes() -> Dataset:
    """Grey 8×8 pictures with a bright row, whose place is the label."""
    images = torch.zeros(ROWS, *SHAPE, dtype=torch.uint8)
    labels = [i % 3 for i in range(ROWS)]
    for i, label in enumerate(labels):
        images[i, :, 2 * label + 1] = 255 - i
    return Dataset(images, {"label": labels})


def recipe(steps: int, **config: Any) -> Recipe:
    adam = {"lr": 2e-3, "betas": [0.0, 0.99], "clip": 0}
    label = {"component": LABEL["label"].component, "config": LABEL["label"].config}
    return msgspec.convert(
        {
            "name": "mine",
            "card": {"family": "gan", "summary": "A test."},
            "data": {"name": "stripes", "shape": SHAPE},
            "model": {
                "component": "genzoo/gan",
                "config": {"shape": SHAPE, "latent": 4, "network": CONV, **R3GAN, **config},
                "conditioners": {"label": {**label, "column": "label"}},
            },
            "stages": [
                {
                    "name": "adversarial",
                    "steps": steps,
                    "batch_size": 24,
                    "phases": {"discriminator": adam, "generator": adam},
                }
            ],
            "report": {"sample_every": 0},
        },
        Recipe,
    )


def test_a_trained_generator_makes_what_it_is_asked_for(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    path = train(zoo, recipe(150), stripes(), tmp_path / "run", threads=1)
    model = zoo.open(str(path)).module
    assert isinstance(model, GAN)
    for label in range(3):
        asked = {"label": torch.full((16,), label)}
        images = model.sample(SampleRng(range(16)), asked, GANOptions())
        brightest = images.mean((1, 3)).argmax(1)
        assert (brightest == 2 * label + 1).float().mean() >= 0.9


def test_a_saved_gan_holds_no_discriminator_and_no_trace_of_its_opponent(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    path = train(zoo, recipe(2), stripes(), tmp_path / "run", threads=1)
    with safe_open(path, "pt") as stored:
        tops = {name.split(".")[0] for name in stored.keys()}  # noqa: SIM118
    assert tops == {"generator", "conditioning"}


@pytest.mark.parametrize("config", [{}, {"loss": "cross-entropy"}])
def test_a_gan_trains_in_half_precision(tmp_path: Path, config: dict[str, Any]) -> None:
    zoo = genzoo.open_zoo()
    half = msgspec.structs.replace(recipe(3, **config), precision="bf16")
    model = zoo.open(str(train(zoo, half, stripes(), tmp_path / "run", threads=1))).module
    assert isinstance(model, GAN)
    assert model.sample(SampleRng([1]), {}, GANOptions()).isfinite().all()


def test_a_resumed_gan_is_the_one_that_was_never_interrupted(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    lazy = {"penalty": {"type": "zero-centred", "every": 4}}
    whole = train(zoo, recipe(10, **lazy), stripes(), tmp_path / "whole", threads=1)
    part = tmp_path / "part"
    train(zoo, recipe(10, **lazy), stripes(), part, threads=1, max_steps=6)
    again = train(zoo, recipe(10, **lazy), stripes(), part, threads=1, resume=True)
    assert again.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", ["gan-mlp-mnist", "gan-mnist", "gan-fashion"])
def test_a_recipe_of_the_plugin_builds_its_model(name: str) -> None:
    import genzoo_gan

    (folder,) = genzoo_gan.__path__
    zoo = genzoo.open_zoo()
    given = zoo.recipe(f"{folder}/recipes/{name}.toml")
    conditioners = {key: value.spec() for key, value in given.model.conditioners.items()}
    spec = ModelSpec(given.model.component, given.model.config, conditioners=conditioners)
    model = zoo.build(spec, training=True).module
    assert isinstance(model, GAN)
    (stage,) = model.stages()
    assert stage.name == given.stages[0].name
    assert {phase.name for phase in stage.phases} == set(given.stages[0].phases)
    stored = zoo.build(spec).own_tensors()
    assert 2 * sum(tensor.numel() for tensor in stored.values()) < 6e6
