"""Rows 14 and 27 further: what a plugin's files are, and what its metadata says."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers import answer, error_of, full_name, plugin
from hypothesis import given
from hypothesis import strategies as st
from mutations import BYTE_EDITS, changed_bytes, fuzzed
from shelf import Shelf, command, component, model

import genzoo
from genzoo.cli import main
from genzoo_core.errors import ConfigError, GenzooError, UsageError

STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
"""What a terminal obeys, without the end of a line."""

LARGEST_OUTPUT = 100_000
"""Characters that a listing of a few plugins has at most."""

SOUND = [
    model("one", weights="w.safetensors", recipe="r.toml", sha256="0" * 64),
    command("do", "mutant_one.commands:do"),
    component("net", "model", "mutant_one.models:Net"),
]
FILES = {"w.safetensors": "x", "r.toml": "x = 1"}


def remove(path: Path) -> None:
    """Remove a file, a link, a pipe or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def link(target: str) -> Callable[[Path], None]:
    """What puts a link in a file's place."""
    return lambda path: path.symlink_to(target)


@contextlib.contextmanager
def captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """What is written to stdout and stderr meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield out, err


INSTEAD: dict[str, Callable[[Path], object]] = {
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
    "a device": link("/dev/zero"),
    "a folder": Path.mkdir,
    "a file": Path.touch,
    "a link to a folder": link("."),
    "a link to nowhere": link("/nowhere/at/all"),
    "nothing": lambda path: None,
}
"""What may be in the place of a file or a folder."""


@pytest.mark.parametrize(
    ("file", "instead", "why"),
    [
        ("genzoo.toml", "a link to itself", "symbolic links"),
        ("genzoo.toml", "a link to nowhere", "no manifest"),
        ("w.safetensors", "a link to itself", "symbolic links"),
        ("r.toml", "a link to itself", "symbolic links"),
        ("w.safetensors", "a device", "leaves the plugin's package"),
        ("r.toml", "a link to nowhere", "leaves the plugin's package"),
        ("__init__.py", "a pipe", "no __init__.py"),
        (".", "a link to itself", "is not there"),
        (".", "a file", "is not there"),
        ("../mutant_one-1.0.dist-info/METADATA", "a pipe", "not a file"),
        ("../mutant_one-1.0.dist-info/METADATA", "a device", "not a file"),
        ("../mutant_one-1.0.dist-info/METADATA", "a link to itself", "symbolic links"),
        ("../mutant_one-1.0.dist-info/entry_points.txt", "a pipe", "not a file"),
        ("../mutant_one-1.0.dist-info/entry_points.txt", "a device", "not a file"),
        ("../mutant_one-1.0.dist-info/entry_points.txt", "a link to itself", "symbolic links"),
    ],
)
def test_hostile_27_a_file_that_is_none_breaks_its_plugin_alone(
    shelf: Shelf, file: str, instead: str, why: str
) -> None:
    path = Path(os.path.normpath(shelf.add("mutant-one", *SOUND, files=FILES) / file))
    shelf.add("sound-one", model("fine"))
    remove(path)
    INSTEAD[instead](path)
    assert why in error_of("mutant_one")
    assert plugin("mutant_one")["removal"] == "genzoo uninstall mutant-one"
    assert full_name("fine") == "sound-one/fine"


@pytest.mark.parametrize("instead", ["a pipe", "a folder", "nothing"])
def test_weights_that_are_no_file_are_named_when_they_are_used(shelf: Shelf, instead: str) -> None:
    path = shelf.add("mutant-one", *SOUND, files=FILES) / "w.safetensors"
    remove(path)
    INSTEAD[instead](path)
    with pytest.raises(GenzooError, match="lacks its file"):
        genzoo.load("one")


@pytest.mark.parametrize("instead", ["a pipe", "a device", "a link to itself", "a folder"])
def test_hostile_39_a_recipe_that_is_no_file(tmp_path: Path, instead: str) -> None:
    path = tmp_path / "recipe.toml"
    INSTEAD[instead](path)
    with pytest.raises((ConfigError, UsageError), match="recipe"):
        genzoo.open_zoo().recipe(str(path))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = '" + "x" * 2**20 + "'", "more than 1,048,576 bytes"),
        (f"{'a.' * 99}b = 1\n" * 2000, "more than 16 parts"),
        ("x" * 900_000 + " = 1", "unknown field `xxx"),
        ("x = " + "[" * 100_000, "not TOML"),
    ],
)
def test_a_recipe_that_is_made_to_hurt(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=why) as caught:
        genzoo.open_zoo().recipe(str(path))
    assert len(str(caught.value)) < 1000


def test_dots_in_text_are_no_parts_of_a_key(shelf: Shelf) -> None:
    dots = "." * 100
    names = f"credits = ['a.b', '{dots}']"
    notes = f"notes = '''{dots}\n# {dots} \" '''\n# {dots}\n"
    shelf.add("acme", model("x", summary=f'{dots} \\" {dots}') + notes + names)
    assert genzoo.card("x").notes.startswith(dots)


def rename(shelf: Shelf, distribution: str, folder: str = "mutant_one") -> None:
    """Let the metadata of `mutant-one` say another name, in a folder of another name."""
    info = shelf.site / "mutant_one-1.0.dist-info"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    info.rename(info.with_name(f"{folder}-1.0.dist-info"))


@pytest.mark.parametrize(
    "name", ["genzoo", "x; touch pwned", "a b", "-r", "\x1b[31mred", "x" * 5000, "évil"]
)
def test_a_distribution_has_the_name_of_its_folder(shelf: Shelf, name: str) -> None:
    shelf.add("mutant-one", *SOUND, files=FILES)
    shelf.add("sound-one", model("fine"))
    rename(shelf, name)
    error = error_of("mutant_one")
    assert "it says that its name is" in error
    assert len(error) < 1000
    found = plugin("mutant_one")
    assert (found["removal"], found["builtin"]) == ("genzoo uninstall mutant-one", False)
    assert full_name("fine") == "sound-one/fine"


@pytest.mark.parametrize("name", ["x;touch pwned", "$(touch pwned)", "\x1b[31mtouch", "touché"])
def test_hostile_27_a_malformed_name_is_never_a_command_to_type(shelf: Shelf, name: str) -> None:
    shelf.add("mutant-one", *SOUND, files=FILES)
    shelf.add("sound-one", model("fine"))
    rename(shelf, name, folder=name)
    [found] = [p for p in answer("plugins")["plugins"] if "touch" in p["distribution"]]
    assert (found["status"], found["removal"]) == ("broken", None)
    assert "is malformed" in found["errors"][0]
    for words in (["list"], ["plugins"], ["info", "one"], ["uninstall", name, "--dry-run"]):
        with captured() as (out, err):
            main(words)
        text = out.getvalue() + err.getvalue()
        assert not STEERING.search(text)
        assert not re.search(r"(uninstall|install) (?!'[^'\n]*')[^`\n]*touch", text)
    typed = {"COMP_WORDS": "genzoo uninstall ", "COMP_CWORD": "2"}
    completed = shelf.genzoo(_GENZOO_COMPLETE="bash_complete", **typed).stdout
    assert completed == "plain,sound-one\n"


@pytest.mark.parametrize(
    ("entry_points", "why"),
    [
        ("x" * 5000 + " = mutant_one", "name 'xxx"),
        ("\x1b[31mred = mutant_one", r"name '\x1b[31mred' is malformed"),
        ("a = " + "x" * 100_000, "package xxx"),
        ("a = \x1b[31m", "top-level package, not '\\x1b[31m'"),
        ("".join(f"e{i} = mutant_one\n" for i in range(5000)), "names 5000 plugins; at most 100"),
    ],
)
def test_hostile_27_entry_points_that_are_made_to_hurt(
    shelf: Shelf, entry_points: str, why: str
) -> None:
    shelf.add("mutant-one", *SOUND, files=FILES, entry_points=f"[genzoo]\n{entry_points}\n")
    shelf.add("sound-one", model("fine"))
    [found] = [p for p in genzoo.open_zoo().plugins() if p.distribution == "mutant-one"]
    assert why in found.error
    assert len(found.error) < 1000
    assert len(str(found)) < 300
    assert full_name("fine") == "sound-one/fine"


def test_a_folder_whose_name_is_no_utf_8_is_searched(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("mutant-one", *SOUND, files=FILES)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    shelf.site.rename(odd)
    monkeypatch.syspath_prepend(odd)
    assert full_name("one") == "mutant-one/one"
    assert plugin("mutant_one")["status"] == "ok"


@pytest.fixture
def rabble(shelf: Shelf) -> Shelf:
    """A sound plugin among many with something else in a file's place, or far too much in it."""
    for number, (instead, make) in enumerate(INSTEAD.items()):
        for where, file in enumerate(("genzoo.toml", *FILES, "__init__.py", "../{}/METADATA")):
            name = f"rabble-{number}-{where}"
            folder = shelf.add(name, model(name, weights="w.safetensors", recipe="r.toml"))
            path = folder / file.format(f"{name.replace('-', '_')}-1.0.dist-info")
            remove(path)
            make(path)
            assert instead == "nothing" or path.exists() or path.is_symlink()
    texts = {"summary": "é" * 10**5, "family": "x" * 900_000, "notes": "x" * 900_000}
    for field, text in texts.items():
        shelf.add(f"rabble-{field}", model(f"of-{field}", **{field: text}))
    widest = {"summary": "é" * 1000, "family": "界" * 100, "conditioners": ["x" * 100] * 100}
    shelf.add("rabble-wide", model("wide", **widest))
    shelf.add("rabble-many", *(model(f"many-{i}") for i in range(1000)))
    shelf.add("sound-one", model("fine"))
    return shelf


