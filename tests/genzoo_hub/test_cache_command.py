"""`genzoo cache`: what was fetched, whether it is sound, and what can go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_machine import Machine
from hub_server import Hub

from genzoo_hub import keeping

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
    assert done.stdout.splitlines()[1].startswith("damaged")


@pytest.mark.parametrize(
    "content", [b"", b"\2\0\0\0\0\0\0\0[]", b"\xff" * 8, b"\3\0\0\0\0\0\0\0{}", b"[" * 9000]
)
def test_what_is_no_model_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert not keeping.is_model_file(path)
