"""The diffusion model: its objective by hand, its options, its course."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusion_cases import FLOW, MLP, UNET, build, built, ddpm, sample
from torch import Tensor

from genzoo_core import (
    Batch,
    BatchRng,
    ComponentSpec,
    ConfigError,
    Progress,
    SampleRng,
    UsageError,
)
from genzoo_diffusion.model import Diffusion

EDM = {"component": "genzoo/edm"}
KINDS = {
    "ddpm-eps": ddpm("linear"),
    "ddpm-cosine-x0": ddpm("cosine", "x0"),
    "ddpm-v": ddpm("cosine", "v"),
    "flow": FLOW,
    "edm": EDM,
}


def loss_of(model: Diffusion, images: Tensor) -> Tensor:
    rng = BatchRng(torch.Generator().manual_seed(1), len(images))
    phase = model.stages()[0].phases[0]
    loss, figures = model.loss(Batch(images), rng, phase, Progress(0, 1))
    assert set(figures) == {"mse"}
    return loss


@pytest.mark.parametrize("network", [MLP, UNET], ids=["mlp", "unet"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_noiser_samples_and_learns_with_every_network(
    kind: str, network: dict[str, Any]
) -> None:
    model = build(noiser=KINDS[kind], network=network)
    pictures = sample(model, [1, 2, 3], steps=3)
    assert pictures.shape == (3, 1, 8, 8)
    assert pictures.isfinite().all()
    assert pictures.abs().max() <= 1
    loss_of(model, torch.zeros(4, 1, 8, 8).double()).backward()
    trained = model.stages()[0].phases[0].parameters
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained)


def test_the_tutorials_objective_is_the_squared_error_of_the_predicted_noise() -> None:
    # A fresh network predicts zero, so what is left is the mean of the squared noise itself.
    model = build(noiser=ddpm("linear"), awake=False)
    images = torch.zeros(4, 1, 8, 8).double()
    rng = BatchRng(torch.Generator().manual_seed(1), 4)
    model.noiser.sample_t(rng, images)
    noise = rng.normal((1, 8, 8), images)
    torch.testing.assert_close(loss_of(model, images), noise.square().mean())


def test_a_fresh_flow_has_to_learn_noise_minus_data() -> None:
    model = build(awake=False)
    images = torch.full((4, 1, 8, 8), 0.5).double()
    rng = BatchRng(torch.Generator().manual_seed(1), 4)
    model.noiser.sample_t(rng, images)
    noise = rng.normal((1, 8, 8), images)
    torch.testing.assert_close(loss_of(model, images), (noise - 0.5).square().mean())


@pytest.mark.parametrize("sampler", ["euler", "euler-a", "heun", "ddim", "ddpm", "dpmpp-2m"])
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_any_number_of_steps_gives_pictures(sampler: str, steps: int) -> None:
    model = build(noiser=ddpm("cosine"))
    pictures = sample(model, [5], sampler=sampler, steps=steps)
    assert pictures.isfinite().all()


@pytest.mark.parametrize("sampler", ["heun", "ddim", "ddpm"])
def test_a_picture_does_not_depend_on_its_batch(sampler: str) -> None:
    model = build(noiser=ddpm("cosine"), network=UNET, labels=True)
    labels = model.conditioners["label"].prepare([0, 1, 2, 1], SampleRng([0] * 4))
    options: dict[str, Any] = {"sampler": sampler, "steps": 5, "guidance": 2.0}
    together = sample(model, [7, 8, 9, 10], {"label": labels}, **options)
    for i in range(4):
        alone = sample(model, [7 + i], {"label": labels[i : i + 1]}, **options)
        torch.testing.assert_close(alone[0], together[i], atol=1e-9, rtol=0)


def test_the_models_own_sampler_and_steps_are_used_unless_others_are_given() -> None:
    model = build(sampler="euler", steps=3)
    own = sample(model, [1])
    torch.testing.assert_close(own, sample(model, [1], sampler="euler", steps=3))
    assert not torch.allclose(own, sample(model, [1], steps=1))
    assert not torch.allclose(own, sample(model, [1], sampler="heun"))


def test_each_step_is_told_with_the_predicted_pictures() -> None:
    model = build(network=UNET)
    told: list[tuple[int, int, Tensor]] = []
    with torch.inference_mode():
        last = model.sample(
            SampleRng([1, 2]),
            {},
            model.Options(steps=4, sampler="euler"),
            lambda step, total, x: told.append((step, total, x)),
        )
    assert [(step, total) for step, total, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert all(x.shape == (2, 1, 8, 8) and x.abs().max() <= 1 for *_, x in told)
    # Euler's last step goes all the way to what the network predicts.
    torch.testing.assert_close(told[-1][2], last)


def test_predicted_pixels_are_clipped_where_the_config_says_so() -> None:
    bright = build(awake=False)
    with torch.no_grad():
        bright.network.write.bias.fill_(-20.0)  # the velocity towards pixels of 20 and more
    wild = build(awake=False, clip=False)
    wild.load_state_dict(bright.state_dict())
    for model, extreme in ((bright, False), (wild, True)):
        seen: list[Tensor] = []
        model.pictures = lambda x, seen=seen: seen.append(x) or x.clamp(-1, 1)  # type: ignore[assignment]
        sample(model, [0], steps=3, sampler="euler")
        assert (seen[-1].abs().max() > 5) == extreme


@pytest.mark.parametrize("name", ["hoin", "x" * 500, "../heun", "genzoo/nothing"])
def test_an_unknown_sampler_is_refused_with_those_that_fit(name: str) -> None:
    with pytest.raises(UsageError, match=r"this model can use .*euler.*") as caught:
        sample(build(), [0], sampler=name)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 400
    assert "ddpm" not in str(caught.value)


def test_a_typo_in_a_samplers_name_is_pointed_out() -> None:
    with pytest.raises(UsageError, match="did you mean heun"):
        sample(build(), [0], sampler="huen")


def test_a_sampler_that_does_not_fit_the_noiser_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match=r"ddpm does not fit .*use .*euler"):
        sample(build(), [0], sampler="ddpm")


def test_eta_goes_to_the_samplers_that_know_it_and_to_no_other() -> None:
    model = build(noiser=ddpm("cosine"))
    plain = sample(model, [3], sampler="ddim", steps=4)
    torch.testing.assert_close(plain, sample(model, [3], sampler="ddim", steps=4, eta=0.0))
    assert not torch.allclose(plain, sample(model, [3], sampler="ddim", steps=4, eta=0.5))
    with pytest.raises(UsageError, match="sampler heun has no eta; this model can use ddim"):
        sample(model, [3], sampler="heun", eta=0.5)


def test_a_sampler_is_chosen_with_its_config_by_a_run_or_by_the_model() -> None:
    model = build(noiser=ddpm("cosine"))
    half = ComponentSpec("ddim", {"eta": 0.5})
    expected = sample(model, [3], sampler="ddim", eta=0.5, steps=4)
    torch.testing.assert_close(sample(model, [3], sampler=half, steps=4), expected, rtol=0, atol=0)

    own = build(noiser=ddpm("cosine"), sampler={"component": "ddim", "config": {"eta": 0.5}})
    torch.testing.assert_close(sample(own, [3], steps=4), expected, rtol=0, atol=0)
    plain = sample(model, [3], sampler="ddim", steps=4)
    torch.testing.assert_close(sample(own, [3], eta=0.0, steps=4), plain, rtol=0, atol=0)
    # A sampler that is named has its own defaults, not what the model says of another.
    named = sample(own, [3], sampler="ddim", steps=4)
    torch.testing.assert_close(named, plain, rtol=0, atol=0)

    with pytest.raises(UsageError, match=r"eta and sampler\.eta are the same"):
        sample(model, [3], sampler=half, eta=0.2)
    with pytest.raises(UsageError, match=r"ddim: Expected `float` <= 1.0"):
        sample(model, [3], sampler=ComponentSpec("ddim", {"eta": 2.0}))


def test_a_noiser_that_is_none_and_a_missing_codec_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown noiser 'genzoo/heun'"):
        built(noiser={"component": "genzoo/heun"})
    with pytest.raises(ConfigError, match="no part plays the role 'codec'"):
        built(on="latents")


def test_a_third_partys_noiser_will_do(third_party: Any) -> None:
    model = build(noiser={"component": "genzoo-tiny/circle", "config": {"prediction": "v"}})
    assert sample(model, [1], steps=3).isfinite().all()
