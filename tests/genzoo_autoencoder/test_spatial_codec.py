"""The codec that others share: what it learns, and the scale of its latents."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import genzoo
from genzoo_autoencoder.spatial import SpatialCodec, edges
from genzoo_core import Batch, BatchRng, ConfigError, ModelSpec, Progress


def build(**config: Any) -> SpatialCodec:
    torch.manual_seed(0)
    given = {"shape": [1, 8, 8], "width": 8} | config
    spec = ModelSpec("genzoo/spatial-codec", given, kind="codec")
    module = genzoo.open_zoo().build(spec, training=True).module
    assert isinstance(module, SpatialCodec)
    return module


def rng(n: int) -> BatchRng:
    return BatchRng(torch.Generator().manual_seed(0), n)


@pytest.mark.parametrize("patch", [2, 4])
def test_a_latent_is_a_picture_of_a_quarter_of_the_side(patch: int) -> None:
    codec = build(shape=[3, 12, 16], channels=5, patch=patch)
    posterior = codec.encode(torch.zeros(2, 3, 12, 16))
    assert codec.latent_shape == (5, 3, 4)
    assert posterior.mean.shape == (2, 5, 3, 4)
    assert codec.decode(posterior.mean).shape == (2, 3, 12, 16)


@pytest.mark.parametrize("patch", [2, 4])
def test_it_learns_to_copy(patch: int) -> None:
    codec = build(patch=patch)
    images = torch.full((8, 1, 8, 8), -1.0)
    images[range(8), :, range(8)] = 1.0  # one bright row each
    (stage,) = codec.stages()
    optimizer = torch.optim.Adam(stage.phases[0].parameters, lr=1e-2)
    noise = rng(8)
    for step in range(150):
        optimizer.zero_grad()
        loss, figures = codec.loss(Batch(images), noise, stage.phases[0], Progress(step, 150))
        loss.backward()
        optimizer.step()
    assert (codec.reconstruct(images) - images).square().mean() < 0.1 * images.var()
    assert figures["kl"] > 0.1  # the latents carry it


def test_the_loss_is_the_error_plus_a_little_kl_per_dimension() -> None:
    images = torch.randn(4, 1, 8, 8)
    without, weighted = build(kl_weight=0.0), build(kl_weight=0.5)
    phase = without.stages()[0].phases[0]
    plain, figures = without.loss(Batch(images), rng(4), phase, Progress(0, 1))
    loss, _ = weighted.loss(Batch(images), rng(4), phase, Progress(0, 1))
    torch.testing.assert_close(plain.detach(), figures["mse"])
    torch.testing.assert_close(loss - plain, 0.5 * without.posterior(images).kl().mean() / 16)


def test_absolute_errors_of_pixels_and_of_edges_are_those_of_a_calculation_by_hand() -> None:
    error = torch.zeros(1, 1, 2, 3)
    error[0, 0] = torch.tensor([[1.0, -2.0, 0.0], [1.0, 1.0, -1.0]])
    # Along a row |-3|, |2|, |0|, |-2|, of 4; between the rows |0|, |3|, |-1|, of 3.
    torch.testing.assert_close(edges(error), torch.tensor(7 / 4 + 4 / 3))

    images = torch.randn(4, 1, 8, 8)
    squared, absolute, sharp = (
        build(kl_weight=0.0, **config)
        for config in ({}, {"error": "absolute"}, {"error": "absolute", "edges": 0.5})
    )
    phase = squared.stages()[0].phases[0]
    loss, plain, edged = (
        codec.loss(Batch(images), rng(4), phase, Progress(0, 1))[0].detach()
        for codec in (squared, absolute, sharp)
    )
    made = squared.decoder(squared.posterior(images).sample(rng(4))).detach()
    torch.testing.assert_close(loss, (made - images).square().mean())
    torch.testing.assert_close(plain, (made - images).abs().mean())
    torch.testing.assert_close(edged - plain, edges(made - images) / 2)


@torch.no_grad()
def test_finalize_gives_each_channel_mean_0_and_deviation_1_and_keeps_the_pictures() -> None:
    codec = build()
    images = 3 * torch.randn(300, 1, 8, 8)
    before = codec.decode(codec.encode(images).mean)
    for _ in range(2):  # a second time changes nothing
        codec.finalize([Batch(part) for part in images.split(100)])
    posterior = codec.encode(images)
    z = posterior.sample(rng(300))
    torch.testing.assert_close(z.mean((0, 2, 3)), torch.zeros(4), atol=0.06, rtol=0)
    torch.testing.assert_close(z.std((0, 2, 3)), torch.ones(4), atol=0.06, rtol=0)
    torch.testing.assert_close(codec.decode(posterior.mean), before, atol=1e-4, rtol=1e-4)


def test_sides_that_are_not_divisible_by_four_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"divisible by 4, not 10×8"):
        build(shape=[1, 10, 8])
