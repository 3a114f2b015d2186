"""Where backbones are used: in autoencoders, in feature nets, in `genzoo eval`; and by whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from timm_cases import images, no_hub, publish

import genzoo
from genzoo_core import ConfigError, ModelCard, ModelSpec, UsageError
from genzoo_core.testing import check_component, check_plugin, check_recipe
from genzoo_eval.feature_nets import load_nets

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "plugins" / "genzoo_timm" / "recipes" / "ae-timm-mnist.toml"
LABEL = {"component": "genzoo/class-labels", "config": {"classes": ["a", "b", "c"]}}
SHAPE = [1, 8, 8]
BACKBONE = {"component": "genzoo/timm", "config": {"backbone": "test_resnet", "shape": SHAPE}}
NETWORK = {"type": "conv", "width": 8, "encoder": BACKBONE}


@pytest.mark.parametrize("family", ["autoencoder", "vae"])
def test_it_is_the_trunk_of_an_encoder_with_a_decoder_of_ours(family: str) -> None:
    config = {"shape": SHAPE, "latent": 4, "network": NETWORK, "components": 2}
    check_component(
        genzoo.open_zoo(no_plugins=True),
        "model",
        f"genzoo/{family}",
        config,
        conditioners={"label": LABEL},
    )


def test_a_trunk_for_other_images_is_refused() -> None:
    spec = ModelSpec("genzoo/autoencoder", {"shape": [3, 8, 8], "network": NETWORK})
    with pytest.raises(ConfigError, match=r"images of 1×8×8, these have 3×8×8"):
        genzoo.open_zoo(no_plugins=True).build(spec)


@pytest.mark.parametrize(
    ("name", "conditioners"), [("classifier", {"label": LABEL}), ("self-supervised", {})]
)
def test_it_is_the_trunk_of_a_feature_net(name: str, conditioners: dict[str, object]) -> None:
    trunk = {"shape": SHAPE, "features": 8, "encoder": BACKBONE}
    check_component(
        genzoo.open_zoo(no_plugins=True),
        "encoder",
        f"genzoo/{name}",
        {"trunk": trunk},
        conditioners=conditioners,  # type: ignore[arg-type]
    )


def test_pictures_are_measured_in_a_net_from_a_file(tmp_path: Path) -> None:
    zoo = genzoo.open_zoo(no_plugins=True)
    trunk = {"features": 8, "encoder": {"component": "genzoo/timm", "config": {}}}
    built = zoo.build(ModelSpec("genzoo/self-supervised", {"trunk": trunk}, "encoder"))
    card = ModelCard("mine", "features", "Mine.", kind="encoder", dataset="mnist")
    card = zoo.save(tmp_path / "mine.safetensors", built.spec, built.own_tensors(), card)
    (net,) = load_nets(zoo, "mnist", (str(tmp_path / "mine.safetensors"),))
    assert net.sha256 == card.sha256
    levels = torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)
    assert net.features(levels).shape == (3, 8)


def test_pictures_are_measured_in_published_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_hub(monkeypatch, tmp_path)
    publish(tmp_path, "test_resnet")
    zoo = genzoo.open_zoo(no_plugins=True)
    small, large = "timm:test_resnet@32", "timm:test_resnet@64"
    nets = (*load_nets(zoo, "mnist", (small, large)), *load_nets(zoo, "mnist", (small, small)))
    levels = ((images(3, (1, 28, 28)) + 1) * 127.5).to(torch.uint8)
    first, second, again = (net.features(levels) for net in nets)
    assert first.shape == second.shape == (3, *nets[0].encoder.latent_shape)
    torch.testing.assert_close(again, first)
    assert not torch.allclose(second, first)
    # Kept features are found by these.
    assert nets[0].sha256 == nets[2].sha256 != nets[1].sha256


@pytest.mark.parametrize("name", ["timm:", "timm:resnet18@", "timm:a b", "timm:resnet18@x"])
def test_a_name_of_no_published_net_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="BACKBONE"):
        load_nets(genzoo.open_zoo(no_plugins=True), "mnist", (name,))


def test_the_recipe_that_ships_is_sound() -> None:
    check_recipe(genzoo.open_zoo(no_plugins=True), RECIPE)


def test_the_plugin_is_what_its_manifest_says() -> None:
    check_plugin(genzoo.open_zoo(no_plugins=True), "timm")


def test_no_other_package_imports_timm() -> None:
    importers = set()
    for path in (
        p for root in ("core", "plugins", "registry") for p in ROOT.glob(f"{root}/**/*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "timm" for name in names):
                importers.add(str(path.relative_to(ROOT)))
    assert importers == {"plugins/genzoo_timm/backbones.py"}


@pytest.mark.parametrize(
    "words",
    [
        ["-c", "import genzoo_timm, genzoo_timm.config"],
        ["-m", "genzoo", "list", "--kind", "encoder"],
        ["-m", "genzoo", "info", "ae-mnist"],
    ],
)
def test_neither_the_plugin_nor_listing_imports_timm_or_torch(words: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"genzoo_timm", "genzoo.cli"} & modules
    assert not {"timm", "torch", "torchvision"} & modules


def test_without_timm_it_is_said_what_to_install() -> None:
    code = (
        "import sys; from importlib import machinery\n"
        "class Without(machinery.PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, *rest):\n"
        "        return None if name == 'timm' else super().find_spec(name, *rest)\n"
        "sys.meta_path = [Without if f is machinery.PathFinder else f for f in sys.meta_path]\n"
        "import genzoo; from genzoo_core import ModelSpec\n"
        "try: genzoo.open_zoo().build(ModelSpec('genzoo/timm', kind='encoder'))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("PluginError")
    assert "`pip install timm`" in done.stdout
