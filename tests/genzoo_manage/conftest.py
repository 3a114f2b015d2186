"""What these tests share: an environment to install into, and wheels."""

from __future__ import annotations

from pathlib import Path

import pytest
from wheels import Place, make_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path / "env", tmp_path / "home")


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder
