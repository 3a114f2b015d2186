"""The VAE: the tutorial's networks and objective by hand, the sharp likelihood, the priors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_core import Batch, BatchRng, ModelSpec, NotFittedError, Progress, SampleRng
from genzoo_vae.model import VAE

CONV = {"type": "conv", "width": 8, "blocks": 1}


def build(**config: Any) -> VAE:
    zoo = genzoo.open_zoo()
    model = zoo.build(ModelSpec("genzoo/vae", config), training=True).module
    assert isinstance(model, VAE)
    return model


def zeroed(mean: float, logvar: float, pixel: float, **config: Any) -> VAE:
    """A VAE that gives this posterior and this picture whatever it sees."""
    model = build(**config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.codec.mean_layer.bias.fill_(mean)
        model.codec.logvar_layer.bias.fill_(logvar)
        model.codec.decoder[2].bias.fill_(pixel)
    return model


def loss_of(model: VAE, fraction: float = 0.5) -> float:
    images = torch.full((2, 1, 28, 28), 0.5)
    phase = model.stages()[0].phases[0]
    rng = BatchRng(torch.Generator().manual_seed(0), 2)
    return model.loss(Batch(images), rng, phase, Progress(int(1000 * fraction), 1000))[0].item()


def test_the_tutorials_networks_are_exactly_these() -> None:
    codec = build().codec
    layers = (*codec.encoder, codec.mean_layer, codec.logvar_layer, *codec.decoder)
    assert [str(layer) for layer in layers] == [
        "Linear(in_features=784, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=32, bias=True)",
        "Linear(in_features=128, out_features=32, bias=True)",
        "Linear(in_features=32, out_features=128, bias=True)",
        "ReLU()",
        "Linear(in_features=128, out_features=784, bias=True)",
    ]


def test_the_tutorials_objective() -> None:
    # Squared error summed over 784 pixels, (0.5 − 0.1)² each, plus KL of 32 N(1, e) to N(0, 1).
    kl = 32 * 0.5 * (1 + math.e - 1 - 1)
    assert loss_of(zeroed(1.0, 1.0, 0.1)) == pytest.approx(784 * 0.16 + kl, rel=1e-5)


def test_the_latent_is_mean_plus_exp_of_half_the_logvar_times_noise() -> None:
    posterior = zeroed(1.0, 1.0, 0.0).codec.encode(torch.zeros(3, 1, 28, 28))
    noise = SampleRng([4, 5, 6]).normal((32,), torch.empty(0))
    expected = 1 + math.exp(0.5) * noise
    torch.testing.assert_close(posterior.sample(SampleRng([4, 5, 6])), expected)


def test_the_optimal_likelihood_is_half_the_log_of_the_error() -> None:
    kl = 32 * 0.5 * (1 + math.e - 1 - 1)
    model = zeroed(1.0, 1.0, 0.1, likelihood="optimal")
    assert loss_of(model) == pytest.approx(0.5 * math.log(0.16) + kl / 784, rel=1e-5)


def test_warm_up_and_free_bits_are_functions_of_progress_and_kl() -> None:
    error, kl = 784 * 0.16, 32 * 0.5 * (1 + math.e - 1 - 1)
    model = zeroed(1.0, 1.0, 0.1, kl_warmup=0.5)
    assert loss_of(model, 0.0) == pytest.approx(error, rel=1e-5)
    assert loss_of(model, 0.25) == pytest.approx(error + kl / 2, rel=1e-5)
    assert loss_of(model, 0.9) == pytest.approx(error + kl, rel=1e-5)
    free = zeroed(0.0, 0.0, 0.1, free_bits=0.05)
    assert loss_of(free) == pytest.approx(error + 32 * 0.05, rel=1e-5)


def test_without_a_fitted_density_the_prior_is_standard_normal() -> None:
    model = build()
    drawn = model.latents(SampleRng([1, 2]), LatentOptions(temperature=0.5), {})
    torch.testing.assert_close(drawn, 0.5 * SampleRng([1, 2]).normal((32,), drawn))
    with pytest.raises(NotFittedError, match=r"no density.*standard-normal"):
        model.sample(SampleRng([0]), {}, LatentOptions(prior="fitted"))


def test_a_fitted_density_follows_the_aggregate_posterior() -> None:
    model = build(latent=2, network=CONV, shape=(1, 8, 8), components=3)
    images = SampleRng(range(900)).normal((1, 8, 8), torch.empty(0))
    with torch.no_grad():
        model.finalize([Batch(part) for part in images.split(100)])
        posterior = model.codec.encode(images)
        drawn = model.latents(SampleRng(range(3000)), LatentOptions(), {})
    aggregate = posterior.mean.T.cov() + posterior.std.square().mean(0).diag()
    torch.testing.assert_close(drawn.T.cov(), aggregate, atol=0.1, rtol=0.1)
    standard = model.latents(SampleRng([3]), LatentOptions(prior="standard-normal"), {})
    torch.testing.assert_close(standard, SampleRng([3]).normal((2,), standard))
