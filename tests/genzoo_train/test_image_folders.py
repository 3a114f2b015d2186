"""Folders of pictures: what is read, by what names, and what is said of the rest."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import ClassLabel, Features, Image
from datasets import Dataset as Table
from PIL import Image as Pictures

import genzoo
from genzoo_core import DataError, Dataset, UsageError
from genzoo_core.recipe import DataRecipe
from genzoo_core.rng import SampleRng

PICS = DataRecipe("pics", (1, 8, 8), background=0)


def read(folder: Path, split: str = "train") -> Dataset:
    return genzoo.open_zoo().dataset(DataRecipe("pics", (1, 8, 8), split=split), folder)


def picture(file: Path, level: int, **options: Any) -> None:
    """A grey picture of 8×8 pixels."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Pictures.new("L", (8, 8), level).save(file, **options)


def levels(dataset: Dataset) -> list[int]:
    return [int(image.float().mean()) for image in dataset.images]


def png(level: int) -> dict[str, Any]:
    data = io.BytesIO()
    Pictures.new("L", (8, 8), level).save(data, "PNG")
    return {"bytes": data.getvalue(), "path": None}


def rows(file: Path, cells: list[dict[str, Any]], **columns: list[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": cells, **columns}), file)


def labels_of(dataset: Dataset, classes: list[str]) -> list[int]:
    """Ids of the labels, for a model with these classes."""
    conditioner = genzoo.open_zoo().component(
        "conditioner", "genzoo/class-labels", {"classes": classes}
    )
    values = dataset.columns["label"]
    return conditioner.prepare(values, SampleRng([0] * len(values))).tolist()


def test_labels_are_names_whatever_order_folders_have(tmp_path: Path) -> None:
    for label in range(12):
        picture(tmp_path / "pics" / "train" / str(label) / "it.png", 20 * label)
    (tmp_path / "pics" / "train" / "empty").mkdir()
    dataset = read(tmp_path)
    names = [str(label) for label in range(12)]
    ids = labels_of(dataset, names)
    assert [20 * label for label in ids] == levels(dataset)
    # Of classes that are called otherwise, a number is the id.
    assert labels_of(dataset, [f"class {chr(97 + i)}" for i in range(12)]) == ids
    with pytest.raises(
        UsageError, match="no class '0'; the classes are 1, 2, the labels of the da"
    ):
        labels_of(dataset, ["1", "2"])


def test_numbers_are_names_where_classes_are_called_by_numbers(tmp_path: Path) -> None:
    rows(tmp_path / "pics" / "train-0.parquet", [png(0), png(1), png(2)], label=[0, 1, 2])
    dataset = read(tmp_path)
    assert labels_of(dataset, ["2", "0", "1"]) == [1, 2, 0]
    assert labels_of(dataset, ["zero", "one", "two"]) == [0, 1, 2]
    with pytest.raises(UsageError, match="no class '0'; the classes are 1, 2, 3, the labels of th"):
        labels_of(dataset, ["1", "2", "3"])


def test_a_folder_beside_the_split_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train/a.png", "bus/b.png", "test/c.png"):
        picture(tmp_path / "pics" / name, 9)
    assert len(read(tmp_path).images) == 1
    assert "pics: bus is left out beside train" in capsys.readouterr().err


def test_one_folder_is_one_class(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "train" / "cat" / "a.png", 9)
    assert read(tmp_path).columns["label"] == ["cat"]


def test_names_are_compared_in_one_unicode_form(tmp_path: Path) -> None:
    home = tmp_path / "pics" / "train"
    picture(home / unicodedata.normalize("NFD", "Grün") / "a.png", 9)
    picture(home / unicodedata.normalize("NFC", "blå") / "b.png", 7)
    classes = [unicodedata.normalize("NFC", "grün"), unicodedata.normalize("NFD", "Blå")]
    dataset = read(tmp_path)
    assert sorted(zip(levels(dataset), labels_of(dataset, classes), strict=True)) == [
        (7, 1),
        (9, 0),
    ]


@pytest.mark.parametrize("names", [["a", "b", "c"], ["c", "a", "b"]])
def test_ids_of_a_table_are_read_as_the_names_that_they_have(
    names: list[str], tmp_path: Path
) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=names)})
    pictures = [Pictures.new("L", (8, 8), level) for level in (10, 20, 30)]
    columns = {"image": pictures, "label": [0, 2, -1]}
    (tmp_path / "pics").mkdir()
    Table.from_dict(columns, features).to_parquet(tmp_path / "pics" / "train-0.parquet")
    assert read(tmp_path).columns["label"] == [names[0], names[2], None]


