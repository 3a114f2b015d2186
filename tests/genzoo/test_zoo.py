"""What commands ask of the registry beside models: cards and recipes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import acme_plugin
import pytest

import genzoo
from genzoo_core import ConfigError, ModelCard, UsageError, Zoo

RECIPE = """
name = "net-a"
card = { family = "acme", summary = "A net." }
data = { name = "dots", shape = [1, 2, 2] }
model = { component = "acme-models/net", config = { width = 3 } }
stages = [{ name = "fit", steps = 10 }]
"""


@pytest.fixture
def shipping(site: Path) -> Zoo:
    """A registry with `net-a`, which has a recipe, and `net-b`, which has none."""
    cards = [
        ModelCard(name="net-a", family="acme", summary="A net.", recipe="recipes/net-a.toml"),
        ModelCard(name="net-b", family="acme", summary="Another."),
    ]
    folder = acme_plugin.install(site, "acme-nets", acme_plugin.manifest_of(cards))
    (folder / "recipes").mkdir()
    (folder / "recipes" / "net-a.toml").write_text(RECIPE)
    return genzoo.open_zoo()


def test_it_is_what_plugins_are_promised(shipping: Zoo) -> None:
    assert {"net-a", "net-b"} <= {card.name for card in shipping.cards()}
    assert shipping.card("acme-nets/net-b").summary == "Another."


def test_a_recipe_comes_from_its_model_or_from_a_file(shipping: Zoo, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RECIPE)
    recipe = shipping.recipe("net-a")
    assert recipe == shipping.recipe(str(tmp_path / "mine.toml"))
    assert recipe.model.config == {"width": 3}


@pytest.mark.parametrize(
    ("reference", "message"),
    [("net-b", "acme-nets/net-b has no recipe"), ("gone.toml", "there is no recipe gone.toml")],
)
def test_what_has_no_recipe_is_a_usage_error(shipping: Zoo, reference: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shipping.recipe(reference)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 10", "steps = 10, epochs = 1", "either `epochs` or `steps`"),
        ("steps", "step", "unknown field `step`"),
        ("[1, 2, 2]", "[1, 2]", r"at `\$\.data\.shape`"),
        ("name =", "name", "is not TOML"),
    ],
)
def test_a_faulty_recipe_says_where(
    zoo: Zoo, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message) as caught:
        zoo.recipe(str(path))
    assert "mine.toml" in str(caught.value)


def test_asking_for_cards_imports_no_torch(shipping: Zoo) -> None:
    code = """
import sys
import genzoo
genzoo.open_zoo().recipe("net-a")
print(sorted({"torch", "numpy", "acme_nets", "acme_models"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
