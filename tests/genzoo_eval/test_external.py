"""Pictures that were made elsewhere: measured like a model's, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluating_cases import CHEAP, CLASSIFIER, as_npz, value
from PIL import Image

import genzoo
from genzoo_core import UsageError
from genzoo_core.images import to_pil, to_uint8
from genzoo_core.zoo import Zoo
from genzoo_eval.datasets import fingerprint
from genzoo_eval.evaluating import evaluate_images
from genzoo_eval.report import Report
from genzoo_eval.settings import Settings


def test_pictures_give_the_figures_of_the_model_that_made_them(
    itself: Report, warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", n=400, seed=0, batch=100).images)
    report = evaluate_images(warm_zoo, as_npz(tmp_path / "a.npz", made), "mnist", digits, CHEAP)
    for key in ("fd", "kid", "coverage"):
        expected = value(itself, key, CLASSIFIER)
        assert value(report, key, CLASSIFIER) == pytest.approx(expected, rel=1e-3)


def test_labels_of_pictures_are_what_was_asked_for(
    warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", [str(i) for i in range(10)], n=10).images)
    right = np.arange(10).repeat(10)
    file = as_npz(tmp_path / "a.npz", made, right)
    assert value(evaluate_images(warm_zoo, file, "mnist", digits, CHEAP), "accuracy") > 0.9
    file = as_npz(tmp_path / "b.npz", made, (right + 1) % 10)
    assert value(evaluate_images(warm_zoo, file, "mnist", digits, CHEAP), "accuracy") < 0.1


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
    warm_zoo: Zoo,
    digits: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, **arrays)
    # Before any data is read: there is none.
    with pytest.raises(UsageError, match=complaint):
        evaluate_images(warm_zoo, file, "mnist", tmp_path, CHEAP)


def test_a_folder_of_pictures_is_measured_like_the_file(
    warm_zoo: Zoo, digits: Path, tmp_path: Path
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
    (folder / "100.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"100\.png is not a picture that can be read"):
        evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)
    (folder / "100.png").unlink()
    Image.new("F", (28, 28)).save(folder / "100.tiff")
    with pytest.raises(UsageError, match=r"100\.tiff has levels of mode F, whose range is not kno"):
        evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)


def test_deep_transparent_and_turned_pictures_are_measured_as_what_they_show(
    warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    made = to_uint8(genzoo.generate("gan-mnist", n=60, seed=0).images)
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "000.png").write_bytes(b"no picture")
    for number, picture in enumerate(made):
        grey = to_pil(picture)
        if number % 3 == 0:  # the same levels in 16 bits
            deep = np.asarray(grey).astype(np.uint16) * 257
            Image.fromarray(deep).save(folder / f"{number:03}.tif")
        elif number % 3 == 1:  # on the black that is the data set's own background
            clear = grey.convert("L")
            clear.putalpha(grey.point(lambda level: 255 if level else 0))
            clear.save(folder / "below" / f"{number:03}.png")
        else:  # stored upside down, and to be shown upright
            exif = Image.Exif()
            exif[0x0112] = 3
            turned = grey.transpose(Image.Transpose.ROTATE_180)
            turned.save(folder / f"{number:03}.PNG", exif=exif)
    from_file = evaluate_images(warm_zoo, as_npz(tmp_path / "a.npz", made), "mnist", digits, CHEAP)
    from_folder = evaluate_images(warm_zoo, folder, "mnist", digits, CHEAP)
    for one, other in zip(from_folder.figures, from_file.figures, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-3, abs=1e-6), one.key


def test_fewer_than_there_are_is_a_draw_and_not_the_first(
    warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    prompts = [str(i) for i in range(10)]
    made = to_uint8(genzoo.generate("gan-mnist", prompts, n=60, seed=0).images)
    file = as_npz(tmp_path / "a.npz", made)

    def seen(seed: int) -> tuple[float, ...]:
        settings = Settings(n=60, seed=seed, nets=CHEAP.nets, costs=False)
        report = evaluate_images(warm_zoo, file, "mnist", digits, settings)
        assert report.seed == seed
        return report.tables["class_histogram"]

    # The first 60 are all of the class "0".
    assert max(seen(0)) < 0.5
    assert seen(0) != seen(1)


def test_a_report_of_pictures_is_made_once(zoo: Zoo, digits: Path, tmp_path: Path) -> None:
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
    warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    file.write_text("no archive")
    with pytest.raises(UsageError, match=r"x\.npz is no \.npz file; `genzoo run -o x\.npz`"):
        evaluate_images(warm_zoo, file, "mnist", digits, CHEAP)


def test_a_pickle_in_an_npz_file_is_not_opened(warm_zoo: Zoo, digits: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez(file, images=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UsageError, match="cannot be read"):
        evaluate_images(warm_zoo, file, "mnist", digits, CHEAP)


@pytest.mark.parametrize("made", ["a pipe", "a device", "a folder"])
def test_what_is_no_regular_file_is_refused_at_once(
    made: str, warm_zoo: Zoo, digits: Path, tmp_path: Path
) -> None:
    file = tmp_path / "x.npz"
    if made == "a pipe":
        os.mkfifo(file)
    elif made == "a device":
        file.symlink_to("/dev/zero")
    else:
        file.mkdir()
    with pytest.raises(UsageError, match=r"x\.npz (cannot be read as .*: not a file|holds no )"):
        evaluate_images(warm_zoo, file, "mnist", digits, CHEAP)


def test_a_copy_behind_links_is_told_from_another(tmp_path: Path) -> None:
    marks = set()
    for level in (0, 1):
        home = tmp_path / f"home {level}" / "mnist"
        home.mkdir(parents=True)
        (tmp_path / f"real {level}").mkdir()
        to_pil(torch.full((1, 28, 28), level, dtype=torch.uint8)).save(
            tmp_path / f"real {level}" / f"{level}.png"
        )
        (home / "test").symlink_to(tmp_path / f"real {level}")
        marks.add(fingerprint("mnist", home.parent))
    assert len(marks) == 2