def test_odd_names_and_deep_folders(tmp_path: Path) -> None:
    home = tmp_path / "my data [v2]" / "pics" / "train"
    names = ["a [1].png", "b*.PNG", "c::d.png", "e f.png", "日本 👋.png", "deep/er/g.png"]
    for number, name in enumerate(names):
        picture(home / "one" / name, number, format="PNG")
    assert sorted(levels(read(tmp_path / "my data [v2]"))) == list(range(6))
    assert set(read(tmp_path / "my data [v2]").columns["label"]) == {"one"}


def test_what_is_left_out_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "pics" / "train"
    picture(home / "a.png", 9)
    for name in (".DS_Store", "._a.png", ".ipynb_checkpoints/a.png", "Thumbs.db"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(b"nothing")
    assert len(read(tmp_path).images) == 1
    assert capsys.readouterr().err == ""
    (home / "b.heic").touch()
    (home / "c.HEIC").touch()
    assert len(read(tmp_path).images) == 1
    assert "pics: 2 files are left out, of kinds that Pillow does not" in capsys.readouterr().err


def test_a_picture_is_read_as_a_viewer_shows_it(tmp_path: Path) -> None:
    stored = Pictures.new("RGBA", (8, 8), (255, 255, 255, 0))
    stored.paste((200, 200, 200, 255), (0, 0, 8, 4))
    exif = Pictures.Exif()
    exif[0x0112] = 3
    (tmp_path / "pics").mkdir()
    stored.save(tmp_path / "pics" / "a.png", exif=exif)
    (image,) = genzoo.open_zoo().dataset(PICS, tmp_path).images
    assert image[0, :4].unique().tolist() == [0]
    assert image[0, 4:].unique().tolist() == [200]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_a_picture_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "train" / "a.png", 9)
    (tmp_path / "pics" / "train" / "b.png").write_bytes(content)
    with pytest.raises(DataError, match=r"pics/train/b\.png "):
        read(tmp_path)


def test_a_link_to_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    home = tmp_path / "pics" / "train"
    picture(home / "a.png", 9)
    os.mkfifo(tmp_path / "pipe")
    for target in (tmp_path / "pipe", Path("/dev/zero")):
        (home / "b.png").symlink_to(target)
        with pytest.raises(DataError, match=r"cannot read .*b\.png: not a file"):
            read(tmp_path)
        (home / "b.png").unlink()
    os.mkfifo(tmp_path / "pics" / "test-0.parquet")
    with pytest.raises(DataError, match="not a file"):
        read(tmp_path, "test")


@pytest.mark.parametrize(
    ("there", "wanted", "says"),
    [
        (["test/a.png"], "train", "there is no split train in .*pics; it has test"),
        (["training/a.png", "testing/a.png"], "dev", "it has testing, training"),
        (["a.png"], "test", "no split test in .*; without a folder of a split, all of it is train"),
        (["train/a.png"], "validation", "there is no split validation in .*; it has train"),
    ],
)
def test_a_split_that_is_not_there(
    there: list[str], wanted: str, says: str, tmp_path: Path
) -> None:
    for name in there:
        picture(tmp_path / "pics" / name, 9)
    with pytest.raises(DataError, match=says):
        read(tmp_path, wanted)


def test_a_split_of_rows_that_is_not_there(tmp_path: Path) -> None:
    rows(tmp_path / "pics" / "data" / "test-00000-of-00001.parquet", [png(1)])
    with pytest.raises(DataError, match=r"there is no split train in .*; it has test"):
        read(tmp_path)
    assert levels(read(tmp_path, "test")) == [1]


def test_all_files_of_a_split_must_be_there(tmp_path: Path) -> None:
    for number in (0, 2):
        rows(tmp_path / "pics" / f"train-{number:05}-of-00003.parquet", [png(number)])
    with pytest.raises(DataError, match=r"train-00001-of-00003\.parquet is missing in .*pics; fet"):
        read(tmp_path)
    rows(tmp_path / "pics" / "train-00001-of-00003.parquet", [png(1)])
    assert levels(read(tmp_path)) == [0, 1, 2]
    rows(tmp_path / "pics" / "train-00001-of-00003-abc.parquet", [png(1)])
    with pytest.raises(DataError, match="holds files train of two times; remove the o"):
        read(tmp_path)


@pytest.mark.parametrize("split", ["..", ".", "a/b", "a\\b", "train\n", ""])
def test_a_split_is_a_name(split: str) -> None:
    assert msgspec.convert({"name": "pics", "shape": [1, 8, 8], "split": "train"}, DataRecipe)
    with pytest.raises(msgspec.ValidationError, match=r"split"):
        msgspec.convert({"name": "pics", "shape": [1, 8, 8], "split": split}, DataRecipe)


