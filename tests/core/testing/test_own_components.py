"""genzoo's own components, and those of the tests' third party, keep to the interfaces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import genzoo
from genzoo_core.testing import check_component, check_model, check_recipe
from genzoo_core.testing.plugins import check_card, check_recipe_of, component

SHAPE = [1, 8, 8]
CLASSES = {"component": "genzoo/class-labels", "config": {"classes": ["a", "b", "c"]}}
LABEL = {"label": CLASSES}
MLP = {"type": "mlp", "hidden": 16}
TINY = {"shape": SHAPE, "latent": 4, "network": MLP}
TRUNK = {"trunk": {"shape": SHAPE, "width": 4, "features": 8}}
CONV = {"type": "conv", "width": 8, "critic_width": 8, "hidden": 16}
NET = {"type": "mlp", "width": 32, "embedding": 16}


def diffusion(noiser: str, **config: object) -> dict[str, Any]:
    given = {"shape": SHAPE, "noiser": {"component": noiser}, "network": NET, **config}
    return {"config": given, "conditioners": LABEL}


MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "a plain autoencoder": ("autoencoder", {"config": TINY}),
    "its latents from N(0, I)": (
        "autoencoder",
        {"config": TINY, "options": {"prior": "standard-normal"}},
    ),
    "an autoencoder with mixtures": (
        "autoencoder",
        {"config": TINY | {"components": 2}, "conditioners": LABEL},
    ),
    "a VAE": ("vae", {"config": TINY, "conditioners": LABEL}),
    "a VAE with mixtures": (
        "vae",
        {"config": TINY | {"components": 2, "likelihood": "optimal", "kl_warmup": 0.5}},
    ),
    "the tutorial's GAN": ("gan", {"config": {"shape": SHAPE, "latent": 4}}),
    "R3GAN": (
        "gan",
        {
            "config": {"shape": SHAPE, "latent": 4, "network": CONV, "loss": "relativistic"}
            | {"penalty": {"type": "zero-centred"}},
            "conditioners": LABEL,
        },
    ),
    "a rectified flow": ("diffusion", diffusion("rectified-flow", guidance=2.0)),
    "an ancestral DDPM": ("diffusion", diffusion("ddpm", unasked="typical", sampler="ddpm")),
    "EDM": ("diffusion", diffusion("edm", sampler="dpmpp-2m")),
}


@pytest.mark.parametrize("case", MODELS)
def test_our_models_conform(case: str) -> None:
    name, given = MODELS[case]
    check_component(genzoo.open_zoo(no_plugins=True), "model", f"genzoo/{name}", **given)


PIECES: list[tuple[str, str, dict[str, Any]]] = [
    ("codec", "spatial-codec", {"config": {"shape": SHAPE, "width": 8}}),
    ("encoder", "classifier", {"config": TRUNK, "conditioners": LABEL}),
    ("encoder", "self-supervised", {"config": TRUNK | {"views": {"erase": 2}}}),
    (
        "conditioner",
        "class-labels",
        {"config": CLASSES["config"], "values": [0, "b", "c"]},
    ),
    ("noiser", "ddpm", {}),
    ("noiser", "ddpm", {"config": {"schedule": "cosine", "prediction": "x0"}}),
    ("noiser", "ddpm", {"config": {"prediction": "v"}}),
    ("noiser", "rectified-flow", {}),
    ("noiser", "rectified-flow", {"config": {"times": "uniform"}}),
    ("noiser", "edm", {}),
    ("sampler", "ddpm", {}),
    ("sampler", "ddim", {}),
    ("sampler", "ddim", {"config": {"eta": 1.0}}),
    ("sampler", "euler", {}),
    ("sampler", "euler-a", {}),
    ("sampler", "heun", {}),
    ("sampler", "dpmpp-2m", {}),
]


@pytest.mark.parametrize(("kind", "name", "given"), PIECES)
def test_our_pieces_conform(kind: str, name: str, given: dict[str, Any]) -> None:
    check_component(genzoo.open_zoo(no_plugins=True), kind, f"genzoo/{name}", **given)


@pytest.mark.parametrize("name", ["vae-mlp-mnist", "gan-mlp-mnist", "ae-mlp-mnist"])
def test_our_small_models_conform(name: str) -> None:
    check_model(genzoo.open_zoo(no_plugins=True), name)


def test_our_manifests_agree_with_code_and_files() -> None:
    """As check_plugin, whose imports in fresh processes are another test's."""
    zoo = genzoo.open_zoo(no_plugins=True)
    problems = []
    for plugin in zoo.plugins("genzoo"):
        assert plugin.manifest is not None
        for entry in plugin.manifest.components:
            problems += component(entry)
        for card in plugin.manifest.models:
            problems += check_card(zoo, plugin, card)
            problems += check_recipe_of(zoo, plugin, card) if card.recipe else ()
    assert problems == []


def test_the_third_party_conforms(third_party: Path) -> None:
    zoo = genzoo.open_zoo()
    labels = {"component": "genzoo-tiny/labels", "config": {"classes": 3}}
    for name in ("tiny-autoencoder", "tiny-vae", "two-stage-vae", "tiny-gan"):
        check_component(zoo, "model", f"genzoo-tiny/{name}", conditioners={"label": labels})
    for on, parts in (("pixels", {}), ("latents", {"codec": "genzoo-tiny/tiny-codec"})):
        config = {"noiser": {"component": "line", "config": {"prediction": "flow"}}, "on": on}
        check_component(zoo, "model", "genzoo-tiny/tiny-diffusion", config, parts=parts)
    check_component(zoo, "codec", "genzoo-tiny/codec")
    check_component(zoo, "conditioner", "genzoo-tiny/labels", values=[0, 1, "random"])
    check_component(zoo, "sampler", "genzoo-tiny/straight")
    for name in ("circle", "line"):
        check_component(zoo, "noiser", f"genzoo-tiny/{name}")
    check_model(zoo, "genzoo-tiny/tiny-codec")
    check_recipe(zoo, "genzoo-tiny/tiny-codec")
