"""The plugin `album`, really installed: its model, and feature nets trained on figures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import figures
import pytest
import torch

import genzoo
from genzoo_core import ComponentSpec, ModelSpec
from genzoo_core.cards import ModelCard
from genzoo_core.images import from_uint8
from genzoo_core.zoo import Zoo
from genzoo_train.training import train

PLUGIN = Path(__file__).parent / "album" / "genzoo_album"
DUAL, SELF_SUPERVISED = (f"features-figures-{kind}" for kind in ("dual", "self-supervised"))
CONDITIONERS = {
    "caption": ComponentSpec("album/names", {"names": list(figures.CAPTIONS)}),
    "style": ComponentSpec("album/styles", {"names": list(figures.STYLES)}),
}


class Album(NamedTuple):
    """Folders: with the plugin installed, and that holds the dataset "figures"."""

    site: Path
    data: Path

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """For this process and for those that it starts; with a cache that is shared."""
        patch.syspath_prepend(str(self.site))
        paths = [str(self.site), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("GENZOO_CACHE", str(self.site / "cache"))


@pytest.fixture(scope="session")
def album_site(tmp_path_factory: pytest.TempPathFactory) -> Album:
    """The plugin, with its trained nets."""
    made = Album(tmp_path_factory.mktemp("album"), tmp_path_factory.mktemp("data"))
    package = made.site / "genzoo_album"
    shutil.copytree(PLUGIN, package, ignore=shutil.ignore_patterns("__pycache__"))
    info = made.site / "album-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: album\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nalbum = genzoo_album\n")
    figures.write(made.data / "figures")
    with pytest.MonkeyPatch.context() as patch:
        made.install(patch)
        nets = [_trained(made.site, DUAL), _trained(made.site, SELF_SUPERVISED)]
        with (package / "genzoo.toml").open("a") as manifest:
            manifest.writelines(f"\n{entry}" for entry in [*nets, _album(package)])
    return made


@pytest.fixture
def album(album_site: Album, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the dataset "figures"; the plugin is installed."""
    album_site.install(monkeypatch)
    return album_site.data


@pytest.fixture
def album_zoo(album: Path) -> Zoo:
    """The zoo with the plugin; its cache is shared by the tests that use it."""
    return genzoo.open_zoo()


def _trained(site: Path, name: str) -> str:
    """Train a net; its entry in the manifest."""
    package = site / "genzoo_album"
    zoo = genzoo.open_zoo()
    recipe = zoo.recipe(str(package / "recipes" / f"{name}.toml"))
    file = train(zoo, recipe, figures.figures("train"), site / name)
    (package / "weights").mkdir(exist_ok=True)
    shutil.copy(file, package / "weights")
    return (site / name / "card.toml").read_text()


def _album(package: Path) -> str:
    """Write the model, which has all pictures, held-out ones too; its entry in the manifest."""
    zoo = genzoo.open_zoo()
    shape = (3, figures.SIDE, figures.SIDE)
    config = {"shape": shape, "captions": len(figures.CAPTIONS), "styles": len(figures.STYLES)}
    built = zoo.build(ModelSpec("album/album", config, conditioners=CONDITIONERS))
    pictures = [
        torch.stack([figures.picture(text, style) for style in figures.STYLES])
        for text in figures.CAPTIONS
    ]
    tensors = built.own_tensors()
    tensors["pictures"].copy_(from_uint8(torch.stack(pictures)))
    card = ModelCard("album", "album", "Pictures of figures.", shape=shape)
    card = zoo.save(package / "weights" / "album.safetensors", built.spec, tensors, card)
    return (
        f'[[models]]\nname = "album"\nfamily = "album"\nsummary = "{card.summary}"\n'
        f'dataset = "figures"\nshape = {list(shape)}\nconditioners = ["caption", "style"]\n'
        f'weights = "weights/album.safetensors"\nsha256 = "{card.sha256}"\nsize = {card.size}\n'
    )
