"""Plugins are found through their entry points, and a faulty one harms nobody but itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from answers import answer, error_of, full_name, plugin, plugins
from shelf import Shelf, command, component, model

import genzoo
from genzoo.plugins.distributions import installed
from genzoo_core.errors import UsageError

METRIC = "metrics = [{name = 'Fréchet distance', value = nan, command = 'genzoo eval'}]"


def added(*options: str) -> list[dict[str, Any]]:
    """The plugins that genzoo itself did not bring."""
    return [entry for entry in plugins(*options) if not entry["builtin"]]


def test_a_plugin_is_found_with_all_it_brings_and_not_imported(shelf: Shelf) -> None:
    folder = shelf.add(
        "Acme_Zoo",
        model("small", shape=[1, 2, 2], size=12),
        component("net", "model", "acme.models:Net"),
        command("paint", "acme.commands:paint"),
        package="acme",
        version="2.1",
    )
    found = plugin("acme")
    assert (found["status"], found["distribution"], found["version"]) == ("ok", "acme-zoo", "2.1")
    assert found["folder"] == str(folder)
    assert not found["builtin"]
    provided = (found["models"], found["components"], found["commands"])
    assert provided == (["small"], ["model net"], ["paint"])
    zoo = genzoo.open_zoo()
    card = zoo.card("acme-zoo/small")
    assert (card.shape, card.size) == ((1, 2, 2), 12)
    [told] = zoo.plugins("Acme_Zoo")
    assert (told.name, told.folder, told.error) == ("acme", folder, "")
    assert told.manifest is not None
    assert [entry.target for entry in told.manifest.components] == ["acme.models:Net"]
    assert "acme" not in sys.modules
    assert not (folder / "imported").exists()


def test_genzoos_own_plugins_are_found(shelf: Shelf) -> None:
    found = plugins()
    assert {"autoencoder", "train", "vae"} <= {entry["name"] for entry in found if entry["builtin"]}
    assert all(entry["status"] == "ok" for entry in found)


def status(name: str) -> tuple[str, str]:
    found = plugin(name)
    return found["status"], " ".join(found["errors"])


def test_a_plugin_builds_on_another_that_is_sound(shelf: Shelf) -> None:
    shelf.add("base-zoo", model("below"), package="base")
    shelf.add("acme", model("above"), head='api = 2\nrequires = ["Base_Zoo/base"]')
    assert status("acme") == ("ok", "")


def test_a_plugin_is_broken_where_what_it_requires_is_not_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("base-zoo", package="base")
    shelf.add("acme", model("above"), head='api = 2\nrequires = ["base-zoo/base"]')
    shelf.add("over-acme", package="over", head='api = 2\nrequires = ["acme/acme"]')
    shelf.add("alone", head='api = 2\nrequires = ["nowhere/at-all"]')
    monkeypatch.setenv("GENZOO_DISABLE", "base-zoo")
    assert status("acme") == ("broken", "it requires base-zoo/base, which is disabled")
    assert status("over") == ("broken", "it requires acme/acme, which is broken")
    assert status("alone") == ("broken", "it requires nowhere/at-all, which is not installed")
    refused = shelf.genzoo("run", "above")
    assert refused.returncode == 1
    assert "belongs to plugin acme (acme 1.0), which is broken" in refused.stderr


def test_plugins_that_require_each_other_are_broken(shelf: Shelf) -> None:
    shelf.add("one", head='api = 2\nrequires = ["two/two"]')
    shelf.add("two", head='api = 2\nrequires = ["one/one"]')
    shelf.add("own", head='api = 2\nrequires = ["own/own"]')
    shelf.add("far", head='api = 2\nrequires = ["one/one"]')
    assert status("one")[0] == status("two")[0] == "broken"
    assert "require each other: " in status("one")[1]
    assert status("own") == ("broken", "plugins require each other: own/own → own/own")
    assert status("far") == ("broken", "it requires one/one, which is broken")


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ("api = ", "not TOML"),
        ("\0\ufffd", "not TOML"),
        ("summary = 'x'", "missing required field `api`"),
        ("api = 3", "API 3"),
        ("api = 3\nnew_field = 1", "API 3"),
        ("api = 1", "docs/api-2.md"),
        ("api = 1\nold_field = 1", "docs/api-2.md"),
        ("api = 0", "docs/api-2.md"),
        ("api = true", "api"),
        ("api = 'one'", "api"),
        ("api = 2\nmodles = []", "modles"),
        ("api = 2\nrequires = ['eval']", "$.requires[0]"),
        ("api = 2\n[[models]]\nname = 'x'\nfamily = 'vae'", "summary"),
        ("api = 2\n[[models]]\nname = 'x'\nfamily = 'vae'\nsummary = 3", "$.models[0].summary"),
        ("api = 2\n" + component("Net", "model", "a:B"), "$.components[0].name"),
        ("api = 2\n" + component("net", "modle", "a:B"), "modle"),
        ("api = 2\n" + component("net", "metric", "a:B"), "known: model, encoder, codec, noiser"),
        ("api = 2\n" + component("net", "model", "os.system"), "$.components[0].target"),
        ("api = 2\n" + component("net", "model", "a:B") * 2, "there twice"),
        ("api = 2\n" + model("x") * 2, "there twice"),
        ("api = 2\n" + model("X y"), "'X y'"),
        ("api = 2\n" + model("x", aliases=["../y"]), "'../y'"),
        ("api = 2\n" + model("x", kind="modle"), "did you mean model"),
        ("api = 2\n" + model("x", sha256="12ab"), "sha256"),
        ("api = 2\n" + model("x", size=-1), "out of range"),
        ("api = 2\n" + model("x", parameters=10**30), "parameters"),
        (
            "api = 2\n" + model("x") + "metrics = [{name = 'a', value = nan, command = 'c'}]",
            "figures.json",
        ),
        ("api = 2\nx = " + "[" * 5000 + "]" * 5000, "nested too deep"),
    ],
)
def test_hostile_27_a_malformed_manifest(shelf: Shelf, manifest: str, why: str) -> None:
    folder = shelf.add("bad-one", head=manifest)
    shelf.add("good-one", model("fine"))
    assert why in error_of("bad_one")
    assert plugin("bad_one")["removal"] == "genzoo uninstall bad-one"
    assert full_name("fine") == "good-one/fine"
    assert not (folder / "imported").exists()


def test_hostile_27_a_manifest_that_is_not_there_or_not_text(shelf: Shelf) -> None:
    (shelf.add("lacks-it") / "genzoo.toml").unlink()
    (shelf.add("binary-one") / "genzoo.toml").write_bytes(b"\xff\xfe\x00")
    folder = shelf.add("folder-one")
    (folder / "genzoo.toml").unlink()
    (folder / "genzoo.toml").mkdir()
    assert "no manifest" in error_of("lacks_it")
    assert "not TOML" in error_of("binary_one")
    assert "cannot be read" in error_of("folder_one")


@pytest.mark.parametrize("field", ["weights", "recipe"])
@pytest.mark.parametrize(
    "path", ["../x.safetensors", "/etc/passwd", "a/../../x", "..\\x", "C:/x", "link/x", "file"]
)
def test_hostile_14_a_path_that_leaves_the_package(shelf: Shelf, field: str, path: str) -> None:
    folder = shelf.add("bad-one", model("x", **{field: path}))
    (folder / "link").symlink_to(shelf.site)
    (folder / "file").symlink_to("/etc/passwd")
    assert path in error_of("bad_one").replace("\\\\", "\\")


def test_a_path_may_lead_through_a_link_that_stays_in_the_package(shelf: Shelf) -> None:
    folder = shelf.add("good-one", model("x", weights="link/x"))
    (folder / "real").mkdir()
    (folder / "link").symlink_to(folder / "real")
    assert plugin("good_one")["status"] == "ok"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("not_there", "is not there"),
        ("spaced", "namespace package"),
        ("alone", "single module"),
        ("json.decoder", "top-level package"),
        ("json:loads", "top-level package"),
        ("not a name", "top-level package"),
        ("json", "no manifest"),
    ],
)
def test_an_entry_point_that_names_no_package_with_a_manifest(
    shelf: Shelf, value: str, why: str
) -> None:
    (shelf.site / "spaced").mkdir()
    (shelf.site / "alone.py").touch()
    shelf.add("bad-one", entry_points=f"[genzoo]\nbad = {value}\n")
    assert why in error_of("bad")


def test_a_malformed_list_of_entry_points_breaks_its_distribution_alone(shelf: Shelf) -> None:
    shelf.add("bad-one", entry_points="[genzoo]\nno equals sign\n")
    shelf.add("good-one", model("fine"))
    assert [(entry["distribution"], entry["status"]) for entry in added()] == [
        ("bad-one", "broken"),
        ("good-one", "ok"),
    ]


def test_a_distribution_with_unreadable_metadata_breaks_itself_alone(shelf: Shelf) -> None:
    shelf.add("bad-one")
    (shelf.site / "bad_one-1.0.dist-info" / "METADATA").write_bytes(b"\xff")
    shelf.add("good-one", model("fine"))
    shelf.add("lacks-it", package="lacking")
    (shelf.site / "lacks_it-1.0.dist-info" / "METADATA").unlink()
    found = {entry["distribution"]: entry for entry in added()}
    assert found["bad-one"]["status"] == "broken"
    assert "bad_one-1.0.dist-info" in found["bad-one"]["errors"][0]
    assert found["good-one"]["status"] == "ok"
    assert found["lacks-it"]["version"] == "1.0"


def test_a_folder_of_metadata_whose_name_has_a_line_break_is_told_in_one_line(
    shelf: Shelf,
) -> None:
    shelf.add("bad-one")
    folder = shelf.site / "bad_one-1.0.dist-info"
    (folder / "METADATA").write_bytes(b"\xff")
    folder.rename(shelf.site / "bad_one-a\nb.dist-info")
    (found,) = added()
    assert "bad_one-a b.dist-info cannot be read" in found["errors"][0]


def test_an_unknown_hook_in_a_manifest_is_named_with_the_likely_one(shelf: Shelf) -> None:
    shelf.add("bad-one", head='api = 2\nhooks = ["genzoo_after_rnu"]')
    assert "did you mean genzoo_after_run" in error_of("bad_one")


def test_of_a_distribution_installed_twice_the_first_on_the_path_counts(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("acme", model("old"), version="1.0")
    first = Shelf(tmp_path / "first", shelf.cache)
    first.site.mkdir()
    first.add("acme", model("new"), version="2.0")
    monkeypatch.syspath_prepend(str(first.site))
    assert plugin("acme")["version"] == "2.0"
    assert [entry["name"] for entry in answer("list", "acme/")] == ["new"]


def test_of_what_an_upgrade_left_beside_it_the_newest_counts(shelf: Shelf) -> None:
    shelf.add("acme", model("one"), command("paint", "acme:paint"), version="0.10")
    for version in ("0.9", "0.2", "0.10.dev1", "no-version"):
        old = shelf.site / f"acme-{version}.dist-info"
        old.mkdir()
        (old / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n")
        (old / "entry_points.txt").write_text("[genzoo]\nacme = acme\ngone = gone\n")
    [found] = added()
    assert (found["name"], found["version"], found["status"]) == ("acme", "0.10", "ok")
    done = shelf.genzoo("doctor")
    old = shelf.site / "acme-0.9.dist-info"
    assert f"acme is there twice: {shelf.site / 'acme-0.10.dist-info'} counts, " in done.stdout
    assert f"{old} does not; `rm -r {old}`\n" in done.stdout


def test_what_is_half_removed_does_not_count_beside_what_is_whole(shelf: Shelf) -> None:
    shelf.add("acme", model("one"), version="1.0")
    whole = shelf.site / "acme-1.0.dist-info"
    for name in ("~acme-1.0", "~cme-3.0", "~-me-0.5", "acme-2.0", "acme-2.1", "acme-2.2"):
        shutil.copytree(whole, shelf.site / f"{name}.dist-info")
    (shelf.site / "acme-2.0.dist-info" / "METADATA").unlink()
    (shelf.site / "acme-2.1.dist-info" / "METADATA").write_text("")
    (shelf.site / "acme-2.2.dist-info" / "METADATA").write_bytes(b"\xff")
    (shelf.site / "acme-2.3.dist-info").mkdir()
    egg = shelf.site / "acme.egg-info"
    shutil.copytree(whole, egg)
    (egg / "METADATA").rename(egg / "PKG-INFO")
    [found] = added()
    assert (found["name"], found["version"], found["status"]) == ("acme", "1.0", "ok")


@pytest.mark.parametrize("beside", [True, False])
def test_genzoo_works_beside_the_leftovers_of_another_version(
    shelf: Shelf, beside: bool, tmp_path: Path
) -> None:
    own = installed("genzoo").folder
    text = (own / "METADATA").read_text(encoding="utf-8")
    for version in ("0.0.9", "99.1"):
        copy = shelf.site / f"genzoo-{version}.dist-info"
        shutil.copytree(own, copy)
        (copy / "METADATA").write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", text))
    if not beside:
        shutil.rmtree(shelf.site / "genzoo-0.0.9.dist-info")
    names = [entry["full_name"] for entry in shelf.json("list")]
    assert len(set(names)) == len(names) > 10
    assert {entry["version"] for entry in shelf.json("plugins")["plugins"]} == {"99.1"}
    assert shelf.genzoo("--version").stdout == "genzoo, version 99.1\n"
    assert shelf.json("info", "vae-mnist")["name"] == "genzoo/vae-mnist"
    assert shelf.genzoo("train", "--help").returncode == 0


def test_a_folder_that_is_on_the_path_twice_is_looked_into_once(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("acme", model("one"))
    (tmp_path / "link").symlink_to(shelf.site)
    for folder in (shelf.site, tmp_path / "link"):
        monkeypatch.syspath_prepend(str(folder))
    assert len(added()) == 1


def test_an_editable_install_is_found(shelf: Shelf, tmp_path: Path) -> None:
    folder = shelf.add("acme", model("edited"))
    source = tmp_path / "source"
    source.mkdir()
    folder.rename(source / "acme")
    (shelf.site / "acme.pth").write_text(f"{source}\n")
    code = (
        f"import site; site.addsitedir({str(shelf.site)!r}); "
        "from genzoo.cli import main; main(['info', 'edited'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("acme/edited\n")


class TestSelection:
    """`--no-plugins`, `GENZOO_PLUGINS`, `GENZOO_DISABLE`."""

    @pytest.fixture(autouse=True)
    def _two(self, shelf: Shelf) -> None:
        shelf.add("acme-zoo", model("a"), package="acme_a")
        shelf.add("other-zoo", head="this is no manifest", package="other_b")

    def statuses(self, *options: str) -> dict[str, str]:
        return {entry["name"]: entry["status"] for entry in added(*options)}

    def test_no_plugins_keeps_genzoos_own(self) -> None:
        assert self.statuses("--no-plugins") == {"acme_a": "disabled", "other_b": "disabled"}
        assert plugin("vae", "--no-plugins")["status"] == "ok"
        assert "a" not in [card.name for card in genzoo.open_zoo(no_plugins=True).cards()]

    @pytest.mark.parametrize("name", ["acme-zoo", "Acme_Zoo", "acme_a"])
    def test_an_allow_list(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENZOO_PLUGINS", f" {name} ,")
        assert self.statuses() == {"acme_a": "ok", "other_b": "disabled"}
        assert plugin("vae")["status"] == "ok"

    def test_an_empty_allow_list_allows_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENZOO_PLUGINS", "")
        assert set(self.statuses().values()) == {"disabled"}

    def test_a_disabled_plugin_is_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENZOO_DISABLE", "other-zoo")
        assert self.statuses() == {"acme_a": "ok", "other_b": "disabled"}
        assert plugin("other_b")["errors"] == []

    def test_genzoos_own_can_be_disabled_by_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENZOO_DISABLE", "vae,acme_a")
        assert plugin("vae")["status"] == "disabled"
        assert plugin("train")["status"] == "ok"

    @pytest.mark.parametrize("variable", ["GENZOO_PLUGINS", "GENZOO_DISABLE"])
    def test_a_typo_is_an_error(self, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(variable, "acme-zoom")
        with pytest.raises(UsageError, match=f"{variable} names 'acme-zoom'.*mean acme-zoo"):
            genzoo.open_zoo()


def test_what_a_plugin_is_found_by_runs_none_of_it(shelf: Shelf) -> None:
    shelf.add("acme", model("a"), files={"__init__.py": "raise SystemExit('I ran')"})
    done = shelf.genzoo("list", "a*", GENZOO_CACHE=os.devnull)
    assert done.returncode == 0
    assert "I ran" not in done.stdout + done.stderr
