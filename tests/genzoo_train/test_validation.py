"""Looks at pictures that are set aside: the best weights, and an early end."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from genzoo.cli import main

RECIPE = """
name = "x"
weights_dtype = "float32"

[card]
family = "autoencoder"
summary = "A test."

[data]
name = "noise"
shape = [1, 8, 8]
aside = 0.4

[model]
component = "genzoo/autoencoder"

[model.config]
shape = [1, 8, 8]
latent = 32
network = { type = "mlp" }

[[stages]]
name = "reconstruction"
steps = 60
batch_size = 8
ema = 16
phases = { reconstruction = { lr = 1e-2 } }

[report]
log_every = 6
sample_every = 0
checkpoint_every = 3
"""
"""Noise is learnt by heart: on other noise the model soon gets worse."""

LOOKS = ("--set", "validation.looks=20")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(0)
    Path("data/noise").mkdir(parents=True)
    for number in range(30):
        pixels = bytes(chance.randrange(256) for _ in range(64))
        Image.frombytes("L", (8, 8), pixels).save(f"data/noise/{number}.png")
    Path("x.toml").write_text(RECIPE, encoding="utf-8")


def train(out: str, *words: str) -> int:
    return main(["train", "x.toml", "--data", "data", "--threads", "1", "--out", out, *words])


def log(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(out, "log.jsonl").read_text().splitlines()]


def looks(out: str) -> dict[int, float]:
    """The loss of each look by its step."""
    return {row["step"]: row["valid/loss"] for row in log(out) if "valid/loss" in row}


def weights(out: str) -> bytes:
    return Path(out, "x.safetensors").read_bytes()


def test_looks_change_nothing_but_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("plain") == train("looked", *LOOKS) == 0
    said = capsys.readouterr().err
    assert "pictures set aside are taken; they are compared 20 times in stage" in said
    found = looks("looked")
    assert list(found) == list(range(3, 61, 3))
    best = min(found, key=lambda step: found[step])
    assert best < 60
    assert f"the weights are those of step {best}" in said
    losses = [{r["step"]: r["loss"] for r in log(out)} for out in ("plain", "looked")]
    assert losses[0][6] == pytest.approx((losses[1][3] + losses[1][6]) / 2)
    # What is exported is what a training that ends at the best look gives, on its way to step 60.
    assert train("short", "--max-steps", str(best)) == 0
    assert weights("short") == weights("looked") != weights("plain")


def test_an_early_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("whole", *LOOKS) == train("early", "--early-stop") == 0
    found, whole = looks("early"), looks("whole")
    best = min(found, key=lambda step: found[step])
    last = max(found)
    assert last == best + 5 * 3 < 60
    assert found == {step: whole[step] for step in found}
    assert (
        f"ends at step {last} of 60: none were better on the pictures set aside than those of "
        f"step {best}\n"
    ) in capsys.readouterr().err


@pytest.mark.parametrize("at", [1, 4, 12, 20, 30])
def test_an_interrupted_training_takes_the_same_weights(at: int) -> None:
    words = ("--early-stop",)
    assert train("whole", *words) == 0
    assert train("halved", *words, "--max-steps", str(at)) == 0
    assert train("halved", *words, "--resume") == 0
    assert looks("halved") == looks("whole")
    assert weights("halved") == weights("whole")
    assert train("halved", *words, "--resume") == 0  # it is over, and stays so
    assert weights("halved") == weights("whole")


def test_each_stage_of_a_family_takes_its_best(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(100):
        Image.effect_noise((8, 8), 10 + number).save(f"data/noise/more-{number}.png")
    words = ["train", "vae", "--data", "data/noise", "--size", "8", "--steps", "40"]
    assert main([*words, "--threads", "1", "--out", "own"]) == 0
    said = capsys.readouterr().err
    assert "are compared 20 times in stage elbo and in stage prior" in said
    recipe = Path("own/recipe.toml").read_text()
    assert "[validation]\nlooks = 20" in recipe
    stages = {row["stage"] for row in log("own") if "valid/loss" in row}
    assert stages == {"elbo", "prior"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gan", "--data", "data/noise", "--size", "8", "--steps", "2"], "no loss says how good"),
        (["x.toml", "--data", "data", "--set", "data.aside=0"], "nothing is set aside to look at"),
        (["nope"], "families are codec, ae, flow, ldm, ddpm, gan, vae"),
        (["flw"], "did you mean flow?"),
    ],
)
def test_what_cannot_be(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *words, "--early-stop", "--out", "run"]) in (1, 2)
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("words", [["gan", "--data", "data/noise"], ["gan-mnist", "--data", "no"]])
def test_what_cannot_end_early_is_refused_before_a_picture_is_read(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words, "--early-stop"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "no loss says how good a gan is" in line
