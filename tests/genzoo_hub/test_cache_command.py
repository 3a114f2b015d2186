"""`genzoo cache`: what was fetched, whether it is sound, and what can go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hub_machine import Machine
from hub_server import Hub

from genzoo_hub import repo_config

REPO = "someone/digits"
FILE = "digits.safetensors"


def said(machine: Machine, *words: str) -> Any:
    """What `genzoo cache … --json` prints."""
    done = machine.genzoo("cache", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_cached_is_listed_checked_and_tidied(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    assert said(machine, "list") == []
    assert said(machine, "prune") == {"removed": False, "found": []}
    old = hub.add(REPO, {FILE: weights[:-1] + b"?"})
    machine.genzoo("pull", f"hf://{REPO}")
    new = hub.add(REPO, {FILE: weights})
    machine.genzoo("pull", f"hf://{REPO}")
    hub.add("other/library", {"model.safetensors": b"\2\0\0\0\0\0\0\0{}"})
    machine.genzoo("pull", "hf://other/library")

    models = {model["commit"]: model for model in said(machine, "list")}
    assert {commit: model["revisions"] for commit, model in models.items()} == {
        new: ["main"],
        old: [],
    }
    assert models[new]["reference"] == f"hf://{REPO}/{FILE}@{new}"
    assert models[new]["size"] == len(weights)
    assert REPO in machine.genzoo("cache", "list").stdout

    partial = machine.cache / "models--someone--digits/blobs/cafe.12345678.incomplete"
    partial.write_bytes(b"half")
    found = said(machine, "prune", "--yes", "--dry-run")
    assert not found["removed"]
    assert {one["size"] for one in found["found"]} == {4, len(weights)}
    assert partial.exists()
    assert said(machine, "prune", "--yes")["removed"]
    assert not partial.exists()
    assert [model["commit"] for model in said(machine, "list")] == [new]
    assert list(machine.cache.rglob("model.safetensors"))

    assert [model["state"] for model in said(machine, "verify")] == ["ok"]
    with Path(models[new]["path"]).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    done = machine.genzoo("cache", "verify")
    assert done.returncode == 1
    assert "1 model file is damaged" in done.stderr
    assert done.stdout.splitlines()[1].endswith("damaged")


@pytest.mark.parametrize(
    "content", [b"", b"\2\0\0\0\0\0\0\0[]", b"\xff" * 8, b"\3\0\0\0\0\0\0\0{}", b"[" * 9000]
)
def test_what_is_no_model_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert not repo_config.is_model_file(path)


def move_and_link(folder: Path, disk: Path) -> None:
    """Put a folder on another disk, and a link in its place."""
    disk.mkdir(exist_ok=True)
    folder.rename(disk / folder.name)
    folder.symlink_to(disk / folder.name)


LINKED = {
    "home": ["."],
    "hub": ["hub"],
    "repository": ["hub/models--someone--digits"],
    "blobs": ["hub/models--someone--digits/blobs"],
    "several": ["hub/models--someone--digits", "hub"],
}


@pytest.mark.parametrize("what", [*LINKED, "blob"])
def test_a_cache_that_its_owner_linked_to_another_disk(
    hub: Hub, machine: Machine, weights: bytes, tmp_path: Path, what: str
) -> None:
    commit = hub.add(REPO, {FILE: weights})
    done = machine.genzoo("pull", f"hf://{REPO}")
    disk = tmp_path / "disk"
    if what == "blob":
        disk.mkdir()
        (blob,) = (machine.cache / "models--someone--digits" / "blobs").iterdir()
        blob.rename(disk / "elsewhere")
        blob.symlink_to(disk / "elsewhere")
    for folder in LINKED.get(what, []):
        move_and_link(machine.home / folder, disk)

    assert machine.genzoo("pull", f"hf://{REPO}@{commit}").stdout == done.stdout
    assert [model["commit"] for model in said(machine, "list")] == [commit]
    assert [model["state"] for model in said(machine, "verify")] == ["ok"]
    later = hub.add(REPO, {FILE: weights[:-1] + b"?"})
    assert machine.genzoo("pull", f"hf://{REPO}").returncode == 0
    assert said(machine, "prune", "--yes")["removed"]
    assert [model["commit"] for model in said(machine, "list")] == [later]


def test_a_damaged_copy_on_another_disk_is_fetched_again(
    hub: Hub, machine: Machine, weights: bytes, tmp_path: Path
) -> None:
    hub.add(REPO, {FILE: weights})
    done = machine.genzoo("pull", f"hf://{REPO}")
    (blob,) = (machine.cache / "models--someone--digits" / "blobs").iterdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"?" * len(weights))
    blob.unlink()
    blob.symlink_to(elsewhere)
    assert machine.genzoo("pull", f"hf://{REPO}").stdout == done.stdout
    assert elsewhere.read_bytes() == b"?" * len(weights)


def test_a_bad_repository_hides_no_other(
    hub: Hub, machine: Machine, weights: bytes, tmp_path: Path
) -> None:
    commit = hub.add(REPO, {FILE: weights})
    machine.genzoo("pull", f"hf://{REPO}")
    outside = tmp_path / "outside.safetensors"
    outside.write_bytes(weights)

    def repository(name: str) -> Path:
        snapshot = machine.cache / f"models--bad--{name}" / "snapshots" / commit
        snapshot.mkdir(parents=True)
        return snapshot

    (repository("leaves") / FILE).symlink_to(outside)
    (repository("dangles") / FILE).symlink_to("../../blobs/gone")
    loop = repository("loops") / FILE
    loop.symlink_to(loop)
    os.mkfifo(repository("pipe") / FILE)
    (machine.cache / "models--bad--file").write_text("no folder")
    (machine.cache / "models--bad--bare").mkdir()
    circle = machine.cache / "models--bad--circle"
    circle.symlink_to(circle)
    refs = repository("refs").parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_bytes(b"\xff" * 1000)
    (refs / "loop").symlink_to(refs / "loop")
    os.mkfifo(refs / "pipe")
    os.makedirs(os.fsencode(machine.cache) + b"/models--bad--\xff/snapshots")

    bad = {"leaves", "dangles", "loops", "pipe", "file", "bare", "circle"}
    for words in (("list",), ("verify",), ("prune",), ("prune", "--yes")):
        done = machine.genzoo("cache", *words)
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
        assert {
            line.partition("models--bad--")[2].split("/")[0].split(":")[0] for line in lines
        } == bad
    assert [model["commit"] for model in said(machine, "list")] == [commit]


def test_what_was_added_stays_at_its_commit(hub: Hub, machine: Machine, weights: bytes) -> None:
    first = hub.add(REPO, {FILE: weights})
    done = machine.genzoo("add", f"hf://{REPO}", "--name", "mine")
    assert done.stdout == f"mine  hf://{REPO}/{FILE}@{first}\n", done.stderr
    second = hub.add(REPO, {FILE: weights[:-1] + b"?"})
    assert machine.genzoo("pull", f"hf://{REPO}").returncode == 0
    assert said(machine, "prune", "--yes") == {"removed": True, "found": []}
    assert {model["commit"] for model in said(machine, "list")} == {first, second}

    hub.asked.clear()
    done = machine.genzoo("run", "mine", "--seed", "3", "-o", "a.png")
    assert done.returncode == 0, done.stderr
    assert machine.genzoo("rm", "mine").returncode == 0
    done = machine.genzoo("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels" in done.stderr
    assert hub.asked == []
    assert said(machine, "prune", "--yes")["found"]


def test_without_a_command_it_shows_those_there_are(machine: Machine) -> None:
    done = machine.genzoo("cache")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: genzoo cache")
    assert "\n  verify  " in done.stderr
