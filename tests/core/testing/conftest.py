"""A distribution with components that break one rule each, laid out as pip would."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from pages import blocks

import genzoo
from genzoo_core.zoo import Zoo

TUTORIAL = Path(__file__).parents[3] / "docs" / "plugins.md"
SICK = Path(__file__).parent / "sick" / "genzoo_sick"
CORNERS = """
[[components]]
kind = "conditioner"
name = "corners"
target = "genzoo_sick.corners:Corners"
"""
KINDS = ("model", "codec", "noiser", "sampler", "conditioner")


def components() -> str:
    """The manifest's entries: every class, under its name in lower case."""
    entries = []
    for kind in KINDS:
        tree = ast.parse((SICK / f"{kind}s.py").read_text())
        entries += [
            f'[[components]]\nkind = "{kind}"\nname = "{node.name.lower()}"\n'
            f'target = "genzoo_sick.{kind}s:{node.name}"\n'
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name not in ("Config", "Options", "Inner")
        ]
    return "\n".join(entries)


@pytest.fixture(scope="session")
def sick_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the distribution `sick` is installed."""
    site = tmp_path_factory.mktemp("sick")
    shutil.copytree(SICK, site / "genzoo_sick", ignore=shutil.ignore_patterns("__pycache__"))
    (corners,) = (b.text for b in blocks(TUTORIAL) if b.file == "src/my_plugin/corners.py")
    (site / "genzoo_sick" / "corners.py").write_text(corners)
    (site / "genzoo_sick" / "genzoo.toml").write_text("api = 2\n" + components() + CORNERS)
    info = site / "sick-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sick\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\nsick = genzoo_sick\n")
    return site


@pytest.fixture
def zoo(sick_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """The registry, with `sick` and whatever else is on the path."""
    monkeypatch.syspath_prepend(str(sick_site))
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return genzoo.open_zoo()
