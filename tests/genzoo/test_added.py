"""`genzoo add` and `genzoo rm`: models of one's own, in one's own list."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from painting import GENZOO, MODELS, Cli, assert_refused, write_model
from shelf import Shelf, model

import genzoo


@pytest.fixture
def folder(painter: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the list lies."""
    folder = painter.parent / "models"
    monkeypatch.setenv("GENZOO_MODELS", str(folder))
    return folder


@pytest.fixture
def trained(painter: Path, folder: Path) -> Path:
    """A model file, as a training leaves it."""
    path = painter / "runs" / "x" / "model.safetensors"
    path.parent.mkdir(parents=True)
    write_model(path, MODELS["plain"])
    return path


def names(cli: Cli) -> list[str]:
    """The models that are listed, but for those of genzoo."""
    entries = json.loads(cli("list", "--json").out)
    return [e["name"] for e in entries if not e["full_name"].startswith("genzoo/")]


def completed(word: str, command: str = "run") -> list[str]:
    """What a shell offers for a word after a command."""
    typed = {"COMP_WORDS": f"genzoo {command} {word}", "COMP_CWORD": "2"}
    given = {**os.environ, **typed, "_GENZOO_COMPLETE": "bash_complete"}
    done = subprocess.run(GENZOO, env=given, capture_output=True, text=True, check=False)
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_what_was_added_is_known_by_its_name(
    trained: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("add", "runs/x/model.safetensors", "--name", "mine")
    assert done == (0, f"mine  {trained}\n", "")
    assert names(cli) == ["coded", "colour", "mine", "plain"]
    assert "mine" in cli("list", "min*").out
    assert "mine" in genzoo.list_models()
    assert completed("mi") == ["mine"]
    assert completed("", "rm") == ["mine"]
    assert str(trained) in cli("info", "mine").out
    shown = json.loads(cli("info", "mine", "--json").out)
    assert (shown["name"], shown["plugin"], shown["problems"]) == ("mine", None, [])

    monkeypatch.chdir("/")
    assert genzoo.load("mine").sample_shape == (1, 8, 8)
    assert genzoo.card("mine").weights == str(trained)
    assert cli("run", "mine", "-n", "2", "-o", trained.parent / "a.png").code == 0
    assert cli("encode", "mine", trained.parent / "a.png", "-o", trained.parent / "z.npz").code == 0

    done = cli("rm", "mine")
    assert done == (0, "", f"mine is not in your list any more; {trained} stays\n")
    assert names(cli) == ["coded", "colour", "plain"]
    assert trained.is_file()


def test_a_run_is_made_again_when_the_name_is_gone(trained: Path, cli: Cli) -> None:
    cli("add", trained, "--name", "mine")
    assert cli("run", "mine", "--seed", "3", "-o", "a.png").code == 0
    cli("rm", "mine")
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 0
    assert done.err.endswith("the same pixels as a.png\n")


def test_it_is_opened_and_exported_as_others_are(trained: Path, cli: Cli) -> None:
    cli("add", trained, "--name", "mine")
    assert cli("export", "mine", "-o", "again.safetensors").code == 0
    assert genzoo.open_zoo().weights("mine").path == trained
    assert genzoo.open_zoo().open("mine").name == "mine"


def test_a_file_that_changed_or_went_is_told_and_hides_no_other(trained: Path, cli: Cli) -> None:
    cli("add", trained, "--name", "mine")
    cli("add", trained, "--name", "other")
    write_model(trained, MODELS["plain"], seed=1)
    for words in (["run", "mine", "-o", "a.png"], ["export", "mine", "-o", "a.safetensors"]):
        done = cli(*words)
        assert done.code == 1
        assert f"{trained} is not the file that was added as mine" in done.err
    assert "is not the file that was added as mine" in cli("info", "mine").err

    trained.unlink()
    for words in (["run", "mine", "-o", "a.png"], ["info", "mine"]):
        done = cli(*words)
        assert f"{trained}, the file of mine, is gone" in done.err
        assert "`genzoo rm mine`" in done.err
    done = cli("list")
    assert (done.code, done.err) == (0, "")
    assert names(cli) == ["coded", "colour", "mine", "other", "plain"]
    done = cli("doctor", "--json")
    texts = [f["text"] for f in json.loads(done.out)["findings"] if f["topic"] == "models"]
    assert f"your own list is {trained.parents[3] / 'models' / 'models.json'}: 2 models" in texts
    assert f"mine: {trained} is gone" in texts
    assert cli("rm", "mine").code == 0
    assert names(cli) == ["coded", "colour", "other", "plain"]


def test_a_copy_needs_the_file_no_more(trained: Path, folder: Path, cli: Cli) -> None:
    copy = folder / "models" / "mine.safetensors"
    assert cli("add", trained, "--name", "mine", "--copy").out == f"mine  {copy}\n"
    before = trained.read_bytes()
    trained.unlink()
    assert copy.read_bytes() == before
    assert cli("run", "mine", "-o", "a.png").code == 0
    assert cli("rm", "mine").err == "mine is not in your list any more; its copy is deleted\n"
    assert not copy.exists()
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "models.json",
        "models.lock",
    ]


