"""`hf://owner/repo[/file]@revision`, fetched and checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hub_machine import Machine
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
    assert Path(path).read_bytes() == weights
    assert str(machine.cache) in path

    hub.asked.clear()
    assert machine.genzoo("pull", f"hf://{REPO}@{first}").stdout == done.stdout
    assert hub.asked == []


def test_a_branch_is_resolved_to_its_commit_each_time(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    first = hub.add(REPO, {FILE: weights})
    assert pulled(machine, f"hf://{REPO}")["reference"] == f"hf://{REPO}/{FILE}@{first}"
    second = hub.add(REPO, {FILE: weights + b"later"})
    again = pulled(machine, f"hf://{REPO}/{FILE}@main")
    assert again["reference"] == f"hf://{REPO}/{FILE}@{second}"
    assert again["size"] == len(weights) + len(b"later")


def test_config_json_names_the_default_file(hub: Hub, machine: Machine, weights: bytes) -> None:
    other = b"\0" * 100
    files = {"a.safetensors": other, "models/b.safetensors": weights}
    commit = hub.add(REPO, {**files, "config.json": config_of("models/b.safetensors", weights)})
    found = pulled(machine, f"hf://{REPO}@{commit}")
    assert str(found["path"]).endswith("/models/b.safetensors")
    hub.asked.clear()
    assert pulled(machine, f"hf://{REPO}@{commit}") == found
    assert hub.asked == []


def test_a_file_whose_name_is_not_ascii(hub: Hub, machine: Machine, weights: bytes) -> None:
    name = "数字 é.safetensors"
    commit = hub.add(REPO, {name: weights})
    assert pulled(machine, f"hf://{REPO}")["reference"] == f"hf://{REPO}/{name}@{commit}"


def test_a_mirror_that_leaves_the_files_out(hub: Hub, machine: Machine, weights: bytes) -> None:
    hub.terse = True
    commit = hub.add(REPO, {FILE: weights})
    assert pulled(machine, f"hf://{REPO}")["reference"] == f"hf://{REPO}/{FILE}@{commit}"


def test_the_digest_in_config_json_is_checked(hub: Hub, machine: Machine, weights: bytes) -> None:
    hub.add(REPO, {FILE: weights, "config.json": config_of(FILE, b"another")})
    assert "was promised" in machine.refused("pull", f"hf://{REPO}")


def test_several_files_and_none_said(hub: Hub, machine: Machine, weights: bytes) -> None:
    foreign = {"config.json": b'{"architectures": ["Other"]}'}
    hub.add(REPO, {"a.safetensors": weights, "b.safetensors": weights, **foreign})
    line = machine.refused("pull", f"hf://{REPO}")
    assert "has 2 model files: a.safetensors, b.safetensors" in line
    assert f"hf://{REPO}/a.safetensors" in line
    line = machine.refused("pull", f"hf://{REPO}/c.safetensors")
    assert "has no file 'c.safetensors'" in line
    assert "it has a.safetensors, b.safetensors" in line


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("hf://digits", "is no name of a repository"),
        ("hf://some--one/digits", "is no name of a repository"),
        ("hf://../digits", "is no name of a repository"),
        ("hf://datasets/someone/digits", "does not name a model's repository"),
        ("hf://someone/digits@", "is no revision"),
        ("hf://someone/digits@../../main", "is no revision"),
        ("hf://someone/digits@main/digits.safetensors", "the revision goes to the end"),
    ],
)
def test_what_is_no_reference(reference: str, reason: str) -> None:
    from genzoo_core import UsageError
    from genzoo_hub.reference import parse

    with pytest.raises(UsageError, match=reason):
        parse(reference)


@pytest.mark.parametrize(
    "file",
    [
        "../../etc/passwd.safetensors",
        "/etc/passwd.safetensors",
        "a/../b.safetensors",
        "a//b.safetensors",
        "..\\b.safetensors",
        "C:/b.safetensors",
        "a\0b.safetensors",
        "./b.safetensors",
        "model.bin",
        "pytorch_model.pt",
    ],
)
def test_hostile_14_a_reference_that_leaves_its_repository(file: str) -> None:
    from genzoo_core import ConfigError
    from genzoo_hub.reference import parse

    with pytest.raises(ConfigError, match=r"no path inside the repository|no \.safetensors file"):
        parse(f"hf://{REPO}/{file}")


def test_hostile_14_a_repository_that_names_a_file_elsewhere(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    config = config_of("../../../../etc/passwd.safetensors", weights)
    hub.add(REPO, {FILE: weights, "config.json": config})
    assert "is no path inside the repository" in machine.refused("pull", f"hf://{REPO}")
    assert hub.downloads() == 0


def test_hostile_14_a_hub_whose_etag_leaves_the_cache(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    hub.etag = "../../../../../escaped"
    hub.add(REPO, {FILE: weights})
    assert "no ETag that can be used" in machine.refused("pull", f"hf://{REPO}")
    assert hub.downloads() == 0


def test_hostile_14_a_link_in_the_cache_that_leaves_it(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    commit = hub.add(REPO, {FILE: weights})
    path = machine.cache / "models--someone--digits" / "snapshots" / commit / FILE
    path.parent.mkdir(parents=True)
    outside = machine.work / "outside.safetensors"
    outside.write_bytes(weights)
    path.symlink_to(outside)
    assert "is a link that leaves" in machine.refused("pull", f"hf://{REPO}@{commit}")


def test_hostile_10_a_bad_download_is_set_aside_and_fetched_once_more(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    hub.add(REPO, {FILE: weights})
    hub.flips = 1
    assert pulled(machine, f"hf://{REPO}")["sha256"] == hashlib.sha256(weights).hexdigest()
    assert hub.downloads() == 2
    (kept,) = machine.cache.rglob("*.corrupt")
    assert kept.stat().st_size == len(weights)


def test_hostile_10_a_hub_that_never_sends_what_it_promises(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    hub.add(REPO, {FILE: weights})
    hub.flips = 10
    line = machine.refused("pull", f"hf://{REPO}")
    assert hashlib.sha256(weights).hexdigest()[:12] in line
    assert "it was fetched twice" in line
    assert hub.downloads() == 2
    assert not list(machine.cache.rglob(FILE))


def test_hostile_10_a_cached_copy_that_was_changed(
    hub: Hub, machine: Machine, weights: bytes
) -> None:
    commit = hub.add(REPO, {FILE: weights})
    found = pulled(machine, f"hf://{REPO}@{commit}")
    with Path(str(found["path"])).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    assert pulled(machine, f"hf://{REPO}@{commit}") == found
    assert hub.downloads() == 2
