"""Evaluations as a whole: models and pictures against a dataset that gan-mnist made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

import genzoo
from genzoo.zoo import RegistryZoo
from genzoo_core import DataError, UsageError
from genzoo_core.images import to_pil, to_uint8
from genzoo_eval.caching import Asked, ReportCache, ship, shipped, usual_n
from genzoo_eval.codecs import is_codec
from genzoo_eval.evaluating import evaluate, evaluate_images
from genzoo_eval.feature_nets import load_nets
from genzoo_eval.keys import KEYS
from genzoo_eval.known import asked_of
from genzoo_eval.report import Figure, Report, Subject
from genzoo_eval.settings import Settings
from genzoo_eval.subjects import ModelImages

CLASSIFIER = "features-mnist-classifier"
SELF_SUPERVISED = "features-mnist-self-supervised"
CHEAP = Settings(n=400, costs=False)


@pytest.fixture(scope="module")
def itself(warm_zoo: RegistryZoo, digits: Path) -> Report:
    """gan-mnist against pictures of its own."""
    return evaluate(warm_zoo, "gan-mnist", digits, CHEAP)


def value(report: Report, key: str, net: str = "") -> float:
    figure = report.figure(key, net)
    assert figure is not None, f"no figure {key} in {net}"
    return figure.value


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
    itself: Report, warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
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
    itself: Report, warm_zoo: RegistryZoo, digits: Path
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


def test_a_model_that_has_collapsed_shows_it(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    one = to_uint8(genzoo.generate("gan-mnist", "3", n=2, seed=5).images)
    report = evaluate_images(
        warm_zoo, as_npz(tmp_path / "x.npz", one.repeat(100, 1, 1, 1)), "mnist", digits, CHEAP
    )
    assert value(report, "duplicates", CLASSIFIER) == 1.0
    assert value(report, "class_tv") > 0.85
    assert value(report, "coverage", CLASSIFIER) < 0.1
    assert value(report, "recall", CLASSIFIER) == 0.0


def test_pictures_give_the_figures_of_the_model_that_made_them(
    itself: Report, warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", n=400, seed=0, batch=100).images)
    report = evaluate_images(warm_zoo, as_npz(tmp_path / "a.npz", made), "mnist", digits, CHEAP)
    for key in ("fd", "kid", "coverage"):
        expected = value(itself, key, CLASSIFIER)
        assert value(report, key, CLASSIFIER) == pytest.approx(expected, rel=1e-3)


def test_labels_of_pictures_are_what_was_asked_for(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", [str(i) for i in range(10)], n=10).images)
    right = np.arange(10).repeat(10)
    file = as_npz(tmp_path / "a.npz", made, right)
    assert value(evaluate_images(warm_zoo, file, "mnist", digits, CHEAP), "accuracy") > 0.9
    file = as_npz(tmp_path / "b.npz", made, (right + 1) % 10)
    assert value(evaluate_images(warm_zoo, file, "mnist", digits, CHEAP), "accuracy") < 0.1


def test_reconstructions_are_measured_of_models_that_encode(
    warm_zoo: RegistryZoo, digits: Path
) -> None:
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
    model = warm_zoo.load("ae-mlp-mnist").module
    x = test.float() / 127.5 - 1
    with torch.no_grad():
        expected = (model.codec.reconstruct(x) - x).square().mean().item()
    assert value(report, "reconstruction_mse") == pytest.approx(expected, rel=1e-4)


def test_a_codec_is_measured_by_its_reconstructions(warm_zoo: RegistryZoo, digits: Path) -> None:
    report = evaluate(warm_zoo, "codec-mnist", digits, CHEAP, again=True)
    keys = [figure.key for figure in report.figures]
    assert keys == ["reconstruction_mse", "reconstruction_psnr", "parameters"]
    recipe = msgspec.structs.replace(warm_zoo.recipe("codec-mnist").data, split="test")
    x = warm_zoo.dataset(recipe, digits).images.float() / 127.5 - 1
    with torch.no_grad():
        again = warm_zoo.load("codec-mnist").module.reconstruct(x)
    errors = (again - x).square().mean((1, 2, 3))
    assert value(report, "reconstruction_mse") == pytest.approx(errors.mean().item(), rel=1e-4)
    # A peak-to-peak of 2: 10·log10(4 / error).
    expected = (10 * torch.log10(4 / errors)).mean().item()
    assert value(report, "reconstruction_psnr") == pytest.approx(expected, rel=1e-4)
    told: list[str] = []
    assert evaluate(warm_zoo, "codec-mnist", digits, CHEAP, tell=told.append) == report
    assert told == []


def test_costs_are_those_of_the_net(warm_zoo: RegistryZoo, digits: Path) -> None:
    """64-128-784: two matrix products, so 2·(64·128 + 128·784) operations and their biases."""
    report = evaluate(warm_zoo, "gan-mlp-mnist", digits, Settings(n=100))
    assert value(report, "parameters") == 64 * 128 + 128 + 128 * 784 + 784
    assert value(report, "flops") == pytest.approx(2 * (64 * 128 + 128 * 784) / 1e6)
    assert value(report, "images_per_second") > 100
    assert 0 < value(report, "first_image") < 300
    assert 50 < value(report, "peak_memory") < 5000
    assert report.machine


def test_a_model_file_is_measured_like_the_model(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.safetensors"
    command = [sys.executable, "-m", "genzoo", "export", "gan-mlp-mnist", "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    settings = Settings(n=60, costs=False)
    named = evaluate(warm_zoo, "gan-mlp-mnist", digits, settings, again=True)
    from_file = evaluate(warm_zoo, str(file), digits, settings, again=True)
    assert from_file.figures == named.figures
    assert from_file.subject.family == "gan"


def test_a_report_is_made_once(zoo: RegistryZoo, digits: Path, tmp_path: Path) -> None:
    told: list[str] = []
    settings = Settings(n=60, costs=False)
    first = evaluate(zoo, "gan-mlp-mnist", digits, settings, tell=told.append)
    assert told
    told.clear()
    assert evaluate(zoo, "gan-mlp-mnist", digits, settings, tell=told.append) == first
    assert told == []
    assert evaluate(zoo, "gan-mlp-mnist", digits, settings, again=True) == first
    other = Settings(n=60, seed=1, costs=False)
    assert evaluate(zoo, "gan-mlp-mnist", digits, other).figures != first.figures


def test_a_damaged_report_is_made_again(tmp_path: Path) -> None:
    report = Report(Subject("x", "0"), "mnist", "", 50, 0, (Figure("fd", 1.0),))
    asked = Asked("0", {}, {}, {}, 50, 0, "mnist", ("net",), costs=False)
    cache = ReportCache(tmp_path, "copy")
    cache.put(asked, report)
    assert cache.get(asked) == report
    assert ReportCache(tmp_path, "another copy").get(asked) is None
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    assert cache.get(asked) is None


def test_an_option_that_a_family_gains_does_not_hide_older_reports() -> None:
    def key(options: dict[str, object]) -> str:
        return Asked.of(Subject("x", "0", options=options), "mnist", 50, 0, ("net",), False).key()

    assert key({"temperature": 1.0, "guidance": None}) == key({"temperature": 1.0})
    assert key({"temperature": 1.0, "guidance": 2.0}) != key({"temperature": 1.0})


def test_shipped_reports_are_found_by_what_was_asked(tmp_path: Path) -> None:
    def asked(sha256: str) -> str:
        return Asked(sha256, {}, {"steps": 5}, {}, 50, 0, "mnist", ("net",), True).key()

    old = Report(Subject("x", "0"), "mnist", "", 50, 0, (Figure("fd", 2.0),))
    few = Report(Subject("x", "0", options={"steps": 1}), "mnist", "", 50, 0, ())
    other = Report(Subject("y", "0"), "mnist", "", 50, 0, ())
    new = Report(Subject("x", "1"), "mnist", "", 50, 0, (Figure("fd", 1.0),))
    fewer = Report(Subject("x", "1", options={"steps": 1}), "mnist", "", 50, 0, ())
    file = tmp_path / "reports-mnist.json"
    ship(file, [(asked("0"), old), ("few", few), ("other", other)])
    assert shipped(tmp_path) == {asked("0"): old, "few": few, "other": other}
    shipped.cache_clear()
    ship(file, [(asked("1"), new), ("fewer", fewer)])  # whatever was measured of older weights goes
    assert shipped(tmp_path) == {asked("1"): new, "fewer": fewer, "other": other}


def test_every_shipped_report_is_found_for_the_model_that_ships(
    zoo: RegistryZoo, tmp_path: Path
) -> None:
    reports = shipped()
    for key, report in reports.items():
        if is_codec(zoo, report.subject.name):
            # Found without any data: there is none in this folder.
            plain = Settings(usual_n(report.dataset), costs=False)
            assert evaluate(zoo, report.subject.name, tmp_path, plain) == report
            continue
        settings = Settings(
            report.n,
            report.seed,
            report.subject.options,
            report.subject.conditions,
            costs=False,
        )
        images = ModelImages.open(
            zoo, report.subject.name, settings.options, settings.conditions, lambda *_: None
        )
        nets = load_nets(zoo, report.dataset, ())
        assert asked_of(images.subject, report.dataset, settings, nets).key() == key, report.subject
    assert {"genzoo/ae-mnist", "genzoo/flow-fashion", "genzoo/flow-emoji"} <= {
        report.subject.name for report in reports.values()
    }


def test_a_model_is_measured_with_as_many_images_as_its_figures_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path))
    asked = [sys.executable, "-m", "genzoo", "eval", "flow-emoji", "--no-costs", "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    # 1,062: three of each of the 354 test images, of which 10,000 pictures would be too many.
    assert json.loads(done.stdout)["n"] == usual_n("emoji") == 1062
    assert usual_n("mnist") == usual_n("a dataset without figures") == 10_000


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({}, "no `images`"),
        (
            {"images": np.zeros((60, 28, 28, 1), np.float32)},
            r"`images` of float32 \[60, 28, 28, 1\]; uint8 \[N, H, W, C\] are wanted",
        ),
        ({"images": np.zeros((60, 8, 8, 1), np.uint8)}, "are 1×8×8, 1×28×28 are wanted"),
        ({"images": np.zeros((60, 1, 28, 28), np.uint8)}, "the channels come last"),
        ({"images": np.zeros((20, 28, 28, 1), np.uint8)}, "at least 50"),
        (
            {"images": np.zeros((60, 28, 28), np.uint8), "labels": np.full(60, 10)},
            "not from 0 to 9",
        ),
        (
            {"images": np.zeros((60, 28, 28), np.uint8), "labels": np.zeros(3, np.int64)},
            "not 60 whole numbers",
        ),
    ],
)
def test_what_is_no_set_of_pictures_is_refused(
    arrays: dict[str, np.ndarray],
    complaint: str,
    warm_zoo: RegistryZoo,
    digits: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, **arrays)
    # Before any data is read: there is none.
    with pytest.raises(UsageError, match=complaint):
        evaluate_images(warm_zoo, file, "mnist", tmp_path, CHEAP)


def test_a_folder_of_pictures_is_measured_like_the_file(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", n=60, seed=0).images)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(made):
        to_pil(picture).save(folder / f"{number:03}.png")
    (folder / "notes.txt").write_text("not a picture")
    from_file = evaluate_images(warm_zoo, as_npz(tmp_path / "a.npz", made), "mnist", digits, CHEAP)
    from_folder = evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)
    for one, other in zip(from_folder.figures, from_file.figures, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-3, abs=1e-6), one.key
    assert from_folder.command == f"genzoo eval {folder} --reference mnist -n 60 --data DIR"
    to_pil(torch.zeros(1, 9, 9, dtype=torch.uint8)).save(folder / "100.png")
    with pytest.raises(UsageError, match=r"100\.png has 9×9; 28×28 pixels are wanted"):
        evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)
    Image.new("I;16", (28, 28)).save(folder / "100.png")
    with pytest.raises(UsageError, match=r"100\.png has more than 8 bits a channel"):
        evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)
    (folder / "100.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"100\.png cannot be read"):
        evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)


def test_a_report_of_pictures_is_made_once(zoo: RegistryZoo, digits: Path, tmp_path: Path) -> None:
    made = to_uint8(genzoo.generate("gan-mlp-mnist", n=60, seed=0).images)
    file = as_npz(tmp_path / "a.npz", made)
    told: list[str] = []
    first = evaluate_images(zoo, file, "mnist", digits, CHEAP, tell=told.append)
    assert told
    told.clear()
    moved = file.rename(tmp_path / "b.npz")
    second = evaluate_images(zoo, moved, "mnist", digits, CHEAP, tell=told.append)
    assert told == []
    assert second.figures == first.figures
    assert second.subject.name == str(moved)
    evaluate_images(zoo, moved, "mnist", digits, CHEAP, again=True, tell=told.append)
    assert told


def test_a_file_that_is_no_archive_is_not_taken_for_a_pickle(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    file.write_text("no archive")
    with pytest.raises(UsageError, match=r"x\.npz is no \.npz file; `genzoo run -o x\.npz`"):
        evaluate_images(warm_zoo, file, "mnist", digits, CHEAP)


def test_a_pickle_in_an_npz_file_is_not_opened(
    warm_zoo: RegistryZoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, images=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="cannot be read"):
        evaluate_images(warm_zoo, file, "mnist", digits, CHEAP)


def test_more_images_than_a_floor_can_be_told_for_are_refused(
    warm_zoo: RegistryZoo, digits: Path
) -> None:
    with pytest.raises(DataError, match="there are 600"):
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
            "measured by its reconstructions: no steps fits",
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


def as_npz(file: Path, images: torch.Tensor, labels: np.ndarray | None = None) -> Path:
    """Pictures uint8 `[N, C, H, W]` as `genzoo run -o x.npz` lays them out."""
    arrays = {"images": images.permute(0, 2, 3, 1).numpy()}
    np.savez(file, **arrays, **({} if labels is None else {"labels": labels}))
    return file