def test_rm_deletes_no_file_of_the_user(trained: Path, folder: Path, cli: Cli) -> None:
    own = folder / "mine.safetensors"
    folder.mkdir()
    own.write_bytes(trained.read_bytes())
    cli("add", own)
    assert names(cli) == ["coded", "colour", "model", "plain"]
    assert cli("rm", "model").code == 0
    assert own.is_file()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plain", "is a name of the model painter/plain; give another one with --name"),
        ("vae-mnist", "is a name of the model genzoo/vae-mnist"),
        ("painter", "is a name of the plugin painter"),
        ("vae", "is a name of the plugin vae"),
        ("genzoo", "is a name of the plugin"),
        ("mine", "is in your list already"),
        ("Mine", "is no name of a model"),
        ("a/b", "is no name of a model"),
        ("mine.safetensors", "is no name of a model"),
        ("../mine", "is no name of a model"),
        ("", "is no name of a model"),
        ("a\n", "is no name of a model"),
        ("a" * 101, "is no name of a model"),
    ],
)
def test_a_name_that_is_taken_or_none(trained: Path, cli: Cli, name: str, reason: str) -> None:
    cli("add", trained, "--name", "mine")
    assert_refused(cli("add", trained, "--name", name), reason)
    assert names(cli) == ["coded", "colour", "mine", "plain"]


def test_a_name_is_that_of_the_card_or_of_the_file(painter: Path, folder: Path, cli: Cli) -> None:
    write_model(painter / "first.safetensors", MODELS["plain"])
    Path("Second.safetensors").write_bytes(Path("first.safetensors").read_bytes())
    assert cli("add", "Second.safetensors").out.startswith("first  ")
    write_model(painter / "Third.safetensors", MODELS["plain"])
    assert_refused(cli("add", "Third.safetensors"), "'Third' is no name of a model", "--name")


@pytest.mark.parametrize(
    ("reference", "code", "reason"),
    [
        ("plain", 2, "'plain' is in the list already"),
        ("gone.safetensors", 2, "there is no file gone.safetensors"),
        ("unknown", 2, "no model 'unknown'"),
        ("share://x.safetensors", 1, "no plugin can fetch 'share://x.safetensors'"),
        ("./text.safetensors", 1, "text.safetensors"),
        ("/dev/null.safetensors", 2, "there is no file"),
        ("/dev/zero", 2, "not a file"),
    ],
)
def test_what_is_no_model_is_not_added(
    trained: Path, folder: Path, cli: Cli, reference: str, code: int, reason: str
) -> None:
    Path("text.safetensors").write_text("no model, and long enough for a header")
    done = cli("add", reference, "--name", "new")
    assert (done.code, done.out) == (code, "")
    assert reason in done.err
    assert done.err.count("\n") == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mien", ["no model 'mien' is in your own list", "did you mean mine?"]),
        ("plain", ["painter/plain is not in your own list", "`genzoo uninstall painter`"]),
        ("vae-mnist", ["genzoo/vae-mnist is not in your own list", "comes with genzoo itself"]),
    ],
)
def test_what_is_not_in_the_list(trained: Path, cli: Cli, name: str, says: list[str]) -> None:
    cli("add", trained, "--name", "mine")
    assert_refused(cli("rm", name), *says)


def test_a_plugin_that_brings_the_name_later(shelf: Shelf, trained: Path, cli: Cli) -> None:
    cli("add", trained, "--name", "mine")
    shelf.add("acme", model("mine"))
    assert {"mine", "acme/mine"} <= set(genzoo.list_models())
    done = cli("run", "mine")
    assert_refused(done, "it is in your own list, and acme/mine", "`genzoo rm mine`")
    assert cli("info", "acme/mine").code == 0
    assert "your own list" in cli("plugins").err
    assert cli("rm", "mine").code == 0
    assert cli("info", "mine").out.startswith("acme/mine")


def test_several_at_once_lose_nothing(trained: Path, cli: Cli) -> None:
    added = [f"mine-{i}" for i in range(5)]
    running = [subprocess.Popen([*GENZOO, "add", trained, "--name", name]) for name in added]
    assert [process.wait(120) for process in running] == [0] * 5
    assert names(cli) == ["coded", "colour", *added, "plain"]


def damaged(content: Any) -> bytes:
    """A list that holds a card with something wrong."""
    card = {"name": "mine", "family": "", "summary": "", "weights": "/m", "sha256": "0" * 64}
    return json.dumps({"format": 1, "models": [{"card": {**card, **content}}]}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff" * 9,
        b"[" * 100_000,
        b'{"format": 1, "models": [], "more": 1}',
        b'{"format": 2, "models": []}',
        damaged({"weights": "here.safetensors"}),
        damaged({"weights": ""}),
        damaged({"sha256": "../x"}),
        damaged({"sha256": ""}),
        damaged({"name": "../x"}),
        damaged({"size": -1}),
        damaged({"extra": 1}),
        None,
    ],
    ids=range(15),
)
def test_a_damaged_list_is_one_line_and_all_else_works(
    painter: Path, folder: Path, cli: Cli, content: bytes | None
) -> None:
    folder.mkdir()
    file = folder / "models.json"
    if content is None:
        os.mkfifo(file)
    else:
        file.write_bytes(content)
    done = cli("list")
    assert done.code == 0
    assert "plain" in done.out
    assert done.err.startswith(f"Warning: your list of models {file} ")
    assert done.err.count("\n") == 1
    assert len(done.err) < 1000
    done = cli("info", "plain")
    assert (done.code, done.err) == (0, "")
    assert_refused(cli("info", "mine"), "no model 'mine'", str(file))
    for words in (["add", "x.safetensors"], ["rm", "mine"]):
        Path("x.safetensors").write_bytes(b"")
        assert cli(*words).code != 0
    assert content is None or file.read_bytes() == content


def test_without_plugins_there_is_what_genzoo_brings(trained: Path, cli: Cli) -> None:
    cli("add", trained, "--name", "mine")
    assert "mine" not in cli("--no-plugins", "list").out.split()


def test_a_folder_that_cannot_be_written(
    trained: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_MODELS", "/dev/null/models")
    done = cli("add", trained, "--name", "mine")
    assert done.code == 1
    assert "cannot be written" in done.err
    assert "GENZOO_MODELS" in done.err
    assert cli("list").err == ""
