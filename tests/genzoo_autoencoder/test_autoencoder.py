"""The autoencoder: the tutorial's networks, the loss by hand, the density, what it refuses."""

from __future__ import annotations

import math
import sys
from typing import Any

import msgspec
import pytest
import torch

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.density import GaussianMixture
from genzoo_autoencoder.model import Autoencoder
from genzoo_core import (
    Batch,
    BatchRng,
    ConfigError,
    ModelSpec,
    NotFittedError,
    Posterior,
    Progress,
    SampleRng,
    TrainingError,
)

CONV = {"type": "conv", "width": 8, "blocks": 1}


def build(**config: Any) -> Autoencoder:
    zoo = genzoo.open_zoo()
    model = zoo.build(ModelSpec("genzoo/autoencoder", config), training=True).module
    assert isinstance(model, Autoencoder)
    return model


def mixture_of(components: int, latent: int) -> GaussianMixture:
    density = build(components=components, latent=latent).density
    assert isinstance(density, GaussianMixture)
    return density


def test_the_tutorials_networks_are_exactly_these() -> None:
    codec = build().codec
    described = [str(layer) for part in (codec.encoder, codec.decoder) for layer in part]
    assert described == [
        "Linear(in_features=784, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=32, bias=True)",
        "Linear(in_features=32, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=784, bias=True)",
    ]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_convolutional_codec_goes_there_and_back(shape: tuple[int, int, int]) -> None:
    codec = build(shape=shape, latent=5, network=CONV).codec
    images = SampleRng([1, 2]).normal(shape, torch.empty(0))
    posterior = codec.encode(images)
    assert posterior.mean.shape == (2, 5)
    assert posterior.std is None
    assert codec.decode(posterior.mean).shape == images.shape


def test_a_size_that_does_not_fit_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="divisible by 4, not 30×28"):
        build(shape=(1, 30, 28), network=CONV)


