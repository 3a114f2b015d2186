"""What genzoo starts imports nothing from the current folder, and may print what it likes."""

from __future__ import annotations

from pathlib import Path

import pytest
from shelf import Shelf

LIES = (
    *("numpy", "torch", "json", "random", "pathlib", "tempfile", "subprocess", "resource"),
    *("msgspec", "click", "packaging", "genzoo", "genzoo_core", "genzoo_train"),
)
"""Modules that processes import which genzoo starts."""

CHILDREN: dict[str, tuple[str, ...]] = {
    "doctor": ("doctor", "--check"),
    "checks": ("plugins", "--check"),
    "times": ("plugins", "--times"),
    "snapshots": ("uninstall", "noisy", "--dry-run"),
}

NOISY = """
import atexit, os, sys
os.write(1, b"{}\\n" * 500_000)
print("x" * 1_000_000)
atexit.register(os.write, 1, b"[1]\\n" * 500_000)
atexit.register(os.write, 2, b"noise\\n" * 10)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files that could pass for modules."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in LIES:
        lie = f"open({str(folder / 'imported')!r}, 'a').write('{name} ')\nraise SystemExit(7)\n"
        (folder / f"{name}.py").write_text(lie)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("words", CHILDREN.values(), ids=CHILDREN)
def test_nothing_of_the_current_folder_is_imported(
    words: tuple[str, ...], folder: Path, shelf: Shelf
) -> None:
    shelf.add("noisy", files={"__init__.py": NOISY})
    # But for the command that is one of genzoo's plugins, nothing else is looked at.
    done = shelf.genzoo(*words, **({} if "uninstall" in words else {"GENZOO_DISABLE": "genzoo"}))
    assert not (folder / "imported").exists()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "xxx" not in done.stdout


def test_who_sets_pythonpath_has_it_obeyed(folder: Path, shelf: Shelf) -> None:
    (folder / "wanted").mkdir()
    (folder / "wanted" / "helper.py").touch()
    shelf.add("acme", files={"__init__.py": "import helper\n"})
    path = f"{shelf.site}:{folder / 'wanted'}"
    done = shelf.genzoo("plugins", "--check", GENZOO_DISABLE="genzoo", PYTHONPATH=path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_process_that_is_killed_is_a_finding(shelf: Shelf) -> None:
    shelf.add("acme", files={"__init__.py": "import os\nos.kill(os.getpid(), 9)\n"})
    done = shelf.genzoo("plugins", "--check", GENZOO_DISABLE="genzoo")
    assert done.returncode == 1
    assert "importing it ends the process, with code -9" in done.stdout + done.stderr
