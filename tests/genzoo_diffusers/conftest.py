"""The checkpoints, each saved once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from checkpoints import save


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one of `PIPELINES`; not to be written in."""
    root = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda name: save(name, root / name))
