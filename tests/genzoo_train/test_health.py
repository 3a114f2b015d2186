"""Early warnings of a training that goes wrong, and none of one that goes well."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
import small_training
from PIL import Image, ImageDraw

from genzoo.cli import main


@pytest.fixture(autouse=True)
def _discs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("AWKWARD_LOG", raising=False)
    chance = random.Random(0)
    os.mkdir("discs")
    for number in range(40):
        image = Image.new("L", (8, 8), chance.randrange(256))
        spot = (chance.randrange(4), chance.randrange(4))
        ImageDraw.Draw(image).ellipse((*spot, spot[0] + 3, spot[1] + 3), fill="white")
        image.save(f"discs/{number}.png")


def train(family: str, *words: str) -> int:
    settings = ("report.log_every=2", "report.sample_every=0", *words)
    options = [word for setting in settings for word in ("--set", setting)]
    size = ["--size", "8", "--steps", "60", "--threads", "1", "--out", "run"]
    return main(["train", family, "--data", "discs", *size, *options])


@pytest.mark.parametrize("family", ["gan", "vae"])
def test_a_sound_training_is_not_warned_of(family: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(family) == 0
    assert "Warning: step" not in capsys.readouterr().err


def test_a_generator_that_collapses(capsys: pytest.CaptureFixture[str]) -> None:
    rate = "stages.0.phases.generator.lr=0.3"
    assert train("gan", rate, 'weights_dtype="float32"') == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "nearly the same" in line]
    assert line.startswith("Warning: step ")
    assert "a smaller learning rate, or a stronger penalty (R1)" in line
    logged = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    assert sum("nearly the same" in row.get("warning", "") for row in logged) == 1


def test_a_loss_that_explodes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = ("stages.0.steps=40", 'stages.0.phases={"denoising": {"lr": 3.0}}')
    words = [word for change in changes for word in ("--set", change)]
    small_training.train(tmp_path, *words)
    err = capsys.readouterr().err
    assert err.count("the loss explodes, from ") == 1
    assert "--set stages.0.phases.denoising.lr=0.3" in err


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_loss_that_does_not_fall(
    interrupted: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = ("stages.0.batch_size=16", "report.log_every=20", "report.checkpoint_every=300")
    changes = (*sets, "stages.0.steps=600", 'stages.0.phases={"denoising": {"lr": 1e-12}}')
    words = [word for change in changes for word in ("--set", change)]
    if interrupted:  # what goes on from trained weights need not fall any more
        assert small_training.train(tmp_path, *words, "--max-steps", "10") == 0
    assert small_training.train(tmp_path, *words, "--resume") == 0
    said = "the loss has not fallen in 500 steps"
    assert capsys.readouterr().err.count(said) == (not interrupted)