def test_a_row_opens_no_file_outside_of_the_data_set(tmp_path: Path) -> None:
    picture(tmp_path / "private.png", 9)
    picture(tmp_path / "pics" / "own" / "a.png", 7)
    file = tmp_path / "pics" / "train-0.parquet"
    for path in (str(tmp_path / "private.png"), "../private.png", "/dev/zero"):
        rows(file, [png(1), {"bytes": None, "path": path}])
        with pytest.raises(
            DataError, match=r"image 1 of .*train-0\.parquet names '.*', outside of"
        ):
            read(tmp_path)
    (tmp_path / "pics" / "link.png").symlink_to(tmp_path / "private.png")
    rows(file, [png(1), {"bytes": None, "path": "link.png"}])
    with pytest.raises(DataError, match=r"names 'link\.png', outside of the data set"):
        read(tmp_path)
    rows(file, [png(1), {"bytes": None, "path": "own/a.png"}])
    assert levels(read(tmp_path)) == [1, 7]


def test_a_row_without_a_picture_is_named(tmp_path: Path) -> None:
    for cell in ({"bytes": None, "path": None}, {"bytes": b"", "path": None}):
        rows(tmp_path / "pics" / "train-0.parquet", [png(1), cell])
        with pytest.raises(DataError, match=r"image 1 of .*train-0\.parquet is (no picture|empty)"):
            read(tmp_path)


METADATA: dict[str, tuple[str, Mapping[str, list[Any]]]] = {
    "metadata.jsonl": (
        '{"file_name": "a.png", "text": "a red heart", "n": 3}\n\n{"file_name": "sub/b.png"}\n',
        {"text": ["a red heart", None], "n": [3, None]},
    ),
    "metadata.csv": (
        '\ufefffile_name,text,n\na.png,"red, with\na line",03\nsub\\b.png,,\n',
        {"text": ["red, with\na line", None], "n": ["03", None]},
    ),
}


