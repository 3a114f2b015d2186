"""A large dataset is decoded once, and mapped into memory from the cache afterwards."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import genzoo
from genzoo.files.decoded import Decoded
from genzoo_core import Dataset
from genzoo_core.recipe import DataRecipe
from genzoo_core.zoo import Zoo

COUNT = 1030
RECIPE = DataRecipe("dots", (1, 4, 4))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def zoo() -> Zoo:
    return genzoo.open_zoo()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 4×4 pixels, each of one grey value, with a file that is none."""
    folder = tmp_path_factory.mktemp("source") / "dots"
    for number in range(COUNT):
        file = folder / "train" / "ab"[number % 2] / f"{number:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number % 256).save(file)
    (folder / "train" / "note.pdf").write_bytes(b"")
    return folder


@pytest.fixture
def data(source: Path, tmp_path: Path) -> Path:
    """A copy, whose files are to be replaced and not written to."""
    return shutil.copytree(source, tmp_path / "dots", copy_function=os.link)


def cached() -> list[Path]:
    return sorted((Path(os.environ["GENZOO_CACHE"]) / "datasets").glob("*"))


def same(one: Dataset, other: Dataset) -> bool:
    return torch.equal(one.images, other.images) and one.columns == other.columns


def test_it_is_what_was_decoded(zoo: Zoo, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fresh = zoo.dataset(RECIPE, data)
    assert fresh.images[:, 0, 0, 0].tolist()[:3] == [0, 2, 4]  # the class a, then b
    assert fresh.columns["label"] == ["a"] * (COUNT // 2) + ["b"] * (COUNT // 2)
    index, pixels = cached()
    assert pixels.stat().st_size == COUNT * 16
    assert "1 file is left out" in capsys.readouterr().err
    stamp = pixels.stat().st_mtime_ns
    assert same(zoo.dataset(RECIPE, data), fresh)
    assert cached()[1].stat().st_mtime_ns == stamp
    assert index.exists()


def test_what_was_said_is_said_again(data: Path) -> None:
    # In processes of their own: one says a thing once.
    code = (
        "import sys, genzoo; from pathlib import Path; from genzoo_core.recipe import DataRecipe; "
        "genzoo.open_zoo().dataset(DataRecipe('dots', (1, 4, 4)), Path(sys.argv[1]))"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code, str(data)], capture_output=True, text=True, check=True
        )
        assert "1 file is left out" in done.stderr


def test_nothing_is_said_of_another_folder_with_the_same_files(
    zoo: Zoo, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mine", "yours"):
        folder = shutil.copytree(data / "train", tmp_path / name, copy_function=os.link)
        zoo.dataset(RECIPE, folder)
        assert f"pictures of {folder}, which is not called so" in capsys.readouterr().err
    (data / "bus").mkdir()
    zoo.dataset(RECIPE, data)
    assert "bus" in capsys.readouterr().err


def test_pixels_that_are_changed_in_memory_stay_in_the_file(zoo: Zoo, data: Path) -> None:
    zoo.dataset(RECIPE, data)
    zoo.dataset(RECIPE, data).images.fill_(7)
    assert zoo.dataset(RECIPE, data).images.max() == 255


@pytest.mark.parametrize("change", ["pixels", "name", "caption", "fewer", "metadata"])
def test_other_files_are_other_data(zoo: Zoo, data: Path, change: str) -> None:
    before = zoo.dataset(RECIPE, data)
    first = data / "train" / "a" / "0000.png"
    if change == "pixels":  # as long, and as old
        stamp = first.stat()
        content = first.read_bytes()
        first.unlink()
        first.write_bytes((data / "train" / "a" / "0002.png").read_bytes())
        os.utime(first, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert first.read_bytes() != content
    elif change == "name":
        first.rename(data / "train" / "b" / "0000.png")
    elif change == "caption":
        first.with_suffix(".txt").write_text("black", encoding="utf-8")
    elif change == "fewer":
        first.unlink()
    else:
        rows = [f"train/a/{number:04}.png,{number}" for number in range(0, COUNT, 2)]
        text = "\n".join(["file_name,age", *rows])
        (data / "metadata.csv").write_text(text, encoding="utf-8")
    after = zoo.dataset(RECIPE, data)
    assert not same(before, after)
    assert same(after, zoo.dataset(RECIPE, data))


@pytest.mark.parametrize(
    "recipe",
    [
        DataRecipe("dots", (1, 2, 2)),
        DataRecipe("dots", (3, 4, 4)),
        DataRecipe("dots", (1, 4, 4), aside=0.2),
        DataRecipe("dots", (1, 4, 4), aside=0.2, split="test"),
    ],
)
def test_other_recipes_are_other_data(zoo: Zoo, data: Path, recipe: DataRecipe) -> None:
    before = zoo.dataset(RECIPE, data)
    other = zoo.dataset(recipe, data)
    assert other.images.shape != before.images.shape
    assert same(other, zoo.dataset(recipe, data))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "content", [None, b"", b"\xff" * 100, "folder"], ids=["gone", "empty", "other", "folder"]
)
def test_what_is_damaged_is_decoded_again(
    zoo: Zoo, data: Path, which: int, content: bytes | str | None
) -> None:
    fresh = zoo.dataset(RECIPE, data)
    expected = fresh.images.clone()
    file = cached()[which]
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "folder":
        file.mkdir()
    found = zoo.dataset(RECIPE, data)
    assert torch.equal(found.images, expected)
    assert found.columns == fresh.columns


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_cannot_be_written(zoo: Zoo, data: Path) -> None:
    cache = Path(os.environ["GENZOO_CACHE"])
    cache.mkdir(exist_ok=True)
    cache.chmod(0o500)
    assert len(zoo.dataset(RECIPE, data).images) == COUNT


def test_no_place_for_a_cache(
    zoo: Zoo, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "file"))
    assert len(zoo.dataset(RECIPE, data).images) == COUNT


def test_what_was_long_not_read_goes(zoo: Zoo, data: Path) -> None:
    zoo.dataset(RECIPE, data)
    old = cached()
    for file in old:
        os.utime(file, (0, 0))
    zoo.dataset(DataRecipe("dots", (1, 2, 2)), data)
    assert len(cached()) == 2
    assert not set(old) & set(cached())


READS = """
import sys, genzoo
from pathlib import Path
from genzoo_core.recipe import DataRecipe
zoo = genzoo.open_zoo()
print("reading", flush=True)
print(zoo.dataset(DataRecipe("dots", (1, 4, 4)), Path(sys.argv[1])).images.sum().item())
"""


def test_what_another_process_decodes_is_waited_for(data: Path) -> None:
    place = Decoded.of(RECIPE, data)
    assert place is not None
    with place.alone():
        other = subprocess.Popen(
            [sys.executable, "-c", READS, str(data)], stdout=subprocess.PIPE, encoding="utf-8"
        )
        assert other.stdout is not None
        assert other.stdout.readline() == "reading\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(5)  # without the lock it is done in less
        # Pictures that the files do not hold tell whose they are.
        ones = torch.ones(COUNT, 1, 4, 4, dtype=torch.uint8)
        place.write(ones, lambda: {"label": ["a"] * COUNT}, [])
    assert other.communicate(timeout=60)[0] == f"{COUNT * 16}\n"
    assert [path.suffix for path in cached()] == [".index", ".pixels"]


def test_one_who_died_decoding_holds_nobody_up(zoo: Zoo, data: Path) -> None:
    place = Decoded.of(RECIPE, data)
    assert place is not None
    place.lock.parent.mkdir(parents=True)
    code = (
        "import sys, time, filelock; "
        "filelock.FileLock(sys.argv[1]).acquire(); print(); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-uc", code, str(place.lock)], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    assert len(zoo.dataset(RECIPE, data)) == COUNT
    assert [path.suffix for path in cached()] == [".index", ".pixels"]


def test_few_rows_of_a_table_are_read_without_what_reads_tables(tmp_path: Path) -> None:
    pictures = [Image.new("L", (4, 4), level) for level in (3, 5)]
    files = [io.BytesIO(), io.BytesIO()]
    for picture, file in zip(pictures, files, strict=True):
        picture.save(file, "PNG")
    table = pa.table({"image": [{"bytes": file.getvalue()} for file in files], "text": ["a", "b"]})
    (tmp_path / "dots").mkdir()
    pq.write_table(table, tmp_path / "dots" / "train.parquet")
    code = f"{READS}\nprint('datasets' in sys.modules)"
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["reading", str(16 * 8), "True"], ["reading", str(16 * 8), "False"]]
