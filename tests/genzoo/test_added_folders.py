"""Folders in a format of others in one's own list."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foreign import net_tensors, write_net
from painting import Cli, assert_refused

import genzoo


@pytest.fixture
def theirs(reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of others, whose format is installed; with weights in float16 and float32."""
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    halves = {name: t.half() if t.is_floating_point() else t for name, t in net_tensors().items()}
    write_net(reader / "theirs", halves, stem="net.fp16")
    return write_net(reader / "theirs")


def made(cli: Cli, *words: str) -> str:
    """The digest of the weights that a run says that it used."""
    done = cli("run", *words, "-n", "2", "--seed", "1", "-o", "a.png", "--force", "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)["record"]
    assert record["model"].endswith("theirs")
    return str(record["weights"])


def test_a_folder_is_run_by_its_name(theirs: Path, cli: Cli) -> None:
    done = cli("add", "theirs", "--name", "net")
    assert (done.code, done.out) == (0, f"net  {theirs}\n"), done.err
    card = genzoo.card("net")
    assert (card.license, card.weights, card.shape) == ("mit", str(theirs), (1, 2, 2))
    assert "net" in genzoo.list_models()
    assert json.loads(cli("info", "net", "--json").out)["name"] == "net"
    assert made(cli, "net") == card.sha256 == made(cli, "./theirs")
    assert genzoo.open_zoo().open("net").name == "net"
    assert cli("export", "net", "-o", "one.safetensors").code == 0
    assert_refused(cli("add", "net", "--name", "again"), "is in the list already")

    assert cli("run", "net", "-n", "2", "-o", "b.png").code == 0
    assert cli("rm", "net").err == f"net is not in your list any more; {theirs} stays\n"
    assert cli("run", "--replay", "b.png", "-o", "c.png").code == 0
    assert theirs.is_dir()


def test_the_name_is_that_of_its_card(theirs: Path, cli: Cli) -> None:
    assert cli("add", "./theirs").out.startswith("a-net  ")


def test_a_variant_is_kept(theirs: Path, cli: Cli) -> None:
    assert cli("add", "theirs", "--name", "half", "--variant", "fp16").code == 0
    assert cli("add", "theirs", "--name", "net").code == 0
    digests = made(cli, "half"), made(cli, "net")
    assert digests[0] != digests[1]
    assert made(cli, "net", "--variant", "fp16") == digests[0]
    assert cli("run", "half", "-n", "2", "-o", "b.png").code == 0
    cli("rm", "half")
    done = cli("run", "--replay", "b.png", "-o", "c.png")
    assert done.err.endswith("the same pixels as b.png\n")
    assert_refused(cli("add", "theirs", "--name", "x", "--variant", "int4"), "no variant 'int4'")


def test_a_folder_that_changed_or_went_is_told(theirs: Path, cli: Cli) -> None:
    cli("add", "theirs", "--name", "net")
    write_net(theirs, card={"notes": "another"})
    done = cli("run", "net", "-o", "a.png")
    assert done.code == 1
    assert f"{theirs} is not the file that was added as net" in done.err
    shutil.rmtree(theirs)
    for words in (["run", "net", "-o", "a.png"], ["info", "net"]):
        assert f"{theirs}, the file of net, is gone" in cli(*words).err
    assert "net" in genzoo.list_models()


def test_a_copy_of_a_folder(theirs: Path, tmp_path: Path, cli: Cli) -> None:
    copy = tmp_path / "models" / "models" / "theirs"
    (theirs / "notes.txt").write_text("not read")
    assert cli("add", "theirs", "--name", "theirs", "--copy").out == f"theirs  {copy}\n"
    names = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())
    assert names == ["net.json", "net.safetensors", "their/nets.txt"]
    shutil.rmtree(theirs)
    assert made(cli, "theirs") == genzoo.card("theirs").sha256
    assert cli("rm", "theirs").err == "theirs is not in your list any more; its copy is deleted\n"
    assert not copy.exists()


def test_a_list_that_names_a_folder_elsewhere_as_a_copy(
    theirs: Path, tmp_path: Path, cli: Cli
) -> None:
    cli("add", "theirs", "--name", "net", "--copy")
    file = tmp_path / "models" / "models.json"
    for place in ("models/..", "models/other"):
        file.write_text(file.read_text().replace("models/net", place))
        assert cli("rm", "net").code == 0
        assert file.is_file()
        assert theirs.is_dir()
        cli("add", "theirs", "--name", "net", "--copy")


def test_a_format_that_is_gone(theirs: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("add", "theirs", "--name", "net")
    monkeypatch.setenv("GENZOO_DISABLE", "acme-reader")
    assert "net" in genzoo.list_models()
    assert_refused(cli("run", "net", "-o", "a.png"), "is in no known format")
