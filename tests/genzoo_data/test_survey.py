"""`genzoo data`: what it counts, what it finds wrong, and what it would train."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from genzoo.cli import main


def photo(file: Path, seed: int, size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Path:
    """A picture of some coloured discs, unlike those of other seeds."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y, r = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(4, 20)
        colour = tuple(chance.randrange(256) for _ in range(3))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.convert(mode).save(file)
    return file


def survey(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert main(["data", *map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_classes_captions_sizes_and_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "My Pets"
    for number in range(30):
        file = photo(home / "cat" / f"{number}.png", number)
        file.with_suffix(".txt").write_text(f"a cat of {number % 3} colours")
    for number in range(30, 35):
        photo(home / "dog" / f"{number}.jpg", number, (80, 80)).with_suffix(".txt").touch()
    (home / "dog" / "broken.png").write_bytes(b"no picture")
    (home / "cat" / "again.png").write_bytes((home / "cat" / "0.png").read_bytes())
    Image.open(home / "cat" / "1.png").save(home / "cat" / "same.jpg", quality=95, subsampling=0)
    photo(home / "cat" / "odd.png", 99, (30, 20))

    found = survey(capsys, home)
    assert found["name"] == "my-pets"
    assert found["pictures"] == 38
    assert found["sizes"] == {"60×40": 32, "80×80": 5, "30×20": 1}
    assert found["labels"] == {"cat": 33, "dog": 5}
    assert (found["captions"]["count"], found["captions"]["distinct"]) == (30, 3)
    assert [fault["place"] for fault in found["faults"]] == ["dog/broken.png"]
    assert found["copies"] == [["cat/0.png", "cat/again.png"]]
    assert found["near"] == [["cat/1.png", "cat/same.jpg"]]
    problems = "\n".join(found["problems"])
    for expected in (
        "1 picture cannot be read: dog/broken.png",
        "38 pictures, few",
        "1 class has fewer than 20 pictures: dog",
        "8 pictures without a caption, so that no caption is learnt",
    ):
        assert expected in problems
    goal = found["would_train"]
    assert goal["data"]["shape"] == [3, 60, 60]  # 33 of 38 have one aspect, not nine of ten
    assert list(goal["conditioners"]) == ["label"]  # captions lack, so they are none
    assert goal["conditioners"]["label"]["config"]["classes"] == ["cat", "dog"]


def test_a_picture_beside_the_classes_is_named_as_what_takes_them_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, place in enumerate(["cat/a", "dog/b", "stray"]):
        photo(tmp_path / "p" / f"{place}.png", number)
    found = survey(capsys, tmp_path / "p")
    assert "1 picture without a label, such as stray.png, so that no class is learnt" in (
        "\n".join(found["problems"])
    )
    assert found["would_train"]["conditioners"] == {}


@pytest.mark.parametrize(
    ("size", "mode", "words", "shape"),
    [
        ((96, 48), "RGB", (), [3, 32, 64]),
        ((96, 48), "RGB", ("--size", 96), [3, 48, 96]),
        ((96, 48), "L", (), [1, 32, 64]),
        ((300, 200), "RGB", (), [3, 44, 64]),
        ((300, 200), "RGB", ("--size", 96), [3, 64, 96]),
        ((28, 28), "L", (), [1, 28, 28]),
        ((31, 31), "RGB", (), [3, 32, 32]),
        ((400, 20), "RGB", (), [3, 16, 64]),
    ],
)
def test_the_shape_that_would_be_trained(
    size: tuple[int, int],
    mode: str,
    words: tuple[object, ...],
    shape: list[int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(3):
        photo(tmp_path / "p" / f"{number}.png", number, size, mode)
    data = survey(capsys, tmp_path / "p", *words)["would_train"]["data"]
    assert (data["shape"], data["fit"]) == (shape, "crop")


def test_pictures_of_several_aspects_are_square_and_clear_ones_padded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, size in enumerate([(90, 60), (60, 90), (64, 64), (70, 60)]):
        photo(tmp_path / "p" / f"{number}.png", number, size, "RGBA")
    found = survey(capsys, tmp_path / "p")
    assert found["would_train"]["data"]["shape"][1:] == [64, 64]
    for number in range(4):
        file = tmp_path / "p" / f"{number}.png"
        image = Image.open(file)
        image.putpixel((0, 0), (0, 0, 0, 0))
        image.save(file)
    assert survey(capsys, tmp_path / "p")["would_train"]["data"]["fit"] == "pad"
    assert main(["data", str(tmp_path / "p")]) == 0
    assert "set aside, 3×64×64, padded" in capsys.readouterr().out


def test_sixteen_bits_and_grey_in_colour_are_grey(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    levels = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    (tmp_path / "p").mkdir()
    Image.fromarray(levels).save(tmp_path / "p" / "a.png")
    photo(tmp_path / "p" / "b.png", 1, (32, 32), "L")
    Image.open(tmp_path / "p" / "b.png").rotate(90).convert("RGB").save(tmp_path / "p" / "c.png")
    assert survey(capsys, tmp_path / "p")["would_train"]["data"]["shape"] == [1, 32, 32]


@pytest.mark.parametrize(("pictures", "share"), [(100, 0.16), (200, 0.1)])
def test_some_sixteen_are_set_aside_of_few_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pictures: int, share: float
) -> None:
    for number in range(pictures):
        photo(tmp_path / "p" / f"{number}.png", number, (12, 12))
    assert survey(capsys, tmp_path / "p")["would_train"]["data"]["aside"] == share


def test_a_test_split_is_not_set_aside_from_what_is_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        photo(tmp_path / "p" / "train" / f"{number}.png", number)
    found = survey(capsys, tmp_path / "p")
    assert (found["splits"], found["would_train"]["data"]["aside"]) == ({"train": 4}, 0.25)
    photo(tmp_path / "p" / "test" / "a.png", 9)
    found = survey(capsys, tmp_path / "p")
    assert found["splits"] == {"train": 4, "test": 1}
    assert found["would_train"]["data"]["aside"] == 0
    assert survey(capsys, tmp_path / "p", "--split", "test")["pictures"] == 1


def test_a_column_under_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = []
    for number in range(4):
        photo(tmp_path / "p" / f"{number}.png", number)
        rows.append({"file_name": f"{number}.png", "genre": "rock" if number % 2 else "jazz"})
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "p" / "metadata.jsonl").write_text(lines)
    assert survey(capsys, tmp_path / "p")["columns"] == {"genre": 2}
    found = survey(capsys, tmp_path / "p", "--column", "label=genre")
    assert found["labels"] == {"jazz": 2, "rock": 2}
    assert main(["data", str(tmp_path / "p"), "--column", "label=mood"]) == 1
    assert "no column 'mood'; it has genre" in capsys.readouterr().err
    assert main(["data", str(tmp_path / "p"), "--column", "mood"]) == 2


def test_what_a_person_reads_and_the_contact_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(70):
        photo(tmp_path / "p" / "ab"[number % 2] / f"{number}.png", number)
    sheet = tmp_path / "sheet.png"
    assert main(["data", str(tmp_path / "p"), "--sheet", str(sheet)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "pictures    70 in train"
    assert "classes     2: a (35), b (35)" in out
    assert "3×40×60" in out
    assert f"wrote {sheet}" in err
    with Image.open(sheet) as image:  # every second of 70 pictures, in rows of six
        assert image.size == (604, 604)


def test_no_pictures_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for folder, code, says in (("nowhere", 2, "nowhere: No such file"), ("empty", 1, "images")):
        assert main(["data", str(tmp_path / folder)]) == code
        assert says in capsys.readouterr().err
    (tmp_path / "empty" / "a.png").write_bytes(b"none")
    assert main(["data", str(tmp_path / "empty")]) == 1
    assert "no picture of empty can be read: a.png: it is not a picture" in capsys.readouterr().err
