"""What goes wrong between a machine and the Hub: HOSTILE rows 15 to 21."""

from __future__ import annotations

import hashlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_machine import Machine
from hub_server import FOR_EVER, Hub

REPO = "someone/digits"
FILE = "digits.safetensors"


@pytest.fixture
def commit(hub: Hub, weights: bytes) -> str:
    """The commit of a repository with one model file."""
    return hub.add(REPO, {FILE: weights})


def test_hostile_15_the_connection_drops_once(
    hub: Hub, machine: Machine, commit: str, weights: bytes
) -> None:
    hub.drops = 1
    done = machine.genzoo("pull", f"hf://{REPO}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(hashlib.sha256(weights).hexdigest())
    assert done.stderr == ""
    assert hub.downloads() == 2


def test_hostile_15_the_connection_drops_for_ever(hub: Hub, machine: Machine, commit: str) -> None:
    hub.drops = FOR_EVER
    assert "breaks off each time" in machine.refused("pull", f"hf://{REPO}")
    assert machine.cached_files() == []


def test_hostile_16_killed_in_mid_download(
    hub: Hub, machine: Machine, commit: str, weights: bytes
) -> None:
    hub.gate.clear()
    process = machine.start("pull", f"hf://{REPO}")
    assert hub.half_way.wait(120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert any(name.endswith(".incomplete") for name in machine.cached_files())
    hub.gate.set()

    done = machine.genzoo("pull", f"hf://{REPO}")
    assert done.returncode == 0, done.stderr
    sha256 = hashlib.sha256(weights).hexdigest()
    assert done.stdout.startswith(sha256)
    assert machine.cached_files() == sorted([sha256, FILE, "main"])


def test_hostile_17_two_processes_want_one_file(
    hub: Hub, machine: Machine, commit: str, weights: bytes
) -> None:
    hub.gate.clear()
    both = [machine.start("pull", f"hf://{REPO}") for _ in range(2)]
    assert hub.half_way.wait(120)
    hub.gate.set()
    for process in both:
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert out.startswith(hashlib.sha256(weights).hexdigest())
    assert not any(name.endswith(".incomplete") for name in machine.cached_files())


@pytest.fixture
def mount(machine: Machine) -> Iterator[Path]:
    """A small disk of its own that the Hub's cache is on."""
    machine.cache.mkdir(parents=True)
    size = ["-t", "tmpfs", "-o", "size=200k", "tmpfs"]
    done = subprocess.run(["mount", *size, str(machine.cache)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.decode().strip()}")
    yield machine.cache
    subprocess.run(["umount", str(machine.cache)], check=True)


def test_hostile_18_the_disk_is_full(
    hub: Hub, machine: Machine, commit: str, weights: bytes, mount: Path
) -> None:
    line = machine.refused("pull", f"hf://{REPO}")
    assert f"needs {len(weights):,} bytes" in line
    assert "204,800" in line
    assert machine.cached_files() == []
    assert hub.downloads() == 0


@pytest.fixture
def read_only(machine: Machine) -> Iterator[Path]:
    """Makes the Hub's cache read-only from then on, for root as well."""
    machine.cache.mkdir(parents=True, exist_ok=True)
    bind = ["mount", "--bind", str(machine.cache), str(machine.cache)]
    done = subprocess.run(bind, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.decode().strip()}")
    yield machine.cache
    subprocess.run(["umount", str(machine.cache)], check=True)


def test_hostile_19_a_read_only_cache(
    hub: Hub, machine: Machine, commit: str, weights: bytes, read_only: Path
) -> None:
    found = machine.genzoo("pull", f"hf://{REPO}")
    assert found.returncode == 0, found.stderr
    hub.add(REPO, {"another.safetensors": weights[:100]}, "other")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(read_only)], check=True)
    for reference in (f"hf://{REPO}", f"hf://{REPO}@{commit}"):
        assert machine.genzoo("pull", reference).stdout == found.stdout
    line = machine.refused("pull", f"hf://{REPO}/another.safetensors@other")
    assert "cannot be written to" in line
    assert "HF_HUB_CACHE" in line


def test_hostile_20_offline(hub: Hub, machine: Machine, commit: str, weights: bytes) -> None:
    found = machine.genzoo("pull", f"hf://{REPO}")
    hub.asked.clear()
    for reference in (f"hf://{REPO}", f"hf://{REPO}/{FILE}", f"hf://{REPO}@{commit}"):
        done = machine.genzoo("pull", reference, HF_HUB_OFFLINE="1")
        assert done.stdout == found.stdout, done.stderr
    for words in (
        ("pull", f"hf://{REPO}@other"),
        ("run", "hf://someone/else"),
        ("search", "digits"),
    ):
        assert "HF_HUB_OFFLINE" in machine.refused(*words, HF_HUB_OFFLINE="1")
    assert hub.asked == []


def test_hostile_21_a_private_repository(hub: Hub, machine: Machine, commit: str) -> None:
    hub.repos[REPO].private = True
    hub.tokens.add("hf_secret")
    line = machine.refused("pull", f"hf://{REPO}")
    assert "(401)" in line
    assert "HF_TOKEN" in line
    assert machine.genzoo("pull", f"hf://{REPO}", HF_TOKEN="hf_secret").returncode == 0


def test_hostile_21_a_gated_repository(hub: Hub, machine: Machine, commit: str) -> None:
    hub.repos[REPO].gated = True
    line = machine.refused("pull", f"hf://{REPO}")
    assert "(403)" in line
    assert f"{hub.url}/{REPO}" in line


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("hf://someone/else", "has no repository someone/else (404)"),
        (f"hf://{REPO}@other", "has no revision 'other' (404)"),
        (f"hf://{REPO}/other.safetensors", "has no file 'other.safetensors' (404)"),
    ],
)
def test_hostile_21_what_is_not_there(
    machine: Machine, commit: str, reference: str, reason: str
) -> None:
    assert reason in machine.refused("pull", reference)


def test_hostile_21_a_hub_that_fails(hub: Hub, machine: Machine, commit: str) -> None:
    hub.status = 500
    assert "fails (500)" in machine.refused("pull", f"hf://{REPO}")
    assert "fails (500)" in machine.refused("search", "digits")
    hub.status = 0
    hub.refuses_files = 503
    assert "fails (503)" in machine.refused("pull", f"hf://{REPO}")


def test_hostile_21_a_page_in_place_of_a_hub(hub: Hub, machine: Machine, commit: str) -> None:
    hub.page = True
    for words in (("pull", f"hf://{REPO}"), ("search", "digits")):
        line = machine.refused(*words)
        assert "is no Hugging Face Hub" in line
        assert "HF_ENDPOINT" in line


def test_hostile_21_a_dead_host(machine: Machine) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert "cannot be reached" in machine.refused("pull", f"hf://{REPO}", HF_ENDPOINT=nobody)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = {"HF_ENDPOINT": url, "HF_HUB_ETAG_TIMEOUT": "1"}
        assert "does not answer in time" in machine.refused("pull", f"hf://{REPO}", **given)


def test_a_hub_that_is_down_lets_what_is_cached_do(hub: Hub, machine: Machine, commit: str) -> None:
    found = machine.genzoo("pull", f"hf://{REPO}")
    hub.status = 502
    again = machine.genzoo("pull", f"hf://{REPO}")
    assert again.stdout == found.stdout
    assert again.stderr.startswith("Warning: the Hub at")
