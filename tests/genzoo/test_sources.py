"""Where weights come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import acme_plugin
import msgspec
import pytest
from painting import Cli

import genzoo
from genzoo_core import HubError, IntegrityError, ModelCard, ModelSpec, PluginError, UsageError, Zoo
from genzoo_core.request import Request

CARD = ModelCard(name="far", family="acme", summary="Far.", weights="share://far.safetensors")

HOOK = """
from pathlib import Path
from genzoo_core import hookimpl

@hookimpl
def genzoo_resolve_weights(reference, sha256):
    if reference.startswith("share://"):
        return Path(FOLDER) / reference.removeprefix("share://")
"""


def install_far(site: Path, card: ModelCard) -> Zoo:
    """A registry with a model that has this card."""
    acme_plugin.install(site, "acme-far", acme_plugin.manifest_of([card]))
    return genzoo.open_zoo()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("net-z", "no model 'net-z'"),
        ("acme-nets/net-z", "'acme-nets/net-z'"),
        ("mine.safetensors", "there is no file mine.safetensors"),
        ("runs/mine.safetensors", "there is no file runs/mine.safetensors"),
        ("./net-z", "there is no folder or file net-z"),
        ("../a/b", r"there is no folder or file \.\./a/b"),
        ("/gone/a", "there is no folder or file /gone/a"),
        ("~/a", "there is no folder or file /home/of/someone/a"),
        ("a/b/c", "there is no folder or file a/b/c"),
        ("a\\b", r"there is no folder or file a\\b"),
        ("share://a/b/c.safetensors", "no plugin can fetch 'share://a/b/c.safetensors'"),
    ],
)
def test_names_and_paths_are_told_apart(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, reference: str, message: str
) -> None:
    monkeypatch.setenv("HOME", "/home/of/someone")
    for ask in (zoo.card, zoo.weights, zoo.open):
        with pytest.raises((UsageError, HubError), match=message) as caught:
            ask(reference)
        assert ("there is no" in str(caught.value)) == ("there is no" in message)


def test_a_scheme_that_no_plugin_knows(site: Path) -> None:
    card = msgspec.structs.replace(CARD, weights="nowhere://someone/far", sha256="0" * 64)
    with pytest.raises(HubError, match="no plugin can fetch 'nowhere://someone/far'") as caught:
        install_far(site, card).open("far")
    assert "genzoo_resolve_weights" in str(caught.value)


@pytest.mark.parametrize("honest", [True, False])
def test_a_hook_brings_the_file_and_the_digest_is_checked(
    site: Path, tmp_path: Path, honest: bool
) -> None:
    zoo = genzoo.open_zoo()
    built = zoo.build(ModelSpec("net"))
    card = zoo.save(tmp_path / "far.safetensors", built.spec, built.own_tensors(), CARD)
    if not honest:
        card = msgspec.structs.replace(card, sha256="0" * 64)
    package = f"acme_share_{honest}".lower()
    manifest = acme_plugin.MANIFEST + 'hooks = ["genzoo_resolve_weights"]\n'
    folder = acme_plugin.install(site, package.replace("_", "-"), manifest)
    (folder / "__init__.py").write_text(HOOK.replace("FOLDER", repr(str(tmp_path))))
    zoo = install_far(site, card)
    if honest:
        assert zoo.resolve(Request("far")).weights == zoo.weights("far").sha256 == card.sha256
    else:
        with pytest.raises(IntegrityError, match="its card says 000000000000…"):
            zoo.open("far")


def test_a_file_that_the_package_lacks(site: Path) -> None:
    card = msgspec.structs.replace(CARD, weights="weights/far.safetensors", sha256="0" * 64)
    with pytest.raises(PluginError, match="weights/far"):
        install_far(site, card).open("far")


def test_a_model_without_weights(site: Path) -> None:
    with pytest.raises(UsageError, match="acme-far/far has no weights"):
        install_far(site, msgspec.structs.replace(CARD, weights="")).open("far")


MODELS = """
from genzoo_core import ModelCard, hookimpl

@hookimpl
def genzoo_models():
    files = {"here": "/far.safetensors", "gone": "/gone.safetensors"}
    return [
        ModelCard(name=name, family="acme", summary="There.", weights=FOLDER + file)
        for name, file in files.items()
    ]
"""


def test_a_model_known_only_at_run_time_lies_anywhere(site: Path, tmp_path: Path) -> None:
    zoo = genzoo.open_zoo()
    built = zoo.build(ModelSpec("net"))
    card = zoo.save(tmp_path / "far.safetensors", built.spec, built.own_tensors(), CARD)
    manifest = acme_plugin.MANIFEST + 'hooks = ["genzoo_models"]\n'
    folder = acme_plugin.install(site, "acme-dynamic", manifest)
    (folder / "__init__.py").write_text(MODELS.replace("FOLDER", repr(str(tmp_path))))
    zoo = genzoo.open_zoo()
    assert zoo.resolve(Request("here")).weights == zoo.weights("here").sha256 == card.sha256
    with pytest.raises(UsageError, match="there is no file"):
        zoo.open("gone")


SCHEME = """
from pathlib import Path
from genzoo_core import HubError, WeightsFile, hookimpl

@hookimpl
def genzoo_resolve_weights(reference, sha256):
    if reference.startswith("share://"):
        path = Path(FOLDER) / reference.removeprefix("share://")
        if not path.exists():
            raise HubError(f"the share has no {path.name}", "ask who shares it")
        return WeightsFile(path, reference + "@3")

@hookimpl
def genzoo_cached_weights(reference, sha256):
    path = Path(FOLDER) / "cached" / sha256
    return path if reference.startswith("share://") and path.is_file() else None
"""


@pytest.fixture
def share(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """A registry with a plugin that knows the scheme `share`, and has `far.safetensors`."""
    monkeypatch.delitem(sys.modules, "acme_scheme", raising=False)
    zoo = genzoo.open_zoo()
    built = zoo.build(ModelSpec("net"))
    zoo.save(tmp_path / "far.safetensors", built.spec, built.own_tensors(), CARD)
    hooks = 'hooks = ["genzoo_resolve_weights", "genzoo_cached_weights"]\n'
    folder = acme_plugin.install(site, "acme-scheme", acme_plugin.MANIFEST + hooks)
    (folder / "__init__.py").write_text(SCHEME.replace("FOLDER", repr(str(tmp_path))))
    return genzoo.open_zoo()


def test_a_plugins_scheme_stands_where_a_name_can(share: Zoo, tmp_path: Path) -> None:
    record = share.resolve(Request("share://far.safetensors"))
    assert record.model == "share://far.safetensors@3"
    assert share.weights("share://far.safetensors").sha256 == record.weights
    assert share.card("share://far.safetensors").name == "far"


def test_what_a_plugin_says_of_its_scheme_is_the_error(
    share: Zoo, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HubError, match=r"the share has no near\.safetensors; ask who shares it"):
        share.open("share://near.safetensors")
    assert capsys.readouterr().err == ""


def test_where_nothing_may_be_downloaded_only_the_cache_is_asked(
    share: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.chdir(tmp_path)
    sha256 = share.weights("share://far.safetensors").sha256
    assert cli("run", "share://far.safetensors", "-o", "a.png").code == 0
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 1
    assert "it is not on this machine" in done.err
    (tmp_path / "cached").mkdir()
    (tmp_path / "far.safetensors").rename(tmp_path / "cached" / sha256)
    done = cli("run", "--replay", "a.png", "-o", "b.png", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["record"]["weights"] == sha256
