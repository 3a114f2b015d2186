"""Latent diffusion: the same model, by configuration alone, on any codec of the zoo."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusion_cases import error_of, rows_lit, sample, spec_of, trained
from torch import Tensor

from genzoo.catalogue import Catalogue
from genzoo.models.building import BuildContext
from genzoo.zoo import RegistryZoo
from genzoo_autoencoder.spatial import SpatialCodec, SpatialCodecConfig
from genzoo_core import ComponentSpec, ConfigError, PartSpec, SampleRng
from genzoo_diffusion.config import DiffusionConfig, UNetConfig
from genzoo_diffusion.latents import codec_of
from genzoo_diffusion.model import Diffusion

CODEC = "genzoo-tiny/tiny-codec"


@pytest.fixture(scope="module")
def spatial() -> Diffusion:
    """A U-Net on the latents of a codec whose latent is a small picture."""
    catalogue = Catalogue.open()
    codec = SpatialCodec(
        SpatialCodecConfig((1, 8, 8), width=8), BuildContext(catalogue, True, {}, {})
    )
    context = BuildContext(catalogue, True, {}, {"codec": codec.eval()})
    config = DiffusionConfig(
        noiser=ComponentSpec("genzoo/rectified-flow"),
        network=UNetConfig(width=8, multipliers=(1,), patch=1, embedding=16),
        shape=(1, 8, 8),
        on="latents",
    )
    return Diffusion(config, context).eval()


def test_it_learns_the_latents_of_a_shared_codec(third_party: Path, tmp_path: Path) -> None:
    spec = spec_of(labels=True, codec=CODEC, on="latents")
    weights = trained(tmp_path / "run", spec, steps=400)

    loaded = RegistryZoo(Catalogue.open()).open(str(weights))
    model = loaded.built.module
    assert isinstance(model, Diffusion)
    # The codec is named, with its digest, and not copied.
    assert loaded.built.spec.parts["codec"].model == CODEC
    assert len(loaded.parts["codec"]) == 64
    assert not any(name.startswith("codec.") for name in loaded.built.own_tensors())
    labels = model.conditioners["label"].prepare([0, 1, 2] * 4, SampleRng([0] * 12))
    pictures = sample(model, list(range(12)), {"label": labels})
    assert pictures.shape == (12, 1, 8, 8)
    assert rows_lit(pictures) == [0, 1, 2] * 4
    assert error_of(pictures) < 0.35


def test_the_pictures_on_the_way_are_decoded_only_for_who_looks(
    spatial: Diffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = spatial.codec.decode
    monkeypatch.setattr(spatial.codec, "decode", lambda z: decoded.append(len(z)) or decode(z))
    silent = sample(spatial, [1, 2], steps=3)
    assert decoded == [2]
    shapes: list[torch.Size] = []

    def look(step: int, total: int, x: Tensor) -> None:
        shapes.append(x.shape)

    with torch.inference_mode():
        told = spatial.sample(SampleRng([1, 2]), {}, spatial.Options(steps=3), look)
    assert decoded == [2] * 5
    assert shapes == [silent.shape] * 3
    torch.testing.assert_close(silent, told)


def test_a_spatial_latent_takes_a_unet(spatial: Diffusion) -> None:
    assert spatial.data_shape == (4, 2, 2)
    assert sample(spatial, [3], steps=2).shape == (1, 1, 8, 8)
    x = torch.zeros(2, 1, 8, 8)
    assert spatial.codec.reconstruct(x).shape == x.shape


def test_a_vector_latent_does_not(third_party: Path) -> None:
    zoo = RegistryZoo(Catalogue.open())
    spec = spec_of(codec=CODEC, on="latents", network={"type": "unet"})
    with pytest.raises(ConfigError, match=r"not of shape \[4\].*mlp"):
        zoo.build(spec, training=True)


def test_a_model_of_the_zoo_lends_its_codec() -> None:
    zoo = RegistryZoo(Catalogue.open())
    spec = spec_of(on="latents", shape=[1, 28, 28], codec="ae-mlp-mnist")
    built = zoo.build(spec, training=True)
    model = built.module
    assert isinstance(model, Diffusion)
    assert model.data_shape == (32,)
    assert sample(model, [0], steps=2).shape == (1, 1, 28, 28)
    assert not any(name.startswith("codec.") for name in built.own_tensors())
    assert built.spec.parts == {
        "codec": PartSpec("genzoo/ae-mlp-mnist", zoo.card("ae-mlp-mnist").sha256)
    }


def test_a_part_without_a_codec_is_refused() -> None:
    with pytest.raises(ConfigError, match="is a Linear, which has none"):
        codec_of(torch.nn.Linear(1, 1))


def test_a_codec_of_other_pictures_is_refused() -> None:
    zoo = RegistryZoo(Catalogue.open())
    spec = spec_of(on="latents", shape=[1, 32, 32], codec="ae-mlp-mnist")
    model = zoo.build(spec, training=True).module
    assert isinstance(model, Diffusion)
    with pytest.raises(ConfigError, match=r"1×28×28.*1×32×32"):
        sample(model, [0], steps=1)
