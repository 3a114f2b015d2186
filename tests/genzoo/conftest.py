"""What the registry's tests share: a plugin distribution that is really installed."""

from __future__ import annotations

import os
from pathlib import Path

import acme_plugin
import foreign
import pytest
from painting import cli, painter, painter_site, silent_painter
from shelf import Shelf
from wheels import Place, make_place

import genzoo
from genzoo_core.zoo import Zoo

__all__ = ["cli", "painter", "painter_site", "silent_painter"]


@pytest.fixture(scope="session")
def acme_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `acme-models` is installed."""
    site = tmp_path_factory.mktemp("acme")
    acme_plugin.install_components(site)
    return site


@pytest.fixture
def site(tmp_path: Path, acme_site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to install distributions into, beside `acme-models`.

    Both are on the path of this process and of those that it starts.
    """
    own = tmp_path / "site"
    own.mkdir()
    for folder in (acme_site, own):
        monkeypatch.syspath_prepend(str(folder))
    paths = [str(own), str(acme_site), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return own


@pytest.fixture
def zoo(site: Path) -> Zoo:
    """The registry, with `acme-models` and whatever was installed into `site` before."""
    return genzoo.open_zoo()


@pytest.fixture(scope="session")
def reader_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `acme-reader` is installed."""
    site = tmp_path_factory.mktemp("reader")
    foreign.install_reader(site)
    return site


@pytest.fixture
def reader(site: Path, reader_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`acme-reader` is installed. Returns an empty folder, which is the current one."""
    monkeypatch.syspath_prepend(str(reader_site))
    monkeypatch.setenv("PYTHONPATH", f"{os.environ['PYTHONPATH']}{os.pathsep}{reader_site}")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty folder to put plugins into, on the path; no other plugin but genzoo's own."""
    shelf = Shelf(tmp_path / "site", tmp_path / "cache")
    shelf.site.mkdir()
    monkeypatch.syspath_prepend(str(shelf.site))
    monkeypatch.setenv("PYTHONPATH", str(shelf.site))
    monkeypatch.setenv("GENZOO_CACHE", str(shelf.cache))
    for name in ("GENZOO_PLUGINS", "GENZOO_DISABLE", "GENZOO_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return shelf


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / "env", tmp_path / "home")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder
