"""A Hub on loopback, and genzoo run as a process of its own against it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_machine import MODEL, WEIGHTS, Machine
from hub_server import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub that holds nothing yet."""
    with Hub() as hub:
        yield hub


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where genzoo keeps its index: what is installed is the same for all tests."""
    return tmp_path_factory.mktemp("index")


@pytest.fixture
def machine(hub: Hub, tmp_path: Path, index: Path) -> Machine:
    """A machine on which nothing was fetched yet."""
    apart = ("HF_", "HUGGING", "GENZOO_", "XDG_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(apart) and not name.lower().endswith("_proxy")
    }
    home, work = tmp_path / "home", tmp_path / "work"
    work.mkdir()
    environment = {
        **kept,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_ETAG_TIMEOUT": "60",  # for a busy machine
        "GENZOO_CACHE": str(index),
        "GENZOO_MODELS": str(tmp_path / "models"),
    }
    return Machine(home, work, environment)


@pytest.fixture(scope="session")
def weights() -> bytes:
    """A model file."""
    return (WEIGHTS / f"{MODEL}.safetensors").read_bytes()