@pytest.mark.parametrize("name", METADATA)
def test_what_lies_beside_pictures_gives_columns(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "pics" / "train"
    for file, level in (("a.png", 1), ("sub/b.png", 2), ("c.png", 3)):
        picture(home / file, level)
    text, columns = METADATA[name]
    (home / name).write_text(text, encoding="utf-8", newline="")
    dataset = read(tmp_path)
    assert levels(dataset) == [1, 2]
    assert dict(dataset.columns) == {"label": [None, "sub"], **columns}
    assert "pics: 1 pictures are left out, which no metadata names" in capsys.readouterr().err


def test_metadata_above_the_split_is_that_of_all_splits(tmp_path: Path) -> None:
    for name, level in (("train/a.png", 1), ("test/a.png", 2)):
        picture(tmp_path / "pics" / name, level)
    text = "file_name,text\ntrain/a.png,one\ntest/a.png,two\n"
    (tmp_path / "pics" / "metadata.csv").write_text(text, encoding="utf-8")
    for split, word in (("train", "one"), ("test", "two")):
        assert read(tmp_path, split).columns["text"] == [word]


def test_two_uploads_of_a_split_are_refused(tmp_path: Path) -> None:
    first, *second = ("train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002")
    for name in (first, *second):
        rows(tmp_path / "pics" / f"{name}.parquet", [png(1)])
    with pytest.raises(DataError, match="holds files train of two times; remove the older ones"):
        read(tmp_path)
    for name in second:
        (tmp_path / "pics" / f"{name}.parquet").unlink()
    rows(tmp_path / "pics" / "train.parquet", [png(1)])
    with pytest.raises(DataError, match="holds files train of two times"):
        read(tmp_path)
    rows(tmp_path / "pics" / "test" / "00001-of-00002.parquet", [png(1)])
    with pytest.raises(DataError, match=r"00000-of-00002\.parquet is missing in .*test"):
        read(tmp_path, "test")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("metadata.csv", "file_name,n,n\na.png,1,2\n", "has two columns of one name"),
        (
            "metadata.csv",
            "name\na.png\n",
            r"line 2 of .*csv has no 'file_name'; its columns are name",
        ),
        ("metadata.csv", "file_name\na.png,1\n", "line 2 of .*csv has more cells than columns"),
        ("metadata.csv", 'file_name\n"a.png\n', "line 1 of .*csv is no CSV: "),
        (
            "metadata.jsonl",
            '{"file_name": "b.png"}',
            r"line 1 of .* names 'b\.png', which is no pict",
        ),
        (
            "metadata.jsonl",
            '{"file_name": "../a.png"}',
            r"names '\.\./a\.png', outside of its folder",
        ),
        (
            "metadata.jsonl",
            '{"file_name": "/etc/a.png"}',
            "names '/etc/a.png', outside of its fold",
        ),
        ("metadata.jsonl", '{"file_name": "C:\\\\a.png"}', "outside of its folder"),
        ("metadata.jsonl", "\n[1]", r"line 2 of .*jsonl is no JSON object"),
        ("metadata.jsonl", "{" * 10_000, r"line 1 of .*jsonl is no JSON object"),
        (
            "metadata.jsonl",
            '{"file_name": "a.png"}\n{"file_name": "a.png"}',
            "which was named befo",
        ),
        ("metadata.jsonl", '{"file_name": 3}', "line 1 of .* has no 'file_name'"),
    ],
)
def test_metadata_that_is_wrong_is_refused_by_its_line(
    name: str, text: str, says: str, tmp_path: Path
) -> None:
    picture(tmp_path / "pics" / "train" / "a.png", 1)
    (tmp_path / "pics" / "train" / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read(tmp_path)


def test_metadata_that_is_no_utf_8(tmp_path: Path) -> None:
    picture(tmp_path / "pics" / "train" / "a.png", 1)
    (tmp_path / "pics" / "train" / "metadata.csv").write_bytes("file_name\ngrün".encode("latin-1"))
    with pytest.raises(DataError, match=r"metadata\.csv is not UTF-8"):
        read(tmp_path)


def test_files_with_other_columns_are_refused(tmp_path: Path) -> None:
    rows(tmp_path / "pics" / "train-0.parquet", [png(1)], text=["a"])
    rows(tmp_path / "pics" / "train-1.parquet", [png(1)], caption=["a"])
    with pytest.raises(
        DataError, match=r"train-1\.parquet has the columns image, caption, other f"
    ):
        read(tmp_path)


def test_plain_bytes_are_pictures_too(tmp_path: Path) -> None:
    file = tmp_path / "pics" / "train.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"image": [png(5)["bytes"]], "n": [1]}), file)
    dataset = read(tmp_path)
    assert levels(dataset) == [5]
    assert torch.equal(torch.tensor(dataset.columns["n"]), torch.tensor([1]))


@pytest.mark.parametrize(
    "beside", [None, "READ ME.txt", "Thumbs.db", "__MACOSX/._it.png", ".git/HEAD"]
)
@pytest.mark.parametrize("wrapping", ["", "archive", "archive/images", "train", "archive/train/im"])
def test_folders_of_classes_are_found_in_others(
    tmp_path: Path, wrapping: str, beside: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("0_Coat", "1_Bag"):
        for number in (1, 2):
            picture(tmp_path / "pics" / wrapping / label / f"scan ({number}).PNG", 40 * number)
    if beside:
        file = tmp_path / "pics" / beside
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    for folder in (tmp_path, tmp_path / "pics"):
        dataset = read(folder)
        assert dataset.columns["label"] == ["0_Coat", "0_Coat", "1_Bag", "1_Bag"]
    assert "not called so" not in capsys.readouterr().err


def test_both_splits_are_found_in_another_folder(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            picture(
                tmp_path / "pics" / "pics" / split / "images" / "ab"[number % 2] / f"{number}.png",
                9,
            )
    assert genzoo.open_zoo().splits(tmp_path / "pics") == ("test", "train")
    assert read(tmp_path / "pics").columns["label"] == ["a", "a", "b"]
    assert read(tmp_path / "pics", "test").columns["label"] == ["a", "b"]


@pytest.mark.parametrize(
    "pictures",
    [
        ["cat/1.png"],
        ["pets/1.png", "pets/dog/2.png", "pets/cat/3.png"],
        ["1.png", "cat/dog/2.png", "cat/bus/3.png"],
        ["a/b/c/1.png"],
    ],
)
def test_a_folder_with_pictures_is_a_class(tmp_path: Path, pictures: list[str]) -> None:
    for name in pictures:
        picture(tmp_path / "pics" / name, 9)
    labels = {name.split("/")[0] if "/" in name else None for name in pictures}
    assert set(read(tmp_path).columns["label"]) == labels


def test_what_is_written_beside_wrapped_pictures_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "pics" / "archive"
    for label in "ab":
        picture(inner / label / "1.png", 9)
    (inner / "metadata.csv").write_text("file_name,text\na/1.png,one\nb/1.png,two\n")
    assert read(tmp_path).columns == {"label": ["a", "b"], "text": ["one", "two"]}
    (inner / "metadata.csv").unlink()
    names = "file_name,text\narchive/a/1.png,one\narchive/b/1.png,two\n"
    (tmp_path / "pics" / "metadata.csv").write_text(names)
    assert read(tmp_path).columns["text"] == ["one", "two"]


def test_a_folder_that_holds_itself_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "again").symlink_to(tmp_path / "pics")
    with pytest.raises(DataError, match="holds neither"):
        read(tmp_path)


def test_rows_in_two_folders_are_found(tmp_path: Path) -> None:
    rows(tmp_path / "pics" / "archive" / "data" / "train-00000-of-00001.parquet", [png(7)])
    assert levels(read(tmp_path)) == [7]