def test_hostile_27_among_all_of_these_the_others_are_listed_and_run(
    rabble: Shelf, tmp_path: Path
) -> None:
    picture = tmp_path / "x.png"
    for words, shown in {
        ("list",): "fine",
        ("plugins",): "sound-one",
        ("--help",): "Generate pictures.",
        ("info", "fine"): "sound-one/fine",
        ("run", "vae-mlp-mnist", "-o", str(picture)): str(picture),
    }.items():
        done = rabble.genzoo(*words)
        assert done.returncode == 0, done.stderr
        assert shown in done.stdout
        assert len(done.stdout) < 10**6
        assert max(map(len, done.stderr.splitlines()), default=0) < 1000
    assert picture.exists()


PLACES = ("genzoo.toml", *FILES, "__init__.py", "METADATA", "entry_points.txt", "RECORD", ".", "..")
"""The files of a plugin and of its metadata, its package and the folder of its metadata."""


def test_whatever_becomes_of_a_plugins_files_the_others_are_listed(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo")  # a search is fast without these
    shelf.add("sound-one", model("fine"))

    @fuzzed(80)
    @given(st.sampled_from(PLACES), st.sampled_from(["other bytes", *INSTEAD]), BYTE_EDITS)
    def listed(place: str, instead: str, edits: list[tuple[str, int, bytes]]) -> None:
        info = shelf.site / "mutant_one-1.0.dist-info"
        remove(info)
        remove(shelf.site / "mutant_one")
        folder = shelf.add("mutant-one", *SOUND, files=FILES)
        (info / "RECORD").touch()
        path = {".": folder, "..": info}.get(place, folder / place)
        path = path if path.exists() else info / place
        if instead != "other bytes":
            remove(path)
            INSTEAD[instead](path)
        elif path.is_file():
            path.write_bytes(changed_bytes(path.read_bytes(), edits))
        for words in (["list"], ["plugins"], ["info", "fine"], ["--help"]):
            with captured() as (out, err):
                assert main(words) == 0, err.getvalue()
            text = out.getvalue() + err.getvalue()
            assert not STEERING.search(text), ascii(text)
            assert len(text) < LARGEST_OUTPUT
            if words == ["list"]:
                assert "fine" in text
        with captured() as (out, err):
            code = main(["run", "one", "-o", str(shelf.site / "x.png")])
        assert code in (1, 2)
        assert "unexpected failure" not in err.getvalue()
        assert len(err.getvalue()) < 2000

    listed()
