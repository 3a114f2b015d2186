"""Autoencoder and VAE with a flow over their latents: stages, what is asked, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from prior_cases import CONFIG, FIRST, LABEL, STYLE, build
from torch import Tensor, nn

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_core import (
    Batch,
    BatchRng,
    ConfigError,
    NotFittedError,
    Posterior,
    Progress,
    SampleRng,
    UsageError,
)
from genzoo_core.encoding import encode, moments
from genzoo_core.testing import check_component

FAMILIES = sorted(FIRST)
OPTIONS = LatentOptions()
BOTH = {"label": LABEL, "style": STYLE}


def pictures(n: int = 200) -> Tensor:
    return SampleRng(range(n)).normal((1, 8, 8), torch.empty(0))


def awake(family: str, conditioners: dict[str, Any] | None = None, **config: Any) -> LatentModel:
    """A model whose layers that start at zero do not, with a flow that was told of its latents."""
    model = build(family, conditioners, **config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        prepare(model.eval())
    return model


def prepare(model: LatentModel) -> None:
    """What a training does between the two stages."""
    batches = [Batch(x) for x in pictures().split(50)]
    model.prepare_stage(model.stages()[1], batches, resumed=False)


@torch.inference_mode()
def sample(
    model: LatentModel, seeds: list[int], options: LatentOptions = OPTIONS, **asked: list[int]
) -> Tensor:
    conditions = {name: torch.tensor(values) for name, values in asked.items()}
    return model.sample(SampleRng(seeds), conditions, options)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("conditioners", [{}, BOTH], ids=["unconditional", "conditional"])
def test_the_interfaces_promises_hold(family: str, conditioners: dict[str, Any]) -> None:
    zoo = genzoo.open_zoo()
    config = CONFIG | {"prior": CONFIG["prior"] | {"guidance": 2.0}}
    check_component(zoo, "model", f"genzoo/{family}", config=config, conditioners=conditioners)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_flow_is_a_second_stage_which_owns_what_the_first_does_not(family: str) -> None:
    model = build(family, BOTH)
    first, second = model.stages()
    assert [(s.name, s.phases[0].name) for s in (first, second)] == [
        (FIRST[family], FIRST[family]),
        ("prior", "prior"),
    ]
    one, two = ({id(p) for p in stage.phases[0].parameters} for stage in (first, second))
    assert not one & two
    assert one | two == {id(p) for p in model.parameters()}
    assert {id(p) for p in model.density.parameters()} == two


@pytest.mark.parametrize("family", FAMILIES)
def test_the_second_stage_gives_the_first_no_gradients(family: str) -> None:
    model = awake(family, {"label": LABEL}).train()
    phase = model.stages()[1].phases[0]
    batch = Batch(pictures(8), {"label": torch.arange(8) % 3})  # null among them
    rng = BatchRng(torch.Generator().manual_seed(0), 8)
    loss, _ = model.loss(batch, rng, phase, Progress(0, 1))
    loss.backward()
    assert {id(p) for p in model.parameters() if p.grad is not None} == set(
        map(id, phase.parameters)
    )
    embedding = model.density.conditioning.get_parameter("conditioners.label.embedding.weight")
    assert embedding.grad is not None
    assert embedding.grad.abs().sum(1).min() > 0  # of both classes and of null


@pytest.mark.parametrize("family", FAMILIES)
def test_the_flow_learns_standardised_draws_of_the_posteriors(family: str) -> None:
    model, n = awake(family), 4000
    with torch.no_grad():
        z = encode(model.codec, pictures(200).repeat(n // 200, 1, 1, 1)).sample(noise(n))
    torch.testing.assert_close(model.density.shift, z.mean(0), atol=0.1, rtol=0)
    torch.testing.assert_close(model.density.scale, z.std(0), atol=0, rtol=0.05)
    phase = model.stages()[1].phases[0]
    loss, figures = model.loss(Batch(pictures(n)), noise(n), phase, Progress(0, 1))
    with torch.no_grad():  # by hand, with the same chance
        rng = noise(n)
        x = (
            encode(model.codec, pictures(n)).sample(rng) - model.density.shift
        ) / model.density.scale
        t, e = rng.normal((), x).sigmoid()[:, None], rng.normal((3,), x)
        error = model.density.predict((1 - t) * x + t * e, t[:, 0], None) - (e - x)
    torch.testing.assert_close(loss.detach(), error.square().mean())
    torch.testing.assert_close(figures["mse"], error.square().mean())


@pytest.mark.parametrize("family", FAMILIES)
def test_images_that_were_encoded_are_not_encoded_again(family: str) -> None:
    model = awake(family)
    phase, rows = model.stages()[1].phases[0], torch.tensor([7, 150, 7, 30])
    again, _ = model.loss(Batch(pictures()[rows]), noise(4), phase, Progress(0, 1))
    unseen = Batch(torch.zeros(4, 1, 8, 8), rows=rows)
    found, _ = model.loss(unseen, noise(4), phase, Progress(0, 1))
    torch.testing.assert_close(found, again)


def test_at_the_end_an_autoencoders_latents_have_unit_scale_and_pictures_stay() -> None:
    model = awake("autoencoder")
    with torch.no_grad():
        before = model.codec.reconstruct(pictures()), sample(model, [1, 2])
        for _ in range(2):  # a second time changes nothing
            model.finalize([])
            z = model.codec.encode(pictures()).mean
            torch.testing.assert_close(z.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
            torch.testing.assert_close(z.std(0, correction=0), torch.ones(3), atol=1e-4, rtol=0)
            after = model.codec.reconstruct(pictures()), sample(model, [1, 2])
            torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def noise(n: int) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(1), n)


def test_a_latent_without_spread_does_not_blow_up() -> None:
    _, std = moments(Posterior(torch.full((4, 3), 0.3)))
    torch.testing.assert_close(std, torch.full((3,), 1e-3))


def test_what_the_encoder_normalises_by_stays_as_it_was_trained() -> None:
    codec = build("vae").codec.train()
    norm = nn.BatchNorm2d(1)
    codec.encoder.insert(0, norm)
    together = encode(codec, 3 + pictures(8)).mean
    assert norm.num_batches_tracked == 0
    assert codec.training
    assert norm.training
    torch.testing.assert_close(encode(codec, 3 + pictures(1)).mean, together[:1])


def test_mixtures_and_a_flow_at_once_are_refused() -> None:
    for family in FAMILIES:
        with pytest.raises(ConfigError, match=r"components = 2.*not from both; leave one"):
            build(family, components=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_before_its_stage_there_is_nothing_to_sample_from_but_a_standard_normal(
    family: str,
) -> None:
    model = build(family).eval()
    model.finalize([Batch(pictures())])  # of a training that was cut short
    with pytest.raises(NotFittedError, match="never fitted"):
        model.check_options(OPTIONS)
    with pytest.raises(NotFittedError, match="never fitted"):
        sample(model, [0])
    standard = LatentOptions(prior="standard-normal", temperature=0.5)
    model.check_options(standard)
    drawn = model.latents(SampleRng([1]), standard, {})
    torch.testing.assert_close(drawn, 0.5 * SampleRng([1]).normal((3,), drawn))


def test_guidance_wants_a_flow_and_something_to_ask_for() -> None:
    unguided, off = LatentOptions(guidance=2.0), LatentOptions(guidance=1.0)
    with pytest.raises(UsageError, match="takes no prompt, so nothing can guide it; leave out"):
        awake("vae").check_options(unguided)
    awake("vae").check_options(off)
    told = awake("vae", {"label": LABEL})
    told.check_options(unguided)
    standard = LatentOptions(prior="standard-normal", guidance=2.0)
    with pytest.raises(UsageError, match="draws its latents without a flow"):
        sample(told, [0], standard)
    with pytest.raises(UsageError, match="draws its latents without a flow"):
        build("vae", {"label": LABEL}, prior=None).check_options(unguided)


def test_what_is_not_asked_is_typical_of_each_conditioner() -> None:
    model, seeds = awake("autoencoder", BOTH), list(range(12))
    rng = SampleRng(seeds)
    label, style = (model.conditioners[name].typical(rng).tolist() for name in ("label", "style"))
    assert set(zip(label, style, strict=True)) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    nothing = sample(model, seeds)
    torch.testing.assert_close(nothing, sample(model, seeds, label=[2] * 12, style=[2] * 12))
    torch.testing.assert_close(nothing, sample(model, seeds, label=label, style=style))
    one = sample(model, seeds, style=[1] * 12)
    torch.testing.assert_close(one, sample(model, seeds, label=label, style=[1] * 12))
    assert not torch.allclose(one, nothing, atol=1e-3)


def test_guidance_exaggerates_what_was_asked_and_not_what_was_drawn() -> None:
    model, seeds, strong = awake("vae", BOTH), [1, 2, 3], LatentOptions(guidance=4.0)
    close = {"atol": 1e-4, "rtol": 1e-3}
    torch.testing.assert_close(sample(model, seeds, strong), sample(model, seeds), **close)
    null = sample(model, seeds, strong, label=[2] * 3, style=[2] * 3)
    torch.testing.assert_close(null, sample(model, seeds), **close)
    mixed = sample(model, seeds, strong, label=[2, 0, 2])
    torch.testing.assert_close(mixed[[0, 2]], null[[0, 2]], **close)
    assert not torch.allclose(mixed[1], sample(model, seeds, label=[2, 0, 2])[1], atol=1e-3)


def test_the_config_says_how_much_guidance_where_nothing_else_is_said() -> None:
    strong = awake("vae", {"label": LABEL}, prior=CONFIG["prior"] | {"guidance": 3.0})
    asked = sample(strong, [4], label=[1])
    torch.testing.assert_close(asked, sample(strong, [4], LatentOptions(guidance=3.0), label=[1]))
    assert not torch.allclose(asked, sample(strong, [4], LatentOptions(guidance=1.0), label=[1]))
