"""Where weights come from."""

from __future__ import annotations

import sys
from pathlib import Path

import acme_plugin
import msgspec
import pytest

from genzoo.catalogue import Catalogue
from genzoo.models.sources import is_path
from genzoo.zoo import RegistryZoo
from genzoo_core import HubError, IntegrityError, ModelCard, ModelSpec, PluginError, UsageError

CARD = ModelCard(name="far", family="acme", summary="Far.", weights="share://far.safetensors")

HOOK = """
from pathlib import Path
from genzoo_core import hookimpl

@hookimpl
def genzoo_resolve_weights(reference, sha256):
    if reference.startswith("share://"):
        return Path(FOLDER) / reference.removeprefix("share://")
"""


def install_far(site: Path, card: ModelCard) -> RegistryZoo:
    """A registry with a model that has this card."""
    acme_plugin.install(site, "acme-far", acme_plugin.manifest_of([card]))
    return RegistryZoo(Catalogue.open())


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("vae-mnist", False),
        ("genzoo/vae-mnist", False),
        ("mine.safetensors", True),
        ("runs/mine.safetensors", True),
        ("./vae-mnist", True),
        ("../a/b", True),
        ("/tmp/a", True),
        ("~/a", True),
        ("a/b/c", True),
        ("a\\b", True),
        ("share://a/b/c.safetensors", False),
    ],
)
def test_names_and_paths_are_told_apart(reference: str, expected: bool) -> None:
    assert is_path(reference) is expected


def test_a_scheme_that_no_plugin_knows(site: Path) -> None:
    card = msgspec.structs.replace(CARD, weights="nowhere://someone/far", sha256="0" * 64)
    with pytest.raises(HubError, match="no plugin can fetch 'nowhere://someone/far'") as caught:
        install_far(site, card).load("far")
    assert "genzoo_resolve_weights" in str(caught.value)


@pytest.mark.parametrize("honest", [True, False])
def test_a_hook_brings_the_file_and_the_digest_is_checked(
    site: Path, tmp_path: Path, honest: bool
) -> None:
    zoo = RegistryZoo(Catalogue.open())
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
        assert zoo.open("far").sha256 == card.sha256
    else:
        with pytest.raises(IntegrityError, match="its card says 000000000000…"):
            zoo.load("far")


def test_a_file_that_the_package_lacks(site: Path) -> None:
    card = msgspec.structs.replace(CARD, weights="weights/far.safetensors", sha256="0" * 64)
    with pytest.raises(PluginError, match="weights/far"):
        install_far(site, card).load("far")


def test_a_model_without_weights(site: Path) -> None:
    with pytest.raises(UsageError, match="acme-far/far has no weights"):
        install_far(site, msgspec.structs.replace(CARD, weights="")).load("far")


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
    zoo = RegistryZoo(Catalogue.open())
    built = zoo.build(ModelSpec("net"))
    card = zoo.save(tmp_path / "far.safetensors", built.spec, built.own_tensors(), CARD)
    manifest = acme_plugin.MANIFEST + 'hooks = ["genzoo_models"]\n'
    folder = acme_plugin.install(site, "acme-dynamic", manifest)
    (folder / "__init__.py").write_text(MODELS.replace("FOLDER", repr(str(tmp_path))))
    zoo = RegistryZoo(Catalogue.open())
    assert zoo.open("here").sha256 == card.sha256
    with pytest.raises(UsageError, match="there is no file"):
        zoo.load("gone")


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
def share(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RegistryZoo:
    """A registry with a plugin that knows the scheme `share`, and has `far.safetensors`."""
    monkeypatch.delitem(sys.modules, "acme_scheme", raising=False)
    zoo = RegistryZoo(Catalogue.open())
    built = zoo.build(ModelSpec("net"))
    zoo.save(tmp_path / "far.safetensors", built.spec, built.own_tensors(), CARD)
    hooks = 'hooks = ["genzoo_resolve_weights", "genzoo_cached_weights"]\n'
    folder = acme_plugin.install(site, "acme-scheme", acme_plugin.MANIFEST + hooks)
    (folder / "__init__.py").write_text(SCHEME.replace("FOLDER", repr(str(tmp_path))))
    return RegistryZoo(Catalogue.open())


def test_a_plugins_scheme_stands_where_a_name_can(share: RegistryZoo, tmp_path: Path) -> None:
    loaded = share.open("share://far.safetensors")
    assert loaded.name == "share://far.safetensors@3"
    assert share.weights("share://far.safetensors").sha256 == loaded.sha256
    assert share.card("share://far.safetensors").name == "far"


def test_what_a_plugin_says_of_its_scheme_is_the_error(
    share: RegistryZoo, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(HubError, match=r"the share has no near\.safetensors; ask who shares it"):
        share.open("share://near.safetensors")
    assert capsys.readouterr().err == ""


def test_where_nothing_may_be_downloaded_only_the_cache_is_asked(
    share: RegistryZoo, tmp_path: Path
) -> None:
    from genzoo.models.sources import resolve_reference

    sha256 = share.weights("share://far.safetensors").sha256
    asked = {"sha256": sha256, "download": False}
    with pytest.raises(HubError, match="it is not on this machine"):
        resolve_reference("share://far.safetensors", share.call_hook, **asked)
    (tmp_path / "cached").mkdir()
    (tmp_path / "far.safetensors").rename(tmp_path / "cached" / sha256)
    found = resolve_reference("share://far.safetensors", share.call_hook, **asked)
    assert share.open(found, download=False).sha256 == sha256