def test_the_loss_is_the_squared_error_and_the_latents_norm() -> None:
    model = build(latent_penalty=0.5)
    images = torch.full((2, 1, 28, 28), 0.5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.codec.encoder[2].bias.copy_(torch.full((32,), 0.25))
        model.codec.decoder[2].bias.fill_(0.1)
    phase = model.stages()[0].phases[0]
    loss, figures = model.loss(Batch(images), BatchRng(torch.Generator(), 2), phase, Progress(0, 9))
    # (0.5 − 0.1)² per pixel, and 32 · 0.25² = 2 at half weight.
    assert loss.item() == pytest.approx(0.16 + 0.5 * 2)
    assert float(figures["mse"]) == pytest.approx(0.16)


def test_a_plain_autoencoder_says_that_it_has_nothing_to_sample_from() -> None:
    model = build()
    with pytest.raises(NotFittedError, match=r"nothing to sample.*ae-mnist.*standard-normal"):
        model.sample(SampleRng([0]), {}, LatentOptions())
    pictures = model.sample(SampleRng([0]), {}, LatentOptions(prior="standard-normal"))
    assert pictures.shape == (1, 1, 28, 28)


def test_an_unfitted_density_is_a_clear_error() -> None:
    with pytest.raises(NotFittedError, match="never fitted"):
        build(components=2).sample(SampleRng([0]), {}, LatentOptions())


def test_finalize_standardises_the_latents_and_samples_follow_them() -> None:
    model = build(latent=3, components=2, network=CONV, shape=(1, 8, 8))
    images = SampleRng(range(600)).normal((1, 8, 8), torch.empty(0))
    with torch.no_grad():
        model.finalize([Batch(part) for part in images.split(100)])
        z = model.codec.encode(images).mean
        decoded_before = model.codec.decode(z[:2])
        drawn = model.latents(SampleRng(range(2000)), LatentOptions(), {})
    torch.testing.assert_close(z.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.std(0), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(drawn.mean(0), torch.zeros(3), atol=0.1, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), z.T.cov(), atol=0.12, rtol=0)
    assert decoded_before.shape == (2, 1, 8, 8)


def test_standardising_changes_the_latent_but_not_the_picture() -> None:
    codec = build(latent=3, network=CONV, shape=(1, 8, 8)).codec
    images = SampleRng([1, 2, 3]).normal((1, 8, 8), torch.empty(0))
    before = codec.reconstruct(images)
    for _ in range(2):  # twice is as good as once
        codec.standardize(torch.tensor([1.0, -2.0, 0.3]), torch.tensor([0.5, 2.0, 3.0]))
        torch.testing.assert_close(codec.reconstruct(images), before, atol=1e-5, rtol=1e-4)


def two_clusters(n: int) -> torch.Tensor:
    rng = SampleRng(range(n))
    noise = rng.normal((2,), torch.empty(0))
    first = rng.uniform((), torch.empty(0)) < 0.25
    spread = torch.tensor([[0.5, 0.0], [0.3, 0.4]])
    return torch.where(first[:, None], torch.tensor([-4.0, 0.0]), torch.tensor([4.0, 2.0])) + (
        noise @ spread.T
    )


def test_the_mixture_recovers_what_it_was_drawn_from() -> None:
    mixture = mixture_of(2, 2)
    mixture.fit(Posterior(two_clusters(4000)), {})
    order = mixture.means[0, :, 0].argsort()
    means, weights = mixture.means[0, order], mixture.weights[0, order]
    torch.testing.assert_close(means, torch.tensor([[-4.0, 0.0], [4.0, 2.0]]), atol=0.06, rtol=0)
    torch.testing.assert_close(weights, torch.tensor([0.25, 0.75]), atol=0.03, rtol=0)
    factor = mixture.factors[0, order[1]]
    covariance = torch.tensor([[0.25, 0.15], [0.15, 0.25]])
    torch.testing.assert_close(factor @ factor.T, covariance, atol=0.02, rtol=0)
    drawn = mixture.sample(SampleRng(range(4000)), {})
    assert (drawn[:, 0] < 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_posterior_variances_add_to_the_components() -> None:
    points = SampleRng(range(3000)).normal((2,), torch.empty(0))
    mixture = mixture_of(1, 2)
    mixture.fit(Posterior(points, torch.tensor([3.0, 0.0]).sqrt().expand(3000, 2)), {})
    covariance = mixture.factors[0, 0] @ mixture.factors[0, 0].T
    # The law of total variance: 1 + 3 and 1 + 0.
    torch.testing.assert_close(covariance.diag(), torch.tensor([4.0, 1.0]), atol=0.1, rtol=0)


def test_latents_whose_scales_lie_far_apart_are_fitted_in_double_precision() -> None:
    direction = torch.tensor([[100.0, 1e-3, 50.0, 2.0]]).repeat(1, 50)
    points = torch.randn(50, 1, generator=torch.Generator().manual_seed(0)) @ direction
    mixture = mixture_of(1, 200)
    mixture.fit(Posterior(points), {})  # in single precision its covariance has no Cholesky factor
    drawn = mixture.sample(SampleRng(range(500)), {})
    torch.testing.assert_close(drawn.std(0)[:4], points.std(0)[:4], rtol=0.2, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_mixture_is_drawn_from_in_single_precision(dtype: torch.dtype) -> None:
    mixture = mixture_of(2, 2)
    mixture.fit(Posterior(two_clusters(100)), {})
    drawn = mixture.sample(SampleRng(range(50)), {})
    with torch.autocast("cpu", dtype):  # that of a model around it
        assert torch.equal(mixture.sample(SampleRng(range(50)), {}), drawn)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_latents_that_are_not_finite_are_no_internal_error(value: float) -> None:
    with pytest.raises(TrainingError, match=f"training images became {value}, and no mixture"):
        mixture_of(1, 2).fit(Posterior(torch.full((9, 2), value)), {})


def test_that_scikit_learn_is_missing_is_said_before_a_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    build(components=0).check_data(9, {})
    with pytest.raises(TrainingError, match="needs scikit-learn; pip install 'genzoo"):
        build(components=1).check_data(9, {})


def test_temperature_zero_gives_the_components_means() -> None:
    mixture = mixture_of(2, 2)
    mixture.fit(Posterior(two_clusters(500)), {})
    drawn = mixture.sample(SampleRng(range(20)), {}, temperature=0)
    distance = (drawn[:, None] - mixture.means[0]).norm(dim=2).min(1).values
    assert distance.max() < 1e-6


def test_options_are_strict() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"Invalid enum value"):
        msgspec.convert({"prior": "gaussian"}, LatentOptions)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"temprature": 1.0}, LatentOptions)
    with pytest.raises(msgspec.ValidationError, match=">= 0"):
        msgspec.convert({"temperature": -1.0}, LatentOptions)
    assert math.isclose(LatentOptions().temperature, 1.0)
