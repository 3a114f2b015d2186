"""Latent diffusion: the same model, by configuration alone, on any codec of the zoo."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusion_cases import blobs, error_of, recipe_of, rows_lit, sample, spec_of, trained
from torch import Tensor

import genzoo
from genzoo_autoencoder.spatial import SpatialCodec
from genzoo_core import (
    Batch,
    BatchRng,
    Condition,
    ConfigError,
    ModelCard,
    ModelSpec,
    PartSpec,
    Posterior,
    Progress,
    SampleRng,
)
from genzoo_diffusion.base import codec_of
from genzoo_diffusion.model import Diffusion
from genzoo_train.training import train

CODEC = "genzoo-tiny/tiny-codec"


@pytest.fixture(scope="module")
def codec_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `small` is installed: a codec whose latent is a small picture."""
    site = tmp_path_factory.mktemp("small")
    package, info = site / "small", site / "small-1.0.dist-info"
    for folder in (package, info):
        folder.mkdir()
    spec = ModelSpec("genzoo/spatial-codec", {"shape": [1, 8, 8], "width": 8}, kind="codec")
    zoo = genzoo.open_zoo()
    tensors = zoo.build(spec, training=True).own_tensors()
    card = ModelCard("codec", "autoencoder", "A small one.", kind="codec")
    saved = zoo.save(package / "codec.safetensors", spec, tensors, card)
    (package / "__init__.py").touch()
    (package / "genzoo.toml").write_text(
        'api = 2\n[[models]]\nname = "codec"\nfamily = "autoencoder"\nsummary = "A small one."\n'
        f'kind = "codec"\nweights = "codec.safetensors"\nsha256 = "{saved.sha256}"\n'
    )
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nsmall = small\n")
    return site


@pytest.fixture
def spatial(codec_site: Path, monkeypatch: pytest.MonkeyPatch) -> Diffusion:
    """A U-Net on the latents of that codec."""
    monkeypatch.syspath_prepend(str(codec_site))
    network = {"type": "unet", "width": 8, "multipliers": [1], "patch": 1, "embedding": 16}
    spec = spec_of(on="latents", codec="small/codec", network=network)
    model = genzoo.open_zoo().build(spec, training=True).module
    assert isinstance(model, Diffusion)
    return model.eval()


def test_it_learns_the_latents_of_a_shared_codec(third_party: Path, tmp_path: Path) -> None:
    spec = spec_of(labels=True, codec=CODEC, on="latents")
    weights = trained(tmp_path / "run", spec, steps=400)

    loaded = genzoo.open_zoo().open(str(weights))
    model = loaded.module
    assert isinstance(model, Diffusion)
    # The codec is named, with its digest, and not copied.
    assert loaded.spec.parts["codec"].model == CODEC
    assert len(loaded.spec.parts["codec"].sha256) == 64
    assert not any(name.startswith("codec.") for name in loaded.own_tensors())
    labels = model.conditioners["label"].prepare([0, 1, 2] * 4, SampleRng([0] * 12))
    pictures = sample(model, list(range(12)), {"label": labels})
    assert pictures.shape == (12, 1, 8, 8)
    assert rows_lit(pictures) == [0, 1, 2] * 4
    assert error_of(pictures) < 0.35


def test_a_loss_is_the_same_on_latents_that_are_already_there(spatial: Diffusion) -> None:
    images = torch.linspace(-1, 1, 6 * 64).reshape(6, 1, 8, 8)
    rows = torch.tensor([4, 1, 5, 1])
    batch = Batch(images[rows], {}, rows)
    (stage,) = spatial.stages()

    def loss(batch: Batch) -> Tensor:
        rng = BatchRng(torch.Generator().manual_seed(0), 4)
        return spatial.loss(batch, rng, stage.phases[0], Progress(0, 1))[0]

    assert stage.prepared
    before = loss(batch)
    spatial.prepare_stage(stage, [Batch(images[:4]), Batch(images[4:])], resumed=False)
    torch.testing.assert_close(loss(batch), before)
    with torch.no_grad():
        for parameter in spatial.codec.parameters():
            parameter.zero_()
    torch.testing.assert_close(loss(batch), before)
    # Pictures that are set aside have no rows in the training set.
    assert loss(Batch(batch.images)) != before


def test_a_training_encodes_each_picture_once_and_goes_on_as_it_began(
    codec_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(codec_site))
    encoded: list[int] = []
    encode = SpatialCodec.encode

    def counted(codec: SpatialCodec, images: Tensor, *rest: Condition | None) -> Posterior:
        encoded.append(len(images))
        return encode(codec, images, *rest)

    zoo = genzoo.open_zoo()
    recipe = recipe_of(spec_of(labels=True, on="latents", codec="small/codec"), steps=12)
    monkeypatch.setattr(SpatialCodec, "encode", counted)
    whole = train(zoo, recipe, blobs(), tmp_path / "whole")
    # Two pictures to check the data, a step that is rehearsed, and the training.
    assert encoded == [2, 48, 48]
    for stop in (5, None):
        parts = train(zoo, recipe, blobs(), tmp_path / "parts", max_steps=stop, resume=stop is None)
    assert parts.read_bytes() == whole.read_bytes()


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
    zoo = genzoo.open_zoo()
    spec = spec_of(codec=CODEC, on="latents", network={"type": "unet"})
    with pytest.raises(ConfigError, match=r"not of shape \[4\].*mlp"):
        zoo.build(spec, training=True)


def test_a_model_of_the_zoo_lends_its_codec() -> None:
    zoo = genzoo.open_zoo()
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
    zoo = genzoo.open_zoo()
    spec = spec_of(on="latents", shape=[1, 32, 32], codec="ae-mlp-mnist")
    model = zoo.build(spec, training=True).module
    assert isinstance(model, Diffusion)
    with pytest.raises(ConfigError, match=r"1×28×28.*1×32×32"):
        sample(model, [0], steps=1)
