"""A plugin with models to run, really installed, and a way to run commands on them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import genzoo

GENZOO = [sys.executable, "-c", "import sys; from genzoo.cli import main; sys.exit(main())"]
"""The command line in a process of its own."""

PAINTER = Path(__file__).parent / "painter" / "genzoo_painter"

MODELS: dict[str, dict[str, Any]] = {
    "plain": {"shape": [1, 8, 8], "codec": True},
    "coded": {"shape": [1, 8, 8], "codec": True, "codes": 5},
    "colour": {"shape": [3, 8, 8], "conditioned": True, "stepwise": True},
}


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs `genzoo` with the given words, in this process."""

    def run(*words: str | Path) -> Outcome:
        from genzoo.cli import main

        capfd.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def painter_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution `painter` as pip would lay it out, weights and all.

    Its models are `plain`, 1×8×8 with a codec, `coded`, the same with discrete codes, and `colour`,
    3×8×8, which samples in steps and takes a label and, by `--set text=…`, a text.
    """
    site = tmp_path_factory.mktemp("painter")
    shutil.copytree(PAINTER, site / "genzoo_painter")
    info = site / "painter-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: painter\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[genzoo]\npainter = genzoo_painter\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        patch.setenv("GENZOO_CACHE", str(site / "cache"))
        entries = [_entry(site, name, config) for name, config in MODELS.items()]
    with (site / "genzoo_painter" / "genzoo.toml").open("a") as manifest:
        manifest.writelines(entries)
    return site


def _entry(site: Path, name: str, config: dict[str, Any]) -> str:
    """Write a model with random weights; its entry in the manifest."""
    path = site / "genzoo_painter" / f"{name}.safetensors"
    sha256, size = write_model(path, config)
    conditioners = ["label", "text"] if config.get("conditioned") else []
    return (
        f'\n[[models]]\nname = "{name}"\nfamily = "painting"\nsummary = "Random weights."\n'
        f"shape = {config['shape']}\nconditioners = {conditioners}\n"
        f'weights = "{name}.safetensors"\nsha256 = "{sha256}"\nsize = {size}\n'
    )


def write_model(path: Path, config: dict[str, Any], seed: int = 0) -> tuple[str, int]:
    """Write a painter with random weights; its sha256 and size."""
    import torch

    from genzoo_core.cards import ModelCard
    from genzoo_core.specs import ComponentSpec, ModelSpec

    conditioners = {}
    if config.get("conditioned"):
        conditioners = {"label": ComponentSpec("labels"), "text": ComponentSpec("painter/text")}
    zoo = genzoo.open_zoo()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        built = zoo.build(ModelSpec("painter/painter", config, conditioners=conditioners))
    shape = tuple(config["shape"])
    card = ModelCard(path.stem, "painting", "Random weights.", shape=shape)
    card = zoo.save(path, built.spec, built.own_tensors(), card)
    return card.sha256, card.size


@pytest.fixture
def painter(painter_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin is installed, for this process and for those that it starts.

    Returns:
        An empty folder, which is the current one.
    """
    return _workplace(painter_site, tmp_path, monkeypatch)


@pytest.fixture
def silent_painter(painter_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As `painter`, of which no hook wants all pictures at once: they are written as they come."""
    site = tmp_path / "silent"
    shutil.copytree(painter_site, site)
    (site / "genzoo_painter" / "__init__.py").write_text("")
    manifest = site / "genzoo_painter" / "genzoo.toml"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if not line.startswith("hooks")))
    return _workplace(site, tmp_path, monkeypatch)


def _workplace(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(site))
    path = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep + path if path else ''}")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def assert_refused(done: Outcome, *says: str) -> None:
    """It failed as a wrong use, in one line that says all of `says`, and wrote nothing."""
    assert done.code == 2, done
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    for text in says:
        assert text in done.err
