"""The conformance kit finds what a manifest says wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

import genzoo
from genzoo_core import ModelCard, ModelSpec, UsageError
from genzoo_core.testing import examine_plugin

CONFIG = """
import msgspec
class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    width: int = 3
class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: int = 3
class Others(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: int = 3
"""
PARTS = """
from genzoo_core import GenerativeModel, Noiser
from faulty.config import Config, Options
class Model(GenerativeModel):
    Config, Options = Config, Options
class Quiet(Model):
    pass
class Rule(Noiser):
    class Config(Config, frozen=False):
        pass
"""
MANIFEST = """
api = 2
[[components]]
kind = "model"
name = "model"
target = "faulty.parts:Model"
options = "faulty.config:Others"
[[components]]
kind = "model"
name = "quiet"
target = "faulty.parts:Quiet"
[[components]]
kind = "sampler"
name = "rule"
target = "faulty.parts:Rule"
[[models]]
name = "mine"
family = "vae"
summary = "A model."
recipe = "mine.toml"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, and a cache of its own."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    return site


def install(site: Path, name: str, files: dict[str, str]) -> None:
    """Lay a distribution out as pip would."""
    (site / name).mkdir()
    for file, text in files.items():
        (site / name / file).write_text(text)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[genzoo]\n{name} = {name}\n")


def test_a_manifest_that_is_not_true_is_told_in_full(site: Path) -> None:
    install(
        site,
        "faulty",
        {
            "__init__.py": "print('hello')",
            "config.py": CONFIG,
            "parts.py": PARTS,
            "genzoo.toml": MANIFEST,
        },
    )
    problems = examine_plugin(genzoo.open_zoo(), "faulty").problems
    for expected in (
        "importing faulty writes 'hello' to stdout",
        "lacks its file 'mine.toml'",
        "expected `options` to be the class's Options, got faulty.config:Others",
        'add `options = "faulty.config:Options"`',
        "expected faulty.parts:Rule to be a Sampler",
        "expected `license` in the card, got none",
        "expected `credits` in the card, got none",
    ):
        assert any(expected in problem for problem in problems), (expected, problems)


@pytest.mark.parametrize(("trained", "wrong"), [("", False), ("CC0-1.0", False), ("MIT", True)])
def test_a_licence_may_be_chosen_after_the_training(site: Path, trained: str, wrong: bool) -> None:
    install(site, "late", {"__init__.py": ""})
    zoo = genzoo.open_zoo()
    spec = ModelSpec("genzoo/spatial-codec", {"shape": [1, 8, 8], "width": 8}, kind="codec")
    card = ModelCard("c", "autoencoder", "One.", kind="codec", license=trained)
    tensors = zoo.build(spec, training=True).own_tensors()
    saved = zoo.save(site / "late" / "c.safetensors", spec, tensors, card)
    (site / "late" / "genzoo.toml").write_text(
        'api = 2\n[[models]]\nname = "c"\nfamily = "autoencoder"\nsummary = "One."\n'
        'kind = "codec"\nlicense = "CC0-1.0"\nweights = "c.safetensors"\n'
        f'sha256 = "{saved.sha256}"\n',
        encoding="utf-8",
    )
    problems = "\n".join(examine_plugin(genzoo.open_zoo(), "late").problems)
    assert ("`license` = 'MIT' as in its file" in problems) == wrong
    assert ("license" in problems) == wrong


def test_a_plugin_that_ends_the_process_is_not_imported_here(site: Path) -> None:
    install(
        site,
        "deadly",
        {
            "__init__.py": "import os; os._exit(3)",
            "genzoo.toml": MANIFEST.replace("faulty", "deadly"),
        },
    )
    report = examine_plugin(genzoo.open_zoo(), "deadly")
    assert "ends the process, with code 3" in "\n".join(report.problems)
    assert report.findings[-1].status == "skipped"


def test_a_broken_manifest_is_a_finding_and_a_wrong_name_an_error(site: Path) -> None:
    install(site, "broken", {"__init__.py": "", "genzoo.toml": "api = 99"})
    zoo = genzoo.open_zoo()
    (problem,) = examine_plugin(zoo, "broken").problems
    assert "upgrade genzoo" in problem
    with pytest.raises(UsageError, match="did you mean broken"):
        examine_plugin(zoo, "brokn")
