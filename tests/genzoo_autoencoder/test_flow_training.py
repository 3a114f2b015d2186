"""Training a codec and then a flow over its latents, by `genzoo train`'s own loop."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch
from prior_cases import FIRST, recipe, shades
from safetensors.torch import load_file

import genzoo
from genzoo_autoencoder.config import LatentOptions
from genzoo_autoencoder.latent_model import LatentModel
from genzoo_core import NotFittedError, SampleRng
from genzoo_core.images import from_uint8
from genzoo_core.zoo import Zoo
from genzoo_train.training import train


@pytest.fixture
def zoo() -> Zoo:
    return genzoo.open_zoo()


def load(zoo: Zoo, path: Path) -> LatentModel:
    module = zoo.open(str(path)).module
    assert isinstance(module, LatentModel)
    return module


@pytest.mark.parametrize("family", sorted(FIRST))
def test_resuming_in_either_stage_and_between_them_gives_the_very_weights(
    family: str, zoo: Zoo, tmp_path: Path
) -> None:
    given, data = recipe(family), shades()
    whole = load_file(train(zoo, given, data, tmp_path / "whole"))
    for stop in (4, 10, 11, 15):
        out = tmp_path / str(stop)
        train(zoo, given, data, out, max_steps=stop)
        resumed = load_file(train(zoo, given, data, out, resume=True))
        assert resumed.keys() == whole.keys()
        assert all(torch.equal(resumed[name], whole[name]) for name in whole), stop


def test_the_flows_latents_are_those_of_the_codec_that_is_stored(zoo: Zoo, tmp_path: Path) -> None:
    given = msgspec.structs.replace(recipe("autoencoder"), weights_dtype="float32")
    model = load(zoo, train(zoo, given, shades(), tmp_path / "run"))
    with torch.no_grad():
        z = model.codec.encode(from_uint8(shades().images)).mean
    torch.testing.assert_close(z.mean(0), model.density.shift, atol=1e-4, rtol=0)
    torch.testing.assert_close(z.std(0, correction=0), model.density.scale, atol=1e-4, rtol=0)


def test_a_training_cut_short_before_the_flow_says_so_and_one_within_it_samples(
    zoo: Zoo, tmp_path: Path
) -> None:
    for steps in (10, 12):
        train(zoo, recipe("vae"), shades(), tmp_path / str(steps), max_steps=steps)
    short = load(zoo, tmp_path / "10" / "mine.safetensors")
    with pytest.raises(NotFittedError, match=r"never fitted; .*--resume"):
        short.sample(SampleRng([0]), {}, LatentOptions())
    begun = load(zoo, tmp_path / "12" / "mine.safetensors")
    assert begun.sample(SampleRng([0]), {}, LatentOptions()).shape == (1, 1, 8, 8)


def test_samples_show_what_the_flow_draws_once_there_is_one(zoo: Zoo, tmp_path: Path) -> None:
    train(zoo, recipe("autoencoder"), shades(), tmp_path / "run")
    names = {path.name for path in (tmp_path / "run" / "samples").iterdir()}
    assert {"prior-0000004.png", "prior-0000008.png"} < names
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["stage"] == "prior"
