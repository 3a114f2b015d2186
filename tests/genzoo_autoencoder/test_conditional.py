"""Autoencoder and VAE with class labels: each class has its mixture, the decoder is told."""

from __future__ import annotations

import pytest
import torch

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_core import Batch, ComponentSpec, ModelSpec, SampleRng

OPTIONS = LatentOptions()


@pytest.fixture(params=["autoencoder", "vae"])
def model(request: pytest.FixtureRequest) -> LatentModel:
    """A conditional model, untrained, with mixtures fitted to two classes of pictures."""
    spec = ModelSpec(
        f"genzoo/{request.param}",
        {
            "shape": (1, 8, 8),
            "latent": 3,
            "network": {"type": "conv", "width": 8},
            "components": 2,
        },
        conditioners={
            "label": ComponentSpec("genzoo/class-labels", {"classes": ["dark", "light"]})
        },
    )
    torch.manual_seed(0)
    built = genzoo.open_zoo().build(spec, training=True).module
    assert isinstance(built, LatentModel)
    labels = torch.arange(600) % 2
    images = SampleRng(range(600)).normal((1, 8, 8), torch.empty(0)) / 4
    images = images + (2.0 * labels - 1)[:, None, None, None]
    with torch.no_grad():
        built.finalize(
            [
                Batch(x, {"label": y})
                for x, y in zip(images.split(100), labels.split(100), strict=True)
            ]
        )
    return built.eval()


def latents(model: LatentModel, label: int, n: int = 400) -> torch.Tensor:
    return model.latents(SampleRng(range(n)), OPTIONS, {"label": torch.full((n,), label)})


def test_each_class_is_drawn_from_its_own_mixture(model: LatentModel) -> None:
    with torch.no_grad():
        for label in (0, 1):
            ground = torch.full((50, 1, 8, 8), 2.0 * label - 1)
            noise = SampleRng(range(1000, 1050)).normal((1, 8, 8), torch.empty(0)) / 4
            encoded = model.codec.encode(ground + noise).mean
            drawn = latents(model, label)
            other = latents(model, 1 - label)
            near = (drawn.mean(0) - encoded.mean(0)).norm()
            assert near < (other.mean(0) - encoded.mean(0)).norm()


def test_nothing_asked_draws_the_classes_at_their_frequencies(model: LatentModel) -> None:
    n = 64
    with torch.no_grad():
        nothing = model.sample(SampleRng(range(n)), {}, OPTIONS)
        null = model.sample(SampleRng(range(n)), {"label": torch.full((n,), 2)}, OPTIONS)
        classes = model.conditioners["label"].typical(SampleRng(range(n)))
        spelled = model.sample(SampleRng(range(n)), {"label": classes}, OPTIONS)
    assert set(classes.tolist()) == {0, 1}
    torch.testing.assert_close(nothing, null)
    torch.testing.assert_close(nothing, spelled)


def test_a_picture_is_the_same_alone_and_in_a_batch(model: LatentModel) -> None:
    asked = torch.tensor([0, 1, 2, 1])
    with torch.no_grad():
        together = model.sample(SampleRng([5, 6, 7, 8]), {"label": asked}, OPTIONS)
        for i in range(4):
            one = {"label": asked[i : i + 1]}
            alone = model.sample(SampleRng([5 + i]), one, OPTIONS)
            torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-4)


def test_the_decoder_is_told_the_class(model: LatentModel) -> None:
    with torch.no_grad():
        for parameter in model.codec.decoder.parameters():  # fresh blocks are the identity
            parameter.add_(0.05)
        z = torch.zeros(1, 3)
        pictures = [
            model.codec.decode(z, model.condition({"label": torch.tensor([label])}, 1))
            for label in (0, 1)
        ]
    assert (pictures[0] - pictures[1]).abs().max() > 1e-4


def test_the_conditioners_parameters_are_trained_with_the_codec(model: LatentModel) -> None:
    (phase,) = model.stages()[0].phases
    assert {id(p) for p in phase.parameters} == {id(p) for p in model.parameters()}
