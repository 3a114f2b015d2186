"""`import genzoo`: what Python users have."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from shelf import Shelf, model

import genzoo
from genzoo_core.errors import UsageError


def test_models_are_listed_by_names_that_work(shelf: Shelf) -> None:
    shelf.add("acme", model("cat"), model("dog", family="gan", conditioners=["label"]))
    shelf.add("other", model("cat", kind="codec"))
    assert genzoo.list_models("*cat") == ["acme/cat", "other/cat"]
    assert genzoo.list_models(family="gan") == ["dog"]
    assert genzoo.list_models(conditioner="label", pattern="d") == ["dog"]
    assert genzoo.list_models("cat", kind="codec") == ["other/cat"]
    assert genzoo.list_models("zebra") == []
    for name in genzoo.list_models():
        assert genzoo.card(name).name == name.rpartition("/")[2]


def test_an_unknown_choice_is_an_error(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match="no family 'veo'; did you mean vae"):
        genzoo.list_models(family="veo")
    with pytest.raises(UsageError, match="no model 'vae-mlp-mnits'"):
        genzoo.card("vae-mlp-mnits")
    with pytest.raises(UsageError, match="no model 'vae-mlp-mnits'"):
        genzoo.load("vae-mlp-mnits")


def test_a_model_is_loaded_and_generates(shelf: Shelf) -> None:
    model = genzoo.load("vae-mlp-mnist")
    assert model.sample_shape == (1, 28, 28)
    assert not model.training
    pictures = genzoo.generate("vae-mlp-mnist", n=2, seed=3)
    assert pictures.images.shape == (2, 1, 28, 28)
    assert pictures.seeds == (3, 4)


def test_every_public_name_is_documented() -> None:
    for name in set(genzoo.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(genzoo, name))


def test_the_version_is_the_distributions() -> None:
    assert genzoo.__version__ == version("genzoo")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        genzoo.nonsense  # noqa: B018
