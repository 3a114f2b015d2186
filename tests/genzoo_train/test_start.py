"""`genzoo train … --start REF`: a model that begins from the weights of another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from discs import pictures
from safetensors.torch import load_file

import genzoo
from genzoo.cli import main


@pytest.fixture(autouse=True)
def own_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def frozen(*words: str) -> list[str]:
    """A training of one step that changes nothing, so that the file has what it began with."""
    still = ["--set", "stages.0.phases.denoising.lr=0", "--set", "weights_dtype=float32"]
    return ["train", *words, "--steps", "1", "--threads", "1", *still]


def test_a_family_takes_the_network_of_its_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert main(frozen("flow", "--data", data, "--start", "flow-mnist", "--name", "x")) == 0
    err = capsys.readouterr().err
    assert "beginning from the weights of genzoo/flow-mnist: took 117 of 121 tensors, 99%" in err
    assert "made new: the condition label (2 classes, not 10), network.read.weight (32×12" in err
    zoo = genzoo.open_zoo()
    before, after = zoo.open("flow-mnist"), zoo.open("x")
    assert after.spec.config == {**before.spec.config, "shape": [3, 28, 28]}
    assert after.spec.conditioners["label"].config["classes"] == ("a", "b")
    theirs, own = before.own_tensors(), after.own_tensors()
    same = [n for n in own if own[n].shape == theirs[n].shape]
    assert len(same) == 117
    assert all(torch.equal(own[name], theirs[name]) for name in same)
    # What it was begun from, and under which licence.
    card, origin = zoo.card("x"), zoo.card("flow-mnist")
    assert card.notes == f"Begun from genzoo/flow-mnist, sha256 {origin.sha256}."
    assert (card.license, card.credits) == (origin.license, origin.credits)
    assert zoo.recipe("runs/x/recipe.toml").model.start == "genzoo/flow-mnist"


def test_the_noise_of_the_start_enters_as_it_has_learnt(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert main(frozen("flow", "--data", data, "--start", "ddpm-mnist", "--size", "16")) == 0
    opened = genzoo.open_zoo().open("flow-discs")
    assert opened.spec.config["noiser"]["component"] == "genzoo/ddpm"
    assert opened.model
    assert opened.model.card.shape == (3, 16, 16)  # the size that was wanted
    assert opened.model.card.summary == "genzoo/ddpm-mnist, trained on discs."


@pytest.mark.parametrize(
    ("family", "start", "shape"),
    [
        ("gan", "gan-mnist", (3, 28, 28)),
        ("vae", "vae-mnist", (3, 28, 28)),
        ("ae", "ae-mnist", (3, 28, 28)),
        ("flow", "ldm-mnist", (1, 28, 28)),  # its codec is frozen
    ],
)
def test_stages_phases_and_codecs(
    family: str, start: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    data = str(pictures(tmp_path / "discs"))
    words = ["--data", data, "--steps", "2", "--threads", "1", "--start", start]
    assert main(["train", family, *words]) == 0
    card = genzoo.open_zoo().card(f"{family}-discs")
    assert (card.conditioners, card.shape) == (("label",), shape)


def test_the_same_classes_are_those_of_the_start(tmp_path: Path) -> None:
    # By name, as folders are sorted, "eight" would take the place of "zero".
    names = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    folder = tmp_path / "discs"
    for number, file in enumerate(sorted(pictures(tmp_path / "flat", 40, "x").rglob("*.png"))):
        (folder / names[number % 10]).mkdir(parents=True, exist_ok=True)
        file.rename(folder / names[number % 10] / file.name)
    assert main(frozen("flow", "--data", str(folder), "--start", "flow-mnist")) == 0
    zoo = genzoo.open_zoo()
    assert zoo.open("flow-discs").spec.conditioners["label"].config["classes"] == names


def test_a_training_from_a_file_resumes_to_the_same_weights(tmp_path: Path) -> None:
    data = str(pictures(tmp_path / "discs"))
    first = ["train", "flow", "--data", data, "--steps", "2", "--name", "first", "--out", "first"]
    assert main(first) == 0
    train = ["train", "flow", "--data", data, "--steps", "6", "--threads", "1"]
    train += ["--start", "first/first.safetensors", "--name", "x", "--out"]
    assert main([*train, "whole"]) == 0
    assert main([*train, "halved", "--max-steps", "3"]) == 0
    assert main([*train, "halved", "--resume"]) == 0
    files = [tmp_path / out / "x.safetensors" for out in ("whole", "halved")]
    assert files[0].read_bytes() == files[1].read_bytes()
    # A path of this machine is in the recipe, so that it runs from anywhere, but in no card.
    zoo = genzoo.open_zoo()
    assert zoo.recipe("whole/recipe.toml").model.start == str(tmp_path / "first/first.safetensors")
    assert zoo.card("x").notes.startswith("Begun from first, sha256 ")


def test_a_recipe_begins_from_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(pictures(tmp_path / "discs"))
    assert main(["train", "flow", "--data", data, "--steps", "1", "--name", "first"]) == 0
    again = ["train", "runs/first/recipe.toml", "--data", data, "--threads", "1", "--out", "again"]
    still = ["--set", "stages.0.phases.denoising.lr=0"]
    assert main([*again, *still, "--start", "first"]) == 0
    assert "100% of the parameters\n" in capsys.readouterr().err
    weights = [load_file(f"{out}/first.safetensors") for out in ("runs/first", "again")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["flow", "--start", "gan-mnist"], "genzoo/gan-mnist is of the family gan, and this"),
        (["flow", "--start", "codec-mnist"], "genzoo/codec-mnist is a codec and makes no pictures"),
        (["flow", "--start", "flow-mnits"], "no model 'flow-mnits'"),
        (["flow", "--start", "nowhere.safetensors"], "there is no file nowhere.safetensors"),
        (
            ["flow", "--start", "ldm-mnist", "--size", "32"],
            "a codec for pictures of 1×28×28; leave",
        ),
        (["flow", "--start", "flow-emoji"], "the network attends to tokens, but no conditioner"),
        (["recipe.toml", "--start", "gan-mnist"], "no weights of genzoo/gan-mnist fit genzoo/d"),
    ],
)
def test_what_cannot_begin_so_is_refused(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(pictures(tmp_path / "discs"))
    if words[0] == "recipe.toml":
        main(["train", "flow", "--data", data, "--steps", "1"])
        (tmp_path / "runs/flow-discs/recipe.toml").rename("recipe.toml")
    assert main(["train", *words, "--data", data, "--out", "new"]) in (1, 2)
    assert says in capsys.readouterr().err
    assert not list(tmp_path.glob("new/*.safetensors"))
