"""A third party's noiser, sampler and conditioner work with genzoo's own models, by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from PIL import Image

from genzoo.catalogue import Catalogue
from genzoo.installed.checking import check_plugin
from genzoo.zoo import RegistryZoo
from genzoo_core import Dataset, Recipe
from genzoo_train.training import train

RECIPE = {
    "name": "mixed",
    "card": {"family": "diffusion", "summary": "genzoo's diffusion with a stranger's pieces."},
    "data": {"name": "blobs", "shape": [1, 8, 8]},
    "model": {
        "component": "genzoo/diffusion",
        "config": {
            "shape": [1, 8, 8],
            "noiser": {"component": "genzoo-tiny/circle", "config": {"prediction": "v"}},
            "network": {"type": "mlp", "width": 32, "blocks": 1, "embedding": 16},
            "sampler": "genzoo-tiny/straight",
            "steps": 4,
        },
        "conditioners": {
            "label": {"component": "genzoo-tiny/labels", "column": "label", "drop": 0.1}
        },
    },
    "stages": [{"name": "denoising", "steps": 30, "batch_size": 16}],
    "report": {"sample_every": 0},
}


@pytest.fixture
def mixed(third_party: Path, tmp_path: Path) -> Path:
    """A model file of genzoo's diffusion with a stranger's noiser, sampler and conditioner."""
    images = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8)
    dataset = Dataset(images, {"label": [i % 3 for i in range(48)]})
    zoo = RegistryZoo(Catalogue.open())
    return train(zoo, msgspec.convert(RECIPE, Recipe), dataset, tmp_path / "run")


def genzoo(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "genzoo", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_strangers_pieces_run_from_the_command_line(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    run = genzoo("run", str(mixed), "1", "random", "-n", "2", "--seed", "3", "-o", str(out))
    assert run.returncode == 0, run.stderr
    assert "tiny: making 2" in run.stderr  # its hook was told
    with Image.open(out) as picture:
        assert picture.size == (2 * 8 + 2, 2 * 8 + 2)

    other = genzoo("run", str(mixed), "--sampler", "euler", "-o", str(tmp_path / "y.png"))
    assert other.returncode == 0, other.stderr
    wrong = genzoo("run", str(mixed), "3", "-o", str(tmp_path / "z.png"))
    assert wrong.returncode == 2
    assert "there are 0 to 2, and random" in wrong.stderr
    text = tmp_path / "x.txt"
    assert genzoo("run", str(mixed), "0", "-o", str(text)).returncode == 0
    assert len(text.read_text().splitlines()) == 8


def test_the_strangers_distribution_is_listed_and_sound(third_party: Path) -> None:
    listed = genzoo("list", "--kind", "codec", "--json")
    names = [model["full_name"] for model in json.loads(listed.stdout)]
    assert "genzoo-tiny/tiny-codec" in names
    (tiny,) = [p for p in Catalogue.open().plugins if p.distribution == "genzoo-tiny"]
    assert check_plugin(tiny).problems == ()


def test_without_its_plugin_a_file_says_what_is_missing(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo-tiny")
    run = genzoo("run", str(mixed), "-o", str(tmp_path / "x.png"))
    assert run.returncode == 1
    assert run.stderr.startswith("Error: ")
    assert "genzoo-tiny" in run.stderr
    assert not (tmp_path / "x.png").exists()
