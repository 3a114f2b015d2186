"""`hf://owner/repo[/file]@revision`, fetched and checked."""

from __future__ import annotations

import hashlib
import json

import pytest
from conftest import Machine
from hub_server import Hub

REPO = "someone/digits"
FILE = "digits.safetensors"


def config_of(file: str, weights: bytes) -> bytes:
    """A `config.json` as genzoo writes it."""
    sha256 = hashlib.sha256(weights).hexdigest()
    return json.dumps({"format": "genzoo", "file": file, "sha256": sha256}).encode()


def pulled(machine: Machine, *words: str, **environment: str) -> dict[str, object]:
    """What `genzoo pull --json` says."""
    done = machine.genzoo("pull", *words, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_pinned_file_is_asked_for_once_and_never_again(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    first = hub.add(REPO, {FILE: weights, "README.md": b"hello"})
    hub.add(REPO, {FILE: weights + b"later"})
    done = machine.genzoo("pull", f"hf://{REPO}@{first}")
    assert done.returncode == 0, done.stderr
    sha256, path = done.stdout.rstrip("\n").split("  ")
    assert sha256 == hashlib.sha256(weights).hexdigest()
    assert open(path, "rb").read() == weights
    assert str(machine.cache) in path

    hub.asked.clear()
    assert machine.genzoo("pull", f"hf://{REPO}@{first}").stdout == done.stdout
    assert hub.asked == []
