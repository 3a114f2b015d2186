"""The wheel, built and installed into a clean environment, works from there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    install = [*pip, "install", "-q", "-c", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True)
    return folder / "venv" / "bin"


def run(environment: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["GENZOO_CACHE"] = str(folder / "cache")
    command = [str(environment / "genzoo"), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, check=False)


def test_the_wheel_lists_runs_and_replays(environment: Path, tmp_path: Path) -> None:
    listed = run(environment, tmp_path, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    names = {model["name"] for model in json.loads(listed.stdout)}
    assert {"ae-mlp-mnist", "ae-mnist", "vae-mlp-mnist", "vae-mnist"} <= names

    made = run(environment, tmp_path, "run", "vae-mnist", "-n", "16", "--seed", "0", "-o", "a.png")
    assert made.returncode == 0, made.stderr
    again = run(environment, tmp_path, "run", "--replay", "a.png", "-o", "b.png")
    assert again.returncode == 0, again.stderr
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.tobytes() == b.tobytes()
        assert len(set(a.tobytes())) > 50  # pictures, not a blank


def test_training_says_which_extra_it_needs(environment: Path, tmp_path: Path) -> None:
    out = run(environment, tmp_path, "train", "vae-mlp-mnist", "--data", str(tmp_path))
    assert out.returncode == 1
    assert out.stderr.startswith("Error: ")
    assert "pip install 'genzoo[train]'" in out.stderr
    assert "Traceback" not in out.stderr


def test_the_packages_are_marked_as_typed(environment: Path) -> None:
    (site,) = (environment.parent / "lib").glob("python*/site-packages")
    for package in ("genzoo", "genzoo_core", "genzoo_autoencoder", "genzoo_vae", "genzoo_train"):
        assert (site / package / "py.typed").exists()
    assert (site / "genzoo_vae" / "weights" / "vae-mnist.safetensors").exists()
