"""Datasets as people lay them out and name their columns; what is set aside; how sizes fit."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image as Pictures

import genzoo
from genzoo_core import DataError, Dataset
from genzoo_core.images import from_pil
from genzoo_core.recipe import DataRecipe, folder_name

PICS = DataRecipe("pics", (1, 8, 8))


def read(folder: Path, **changes: Any) -> Dataset:
    return genzoo.open_zoo().dataset(msgspec.structs.replace(PICS, **changes), folder)


def png(level: int) -> bytes:
    data = io.BytesIO()
    Pictures.new("L", (8, 8), level).save(data, "PNG")
    return data.getvalue()


def levels(dataset: Dataset) -> list[int]:
    return [int(image.float().mean()) for image in dataset.images]


def put(file: Path, content: bytes | str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def table(file: Path, **columns: list[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file)


def archive(file: Path, members: dict[str, bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_a_text_beside_a_picture_is_its_caption(tmp_path: Path) -> None:
    put(tmp_path / "pics" / "a.png", png(1))
    put(tmp_path / "pics" / "a.txt", "\ufeffa red\n  cat\n")
    put(tmp_path / "pics" / "b.jpg.png", png(2))
    put(tmp_path / "pics" / "b.jpg.txt", "a dog")
    put(tmp_path / "pics" / "c.png", png(3))
    found = read(tmp_path)
    assert levels(found) == [1, 2, 3]
    assert found.columns == {"text": ["a red cat", "a dog", ""]}


def test_texts_that_are_no_captions_are_left_out(tmp_path: Path, capfd: Any) -> None:
    put(tmp_path / "pics" / "a.png", png(1))
    put(tmp_path / "pics" / "licence.txt", "all rights reserved")
    assert read(tmp_path).columns == {}
    assert "1 file is left out" in capfd.readouterr().err


def test_a_caption_that_is_no_text_is_named(tmp_path: Path) -> None:
    put(tmp_path / "pics" / "a.png", png(1))
    put(tmp_path / "pics" / "a.txt", b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a\.txt is not UTF-8"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"img": "image", "fine_label": "label", "caption": "text"}, {"label", "text"}),
        ({"picture": "image", "class": "label"}, {"label"}),
        ({"image": "image", "labels": "label", "prompt": "text"}, {"label", "text"}),
        ({"image": "image", "label": "label", "class": "class"}, {"label", "class"}),
        ({"image": "image", "genre": "genre"}, {"genre"}),
    ],
)
def test_usual_names_of_columns(
    columns: dict[str, str], expected: set[str], tmp_path: Path
) -> None:
    cells = {
        name: [{"bytes": png(1), "path": None}] if wanted == "image" else [f"the {wanted}"]
        for name, wanted in columns.items()
    }
    table(tmp_path / "pics" / "train.parquet", **cells)
    found = read(tmp_path).columns
    assert {name: list(cells) for name, cells in found.items()} == {
        name: [f"the {name}"] for name in expected
    }


def test_columns_that_the_recipe_names(tmp_path: Path) -> None:
    cell = {"bytes": png(1), "path": None}
    table(tmp_path / "pics" / "train.parquet", image=[cell], label=["x"], genre=["rock"])
    found = read(tmp_path, columns={"label": "genre"}).columns
    assert found["label"] == ["rock"]
    assert "x" in [cells[0] for cells in found.values()]
    with pytest.raises(DataError, match=r"pics has no column 'mood'; it has label, genre"):
        read(tmp_path, columns={"label": "mood"})


def test_a_dataset_in_tar_files(tmp_path: Path) -> None:
    home = tmp_path / "pics"
    first = {
        "a/1.png": png(1),
        "a/1.txt": b"one ",
        "a/1.cls": b"7",
        "a/1.seg.npy": b"no picture",
        "b.png": png(2),
        "b.json": b'{"caption": "two", "label": "dog", "by": "me"}',
    }
    archive(home / "train-0000.tar", first)
    archive(home / "train-0001.tar", {"c.png": png(3), "only.txt": b"of nothing"})
    archive(home / "test-0000.tar", {"c.png": png(9)})
    found = read(tmp_path)
    assert levels(found) == [1, 2, 3]
    assert found.columns["label"] == [7, "dog", None]
    assert found.columns["by"] == [None, "me", None]
    assert levels(read(tmp_path, split="test")) == [9]


def test_hostile_tar_files(tmp_path: Path) -> None:
    home = tmp_path / "pics"
    put(home / "train.tar", b"no tar at all" * 100)
    with pytest.raises(DataError, match=r"pics cannot be read|cannot be read"):
        read(tmp_path)
    archive(home / "train.tar", {"a.png": png(1), "a.jpg": png(2)})
    with pytest.raises(DataError, match="has two pictures"):
        read(tmp_path)
    with tarfile.open(home / "train.tar", "w") as tar:  # a link is no picture
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DataError, match="holds no images"):
        read(tmp_path)
    archive(home / "train.tar", {"a.png": png(1), "a.json": b"[" * 10_000})
    with pytest.raises(DataError, match="is no JSON object"):
        read(tmp_path)


def test_an_archive_beside_the_pictures_is_not_read(tmp_path: Path) -> None:
    archive(tmp_path / "pics" / "download.tar", {"b.png": png(2)})
    put(tmp_path / "pics" / "a.png", png(1))
    assert levels(read(tmp_path)) == [1]


@pytest.mark.parametrize("name", ["photos.parquet", "data/part-0.parquet", "00000.tar"])
def test_files_that_name_no_split_are_train(name: str, tmp_path: Path) -> None:
    if name.endswith(".tar"):
        archive(tmp_path / "pics" / name, {"a.png": png(4)})
    else:
        table(tmp_path / "pics" / name, image=[{"bytes": png(4), "path": None}])
    assert levels(read(tmp_path)) == [4]
    with pytest.raises(DataError, match="there is no split test"):
        read(tmp_path, split="test")


@pytest.mark.parametrize(
    ("there", "wanted"),
    [("training", "train"), ("testing", "test"), ("valid", "validation"), ("dev", "val")],
)
def test_splits_under_their_other_names(there: str, wanted: str, tmp_path: Path) -> None:
    put(tmp_path / "pics" / there / "a.png", png(5))
    assert levels(read(tmp_path, split=wanted)) == [5]


def test_what_is_set_aside_is_not_trained_on(tmp_path: Path) -> None:
    for level in range(200):
        put(tmp_path / "pics" / f"{level:03}.png", png(level))
        put(tmp_path / "pics" / f"copy-{level:03}.png", png(level))
    train = levels(read(tmp_path, aside=0.25))
    aside = levels(read(tmp_path, aside=0.25, split="test"))
    assert sorted(train + aside) == sorted(2 * list(range(200)))
    assert not set(train) & set(aside)  # a copy goes with its picture
    assert 30 <= len(set(aside)) <= 70  # 50 are expected, with a standard deviation of 6
    put(tmp_path / "pics" / "more.png", png(201))
    assert set(aside) <= set(levels(read(tmp_path, aside=0.25, split="test")))


def test_how_another_size_fits() -> None:
    # Four columns, black to white, of which a square has the middle ones.
    stripes = Pictures.new("L", (4, 2))
    stripes.putdata([0, 80, 160, 240] * 2)
    shape = (1, 2, 2)
    assert from_pil(stripes, shape).tolist() == [[[40, 200], [40, 200]]]
    assert from_pil(stripes, shape, fit="crop").tolist() == [[[80, 160], [80, 160]]]
    wide = from_pil(stripes, (1, 4, 4), background=7, fit="pad")
    assert wide.tolist() == [[[7] * 4, [0, 80, 160, 240], [0, 80, 160, 240], [7] * 4]]
    colour = from_pil(stripes, (3, 4, 4), background=7, fit="pad")
    assert torch.equal(colour, wide.expand(3, -1, -1))


@pytest.mark.parametrize(
    ("folder", "name"),
    [("My Photos!", "my-photos"), ("Été", "ete"), ("..", "pictures"), ("猫", "pictures")],
)
def test_names_of_folders(folder: str, name: str) -> None:
    assert folder_name(folder) == name
    assert msgspec.convert({"name": name, "shape": (1, 8, 8)}, DataRecipe).name == name
