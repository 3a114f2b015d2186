"""Evaluations as a whole: models against a dataset that gan-mnist made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from evaluating_cases import CHEAP, CLASSIFIER, SELF_SUPERVISED, as_npz, value

import genzoo
from genzoo_core import UsageError
from genzoo_core.images import to_pil, to_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.evaluating import evaluate, evaluate_images
from genzoo_eval.keys import KEYS
from genzoo_eval.report import Report
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages


def test_a_model_lies_at_the_floor_of_a_dataset_that_it_made(itself: Report) -> None:
    for net in (CLASSIFIER, SELF_SUPERVISED):
        figure = itself.figure("fd", net)
        assert figure is not None
        assert figure.floor is not None
        assert 0.7 < figure.value / figure.floor < 1.5
        assert figure.n == 400
        assert figure.spread is not None
        assert figure.spread > 0


def test_every_figure_is_one_that_the_keys_explain(itself: Report) -> None:
    assert {figure.key for figure in itself.figures} <= set(KEYS)
    assert {"fd", "kid", "precision", "recall", "density", "coverage"} <= {
        figure.key for figure in itself.figures if figure.net == SELF_SUPERVISED
    }


def test_every_figure_of_generated_images_has_its_spread(itself: Report) -> None:
    for figure in (figure for figure in itself.figures if figure.n is not None):
        assert figure.spread is not None, figure.key
        assert figure.spread >= 0


def test_unseen_pictures_are_not_called_copies_and_training_pictures_are(
    itself: Report, warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    assert value(itself, "memorised", CLASSIFIER) < 0.1
    seen = genzoo.generate("gan-mnist", [str(i) for i in range(10)], n=60, seed=10**6).images
    report = evaluate_images(
        warm_zoo, as_npz(tmp_path / "copies.npz", to_uint8(seen)), "mnist", digits, CHEAP
    )
    assert value(report, "memorised", CLASSIFIER) == 1.0
    assert 0.4 < value(itself, "nearer", CLASSIFIER) < 0.6
    assert value(report, "nearer", CLASSIFIER) == 1.0


def test_a_blurry_model_is_farther_away_and_less_sharp(
    itself: Report, warm_zoo: Zoo, digits: Path
) -> None:
    blurry = evaluate(warm_zoo, "vae-mlp-mnist", digits, CHEAP)
    for net in (CLASSIFIER, SELF_SUPERVISED):
        assert value(blurry, "fd", net) > 3 * value(itself, "fd", net)
    assert value(blurry, "sharpness") < 0.8 * value(itself, "sharpness")
    assert blurry.figure("accuracy") is None


def test_what_was_asked_for_is_seen(itself: Report) -> None:
    assert value(itself, "accuracy") > 0.9
    assert len(itself.tables["class_accuracy"]) == 10
    assert sum(itself.tables["class_histogram"]) == pytest.approx(1)


def test_the_classes_of_another_dataset_are_others(warm_zoo: Zoo, digits: Path) -> None:
    report = evaluate(warm_zoo, "gan-fashion", digits, CHEAP, dataset="mnist")
    assert report.figure("accuracy") is None
    assert report.command == "genzoo eval gan-fashion --reference mnist -n 400 --data DIR"


def test_a_model_that_has_collapsed_shows_it(warm_zoo: Zoo, digits: Path, tmp_path: Path) -> None:
    one = to_uint8(genzoo.generate("gan-mnist", "3", n=2, seed=7).images)
    report = evaluate_images(
        warm_zoo, as_npz(tmp_path / "x.npz", one.repeat(100, 1, 1, 1)), "mnist", digits, CHEAP
    )
    assert value(report, "duplicates", CLASSIFIER) == 1.0
    assert value(report, "class_tv") > 0.85
    assert value(report, "coverage", CLASSIFIER) < 0.1
    assert value(report, "recall", CLASSIFIER) == 0.0


def test_reconstructions_are_measured_of_models_that_encode(warm_zoo: Zoo, digits: Path) -> None:
    """The autoencoder without a density has nothing to sample from; it can still be measured."""
    report = evaluate(warm_zoo, "ae-mlp-mnist", digits, CHEAP)
    assert {figure.key for figure in report.figures} == {
        "reconstruction_mse",
        "reconstruction_psnr",
        "parameters",
    }
    test = warm_zoo.dataset(
        warm_zoo.recipe("ae-mlp-mnist").data.__class__(
            "mnist", (1, 28, 28), split="test", background=0
        ),
        digits,
    ).images
    model = warm_zoo.open("ae-mlp-mnist").module
    x = test.float() / 127.5 - 1
    with torch.no_grad():
        expected = (model.codec.reconstruct(x) - x).square().mean().item()
    assert value(report, "reconstruction_mse") == pytest.approx(expected, rel=1e-4)


def test_a_codec_is_measured_by_its_reconstructions(warm_zoo: Zoo, digits: Path) -> None:
    report = evaluate(warm_zoo, "codec-mnist", digits, CHEAP, again=True)
    keys = [figure.key for figure in report.figures]
    assert keys == ["reconstruction_mse", "reconstruction_psnr", "parameters"]
    recipe = msgspec.structs.replace(warm_zoo.recipe("codec-mnist").data, split="test")
    x = warm_zoo.dataset(recipe, digits).images.float() / 127.5 - 1
    with torch.no_grad():
        again = warm_zoo.open("codec-mnist").module.reconstruct(x)
    errors = (again - x).square().mean((1, 2, 3))
    assert value(report, "reconstruction_mse") == pytest.approx(errors.mean().item(), rel=1e-4)
    # A peak-to-peak of 2: 10·log10(4 / error).
    expected = (10 * torch.log10(4 / errors)).mean().item()
    assert value(report, "reconstruction_psnr") == pytest.approx(expected, rel=1e-4)
    told: list[str] = []
    assert evaluate(warm_zoo, "codec-mnist", digits, CHEAP, tell=told.append) == report
    assert told == []


def test_costs_are_those_of_the_net(warm_zoo: Zoo, digits: Path) -> None:
    """64-128-784: two matrix products, so 2·(64·128 + 128·784) operations and their biases."""
    report = evaluate(warm_zoo, "gan-mlp-mnist", digits, Settings(n=100))
    assert value(report, "parameters") == 64 * 128 + 128 + 128 * 784 + 784
    assert value(report, "flops") == pytest.approx(2 * (64 * 128 + 128 * 784) / 1e6)
    assert value(report, "images_per_second") > 100
    assert 0 < value(report, "first_image") < 300
    assert 50 < value(report, "peak_memory") < 5000
    assert report.machine


def test_a_model_file_is_measured_like_the_model(
    warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.safetensors"
    command = [sys.executable, "-m", "genzoo", "export", "gan-mlp-mnist", "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    settings = Settings(n=60, costs=False)
    named = evaluate(warm_zoo, "gan-mlp-mnist", digits, settings, again=True)
    from_file = evaluate(warm_zoo, str(file), digits, settings, again=True)
    assert from_file.figures == named.figures
    assert from_file.subject.family == "gan"


def test_more_images_than_a_floor_can_be_told_for_are_refused(warm_zoo: Zoo, digits: Path) -> None:
    with pytest.raises(UsageError, match="there are 600"):
        evaluate(warm_zoo, "gan-mlp-mnist", digits, Settings(n=601, costs=False))


def run(*words: str, data: Path | None = None, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "GENZOO_CACHE": str(cache)}
    if data is not None:
        environment["GENZOO_DATA"] = str(data)
    return subprocess.run(
        [sys.executable, "-m", "genzoo", "eval", *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_the_command_prints_json_alone_on_stdout(digits: Path, tmp_path: Path) -> None:
    words = ("gan-mlp-mnist", "-n", "60", "--no-costs", "--json")
    done = run(*words, data=digits, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["subject"]["name"] == "genzoo/gan-mlp-mnist"
    assert report["command"] == "genzoo eval gan-mlp-mnist -n 60 --data DIR"
    assert "reading the test images" in done.stderr
    begin = done.stderr.splitlines()[0]
    assert begin == "figures of gan-mlp-mnist ship with it, n = 10,000: genzoo info gan-mlp-mnist"
    again = run(*words[:-1], data=digits, cache=tmp_path)
    assert again.stderr == ""
    assert f"in the features of {CLASSIFIER}" in again.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("gan-mnits",), "did you mean"),
        (("text-minilm",), "not a generative model"),
        (
            ("codec-mnist", "--steps", "3"),
            "measured by reconstruction alone; omit steps",
        ),
        (("gan-mnist", "--set", "nonsense=1"), "nonsense"),
        (("gan-mnist", "--reference", "cifar"), "no feature net for the dataset 'cifar'"),
        (("gan-mnist", "--data", "/nowhere"), "neither a dataset nor a folder"),
        (("gan-mnist", "--net", "vae-mnist"), "is no feature net"),
        (("gan-mnist", "-n", "10"), "10"),
        (("pictures.npz",), "--reference"),
        (("pictures.npz", "--reference", "mnist"), "there is no file"),
        (("pictures.npy", "--reference", "mnist"), "give an .npz file or a folder of pictures"),
        (("picture.png", "--reference", "mnist"), "give an .npz file or a folder of pictures"),
        ((str(Path(__file__).parent), "--reference", "mnist"), "holds no pictures"),
        (("pictures.npz", "--seed", str(2**63)), "is not in the range"),
        (("pictures.npz", "-n", str(10**15)), "is not in the range"),
        (("gan-mnist", "--reference", "emoji"), "makes pictures of 1×28×28; those of emoji are"),
        (("codec-mnist", "--reference", "emoji"), "takes no images of emoji, which are 3×32×32"),
        (("gan-mnist", "--net", "features-emoji-dual"), "takes no images of mnist"),
        (("flow-mnist", "--guidance-curve", "1,101"), "guidance cannot be 101.0"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(
    words: tuple[str, ...], complaint: str, digits: Path, tmp_path: Path
) -> None:
    done = run(*words, data=digits, cache=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("words", [("gan-mlp-mnist", "-n", "50", "--no-costs"), ("codec-mnist",)])
@pytest.mark.parametrize("test", [1, 3, 5])
def test_too_few_test_images_are_said_to_be_too_few(
    words: tuple[str, ...], test: int, tmp_path: Path
) -> None:
    for split, number in (("test", test), ("train", 60)):
        folder = tmp_path / "mnist" / split
        folder.mkdir(parents=True)
        for i in range(number):
            to_pil(torch.full((1, 28, 28), i, dtype=torch.uint8)).save(folder / f"{i}.png")
    done = run(*words, data=tmp_path, cache=tmp_path / "cache")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    said = f"Error: {test} test images are too few to measure with; 6 are the fewest; of one's own"
    assert last.startswith(said)


def test_a_trial_is_no_progress(zoo: Zoo) -> None:
    told: list[tuple[str, float, int]] = []
    images = ModelImages.open(
        zoo, "gan-mlp-mnist", Settings(), lambda *progress: told.append(progress)
    )
    assert images.samples
    assert told == []
    images.unconditional(3, 0)
    assert told[-1] == ("making pictures", 3, 3)
