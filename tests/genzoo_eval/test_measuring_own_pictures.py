"""Measuring with a folder of pictures that no feature net ships for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluating_cases import value
from PIL import Image

import genzoo_eval.own_nets
from genzoo.cli import main
from genzoo_core.errors import DataError, UsageError
from genzoo_core.images import to_pil
from genzoo_core.recipe import DataRecipe
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import OwnData, digest_of
from genzoo_eval.evaluating import evaluate_images
from genzoo_eval.own_data import of_model, of_pictures, trained_on
from genzoo_eval.settings import Settings


def write(folder: Path, count: int, seed: int, blur: int = 1) -> Path:
    """Pictures of random bars, 3×12×16, in two classes; blurred on request."""
    generator = torch.Generator().manual_seed(seed)
    for i in range(count):
        picture = torch.zeros(3, 12, 16)
        at = int(torch.randint(2, 10, (), generator=generator))
        colour = torch.rand(3, 1, generator=generator) * 255
        if i % 2:
            picture[:, at - 1 : at + 1, :] = colour[..., None]
        else:
            picture[:, :, at - 1 : at + 1] = colour[..., None]
        picture = torch.nn.functional.avg_pool2d(picture, blur, 1, blur // 2)
        place = folder / ("down" if i % 2 else "across")
        place.mkdir(parents=True, exist_ok=True)
        to_pil(picture.round().to(torch.uint8)).save(place / f"{i}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of pictures, for which nets are trained in few steps."""
    monkeypatch.setattr(genzoo_eval.own_nets, "LEAST", 40)
    monkeypatch.setattr(genzoo_eval.own_nets, "PASSES", 0)
    return write(tmp_path / "photos", 200, 1)


def test_nets_are_trained_once_and_tell_real_pictures_from_blurred_ones(
    zoo: Zoo, photos: Path, tmp_path: Path
) -> None:
    fresh, blurred = write(tmp_path / "fresh", 60, 2), write(tmp_path / "blurred", 60, 2, 7)
    told: list[str] = []
    distances = []
    for pictures in (fresh, blurred):
        data = of_pictures(zoo, pictures, photos, {}, told.append)
        assert data.recipe.shape == (3, 12, 16)
        report = evaluate_images(
            zoo, pictures, data, photos, Settings(n=60, costs=False), tell=told.append
        )
        assert any("rough" in note for note in report.notes)
        distances.append(value(report, "fd", "features-photos-self-supervised"))
        assert report.figure("fd", "features-photos-classifier") is not None
    assert sum("training a net to measure with" in line for line in told) == 2
    assert told.count(f"the pictures of {photos} are fitted to 3×12×16") == 2
    assert distances[1] > 2 * distances[0]


def test_a_model_of_other_pictures_is_measured_in_its_own_shape(
    zoo: Zoo, photos: Path, tmp_path: Path
) -> None:
    grey = tmp_path / "grey"
    for file in photos.rglob("*.png"):
        place = grey / file.relative_to(photos)
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as picture:
            picture.convert("L").save(place)
    told: list[str] = []
    data = of_model(zoo, "gan-mnist", grey, {}, told.append)
    assert data is not None
    assert data.recipe.shape == (1, 28, 28)
    assert told[0].startswith("gan-mnist was trained on mnist and is measured with the pictures of")
    assert told[-1] == f"the pictures of {grey} are fitted to 1×28×28, cropped"
    assert of_model(zoo, "gan-mnist", grey, {}, told.append, explicit=False) is None


def test_pictures_in_colour_are_no_measure_of_grey_ones(
    zoo: Zoo, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"pictures of gan-mnist are grey, and \d+ of 200 in"):
        of_model(zoo, "gan-mnist", photos, {}, lambda _: None)
    np.savez(tmp_path / "x.npz", images=np.zeros((60, 12, 16), dtype=np.uint8))
    with pytest.raises(UsageError, match="compare it with grey ones"):
        of_pictures(zoo, tmp_path / "x.npz", photos, {}, lambda _: None)
    # Grey pictures are some of those that a model in colour could make.
    assert of_model(zoo, "gan-emoji", photos, {}, lambda _: None) is not None


def test_nets_depend_on_the_pictures_alone() -> None:
    pictures = genzoo_eval.own_nets.Pictures("digest", 10_000, ("a", "b"))
    found = genzoo_eval.own_nets.recipes(DataRecipe("x", (3, 96, 192)), pictures)
    assert [recipe.data.shape for recipe in found] == [(3, 32, 64)] * 2
    assert [recipe.stages[0].steps for recipe in found] == [390, 390]


def test_a_net_that_is_damaged_in_the_cache_is_trained_again(zoo: Zoo, photos: Path) -> None:
    data = OwnData(zoo, DataRecipe("photos", (3, 12, 16), aside=0.1), photos)
    told: list[str] = []
    first = genzoo_eval.own_nets.own_nets(data, told.append, lambda *_: None, 1)
    cache = zoo.cache("eval")
    assert cache is not None
    (file,) = cache.glob("net-*.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    again = genzoo_eval.own_nets.own_nets(data, told.append, lambda *_: None, 1)
    assert first[0].sha256 == again[0].sha256
    assert len(told) == 2


def test_a_training_ends_with_what_came_out_beside_the_floor(
    zoo: Zoo,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    command = ["train", "gan", "--data", str(photos), "--steps", "2"]
    assert main(command) == 0
    said = capsys.readouterr().err
    assert "all figures: genzoo eval gan-photos --data" in said
    assert "distance to real pictures" not in said  # no time to train a net was given

    data = of_model(zoo, "runs/gan-photos/gan-photos.safetensors", photos, {}, lambda _: None)
    assert data is not None
    genzoo_eval.own_nets.own_nets(data, lambda _: None, lambda *_: None, 1)
    assert main([*command, "--resume"]) == 0
    said = capsys.readouterr().err
    found = re.search(
        r"distance to real pictures (\S+); real pictures among themselves (\S+) \(", said
    )
    assert found is not None
    assert float(found[1]) > float(found[2])
    assert re.search(r"sharpness [\d.,]+; of real pictures [\d.,]+", said)
    assert re.search(r"near-copies of training pictures: \d+\.\d %", said)


def test_a_folder_that_is_called_as_a_dataset_is_measured_as_what_it_is(
    zoo: Zoo,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GENZOO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    folder = str(photos.rename(tmp_path / "mnist"))
    assert main(["train", "gan", "--data", folder, "--steps", "2", "--name", "bars"]) == 0
    assert main(["eval", "bars", "--data", folder, "--json", "--no-costs"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["dataset"] == "mnist"
    data = trained_on(zoo, "runs/bars/bars.safetensors", Path(folder))
    assert data is not None
    assert report["reference"] == digest_of(data.test.images)
    # What ships is measured with the dataset of that name, as it is read there.
    assert trained_on(zoo, "gan-mnist", Path(folder)) is None


def test_too_few_test_images_are_refused_before_a_net_is_trained(zoo: Zoo, tmp_path: Path) -> None:
    folder = write(tmp_path / "few", 20, 1)
    data = OwnData(zoo, DataRecipe("few", (3, 12, 16), aside=0.1), folder)
    told: list[str] = []
    with pytest.raises(DataError, match="too few to measure with"):
        genzoo_eval.own_nets.own_nets(data, told.append, lambda *_: None)
    assert told == []
