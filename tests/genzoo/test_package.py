"""`import genzoo`: what Python users have."""

from __future__ import annotations

import inspect
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from shelf import Shelf, model

import genzoo
from genzoo_core.errors import UsageError

PLUGINS = Path(__file__).parent.parent.parent / "plugins"
WEIGHTS = PLUGINS / "genzoo_vae" / "weights" / "vae-mlp-mnist.safetensors"


def test_models_are_listed_by_names_that_work(shelf: Shelf) -> None:
    shelf.add("acme", model("cat"), model("dog", family="gan", conditioners=["label"]))
    shelf.add("other", model("cat", kind="codec"))
    assert genzoo.list_models("*cat") == ["acme/cat", "other/cat"]
    assert "dog" in genzoo.list_models(family="gan")
    assert genzoo.list_models(conditioner="label", pattern="og") == ["dog"]
    assert genzoo.list_models("cat", kind="codec") == ["other/cat"]
    assert genzoo.list_models("zebra") == []
    for name in genzoo.list_models():
        assert genzoo.card(name).name == name.rpartition("/")[2]


def test_an_unknown_choice_is_an_error(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match=r"no family 'veo'; known: .*; did you mean vae"):
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": "4"}, "n is '4'"),
        ({"n": True}, "n is True"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"prompts": [7]}, "a prompt is 7"),
        ({"prompts": 7}, "a prompt is 7"),
        ({"interpolate": "3,8"}, "two seeds"),
        ({"batch": "a"}, "batch is 'a'"),
        ({"threads": "a"}, "threads is 'a'"),
    ],
)
def test_wrong_types_are_usage_errors(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        genzoo.generate("vae-mlp-mnist", **arguments)


def test_paths_are_taken_as_paths_and_nothing_else_as_a_name(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    shutil.copy(WEIGHTS, file)
    model = genzoo.load(file)
    assert model.sample_shape == (1, 28, 28)
    with pytest.raises(UsageError, match="None names no model"):
        genzoo.load(None)  # type: ignore[arg-type]
    assert "generate" in dir(genzoo)
