"""What is kept of a listing says what a fresh search would, and is never needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from answers import answer, plugins, reads_manifests
from shelf import GENZOO, Shelf, command, component, model

import genzoo


@pytest.fixture
def shop(shelf: Shelf) -> Shelf:
    """A shelf with two plugins that were installed a while ago."""
    shelf.add(
        "acme",
        model("one", aliases=["uno"], shape=[3, 4, 5], conditioners=["label"], notes="Täglich 🌷"),
        model("two"),
        component("net", "model", "acme:Net"),
        command("paint", "acme:paint"),
    )
    shelf.add("other", head="this is no manifest")
    shelf.settle()
    return shelf


def kept(shelf: Shelf) -> list[Path]:
    """The files in the cache."""
    return sorted(path for path in shelf.cache.rglob("*") if path.is_file())


def said() -> tuple[Any, ...]:
    """All that genzoo says of what is installed."""
    return plugins(), answer("list"), genzoo.open_zoo().cards()


def names(shelf: Shelf) -> list[str]:
    """The names that `genzoo list` shows of what is on the shelf."""
    entries = shelf.json("list")
    return [e["name"] for e in entries if not e["full_name"].startswith("genzoo/")]


def test_what_is_kept_says_what_a_fresh_search_does(
    shop: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GENZOO_CACHE", os.devnull)
        fresh = said()
    genzoo.list_models()
    assert len(kept(shop)) == 1
    assert said() == fresh
    assert genzoo.card("uno").notes == "Täglich 🌷"


def test_a_second_listing_reads_no_manifest_again(shop: Shelf) -> None:
    assert reads_manifests(genzoo.list_models)
    assert not reads_manifests(genzoo.list_models)


def test_a_search_starts_only_where_something_changed(shop: Shelf) -> None:
    assert "importlib.metadata" in shop.modules("list")
    assert "importlib.metadata" not in shop.modules("list")


def test_an_edited_manifest_is_read_again(shop: Shelf) -> None:
    assert names(shop) == ["one", "two"]
    (shop.site / "acme" / "genzoo.toml").write_text("api = 2\n" + model("three"))
    assert names(shop) == ["three"]


def test_a_repaired_manifest_is_read_again(shop: Shelf) -> None:
    assert names(shop) == ["one", "two"]
    (shop.site / "other" / "genzoo.toml").write_text("api = 2\n" + model("repaired"))
    assert names(shop) == ["one", "repaired", "two"]


def test_a_manifest_that_appears_is_read(shop: Shelf) -> None:
    text = (shop.site / "acme" / "genzoo.toml").read_text()
    (shop.site / "acme" / "genzoo.toml").unlink()
    shop.settle()
    assert names(shop) == []
    (shop.site / "acme" / "genzoo.toml").write_text(text)
    assert names(shop) == ["one", "two"]


def test_a_package_that_becomes_one_is_found(shop: Shelf) -> None:
    (shop.site / "acme" / "__init__.py").unlink()
    shop.settle()
    assert names(shop) == []
    (shop.site / "acme" / "__init__.py").touch()
    assert names(shop) == ["one", "two"]


def test_installing_and_removing_a_plugin_is_noticed(shop: Shelf) -> None:
    assert names(shop) == ["one", "two"]
    folder = shop.add("third", model("zebra"))
    assert names(shop) == ["one", "two", "zebra"]
    shop.settle()
    assert names(shop) == ["one", "two", "zebra"]
    folder.with_name("third-1.0.dist-info").rename(shop.cache / "gone")
    assert names(shop) == ["one", "two"]


def test_changed_entry_points_are_noticed(shop: Shelf) -> None:
    assert names(shop) == ["one", "two"]
    (shop.site / "acme-1.0.dist-info" / "entry_points.txt").write_text("[genzoo]\n")
    assert names(shop) == []


def test_what_changed_during_a_search_is_read_again(shop: Shelf) -> None:
    manifest = shop.site / "acme" / "genzoo.toml"
    manifest.write_text("api = 2\n" + model("three"))
    shop.settle()
    changing, times = True, 0

    def touch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal times
        if changing and event == "open" and str(arguments[0]) == str(manifest):
            times += 1
            os.utime(manifest)

    sys.addaudithook(touch)  # it stays for good, hence the switch
    assert "three" in genzoo.list_models()
    changing = False
    assert times > 0
    then = manifest.stat().st_mtime_ns
    manifest.write_text("api = 2\n" + model("seven"))  # as long, and as old
    os.utime(manifest, ns=(then, then))
    assert "seven" in genzoo.list_models()


def test_each_selection_is_kept_on_its_own(shop: Shelf) -> None:
    for _ in range(2):
        assert names(shop) == ["one", "two"]
        assert shop.genzoo("--no-plugins", "list", "two").returncode == 1
        assert shop.genzoo("list", "two", GENZOO_DISABLE="acme").returncode == 1
        assert shop.genzoo("list", "two", GENZOO_PLUGINS="other").returncode == 1
    for modules in (
        shop.modules("list"),
        shop.modules("--no-plugins", "list", "two"),
        shop.modules("list", "two", GENZOO_DISABLE="acme"),
        shop.modules("list", "two", GENZOO_PLUGINS="other"),
    ):
        assert "importlib.metadata" not in modules


def test_a_typo_in_a_selection_is_an_error_each_time(shop: Shelf) -> None:
    for _ in range(2):
        done = shop.genzoo("list", GENZOO_DISABLE="acmee")
        assert done.returncode == 2
        assert "did you mean acme" in done.stderr


def test_a_damaged_file_is_made_again(shop: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")  # a small file: each part can have its turn
    expected = said()
    [file] = kept(shop)
    whole = file.read_bytes()
    damaged = [whole[:end] for end in range(0, len(whole), 41)]
    damaged += [whole[:i] + b"\x07" + whole[i + 1 :] for i in range(0, len(whole), 23)]
    damaged += [b"{}\n", b"null\nnull", b"[]\n\n\n", b'{"key": 1}', b"\xff" * 100]
    for content in damaged:
        file.write_bytes(content)
        assert said() == expected
        assert not reads_manifests(genzoo.list_models)


def test_a_cache_that_cannot_be_written_to_is_not_needed(shop: Shelf) -> None:
    shop.cache.write_text("a file where the folder would be")
    assert names(shop) == ["one", "two"]
    assert shop.cache.read_text() == "a file where the folder would be"


def test_without_a_home_there_is_no_cache_and_no_need_of_one(shop: Shelf, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(GENZOO), "list", "one"],
        env={"PYTHONPATH": str(shop.site), "HOME": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "one" in done.stdout
    assert not list(tmp_path.glob("~*"))


def test_the_cache_is_where_the_platform_has_it(
    shop: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = genzoo.open_zoo()
    monkeypatch.delenv("GENZOO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert zoo.cache("pictures") == tmp_path / "xdg" / "genzoo" / "pictures"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert zoo.cache("pictures") == tmp_path / ".cache" / "genzoo" / "pictures"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert zoo.cache("pictures") == tmp_path / "Library" / "Caches" / "genzoo" / "pictures"
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "mine"))
    assert zoo.cache("pictures") == tmp_path / "mine" / "pictures"


def test_many_processes_at_once_make_one_whole_file(shop: Shelf) -> None:
    command = [str(GENZOO), "list", "one", "--json"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(6)]
    outputs = {process.communicate()[0] for process in several}
    assert len(outputs) == 1
    assert len(kept(shop)) == 1
    assert "importlib.metadata" not in shop.modules("list")


def test_at_most_twenty_files_stay(
    shop: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        folder = tmp_path / f"path-{number}"
        folder.mkdir()
        os.utime(folder, (0, 0))
        monkeypatch.syspath_prepend(str(folder))
        assert "one" in genzoo.list_models()
    assert 1 <= len(kept(shop)) <= 20
    assert not reads_manifests(genzoo.list_models)
