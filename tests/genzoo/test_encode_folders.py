"""`genzoo encode` of whole folders, and `decode` of what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from painting import Cli
from PIL import Image

COUNT = 11
"""Pictures in the folder, of which each second one lies in a folder below it."""


@pytest.fixture
def folder(painter: Path) -> Path:
    """A folder of pictures of the size of `plain`'s, with a note beside them."""
    rng = np.random.default_rng(0)
    (painter / "digits" / "more").mkdir(parents=True)
    for index in range(COUNT):
        name = f"more/{index:02}.png" if index % 2 else f"é {index:02}.png"
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(painter / "digits" / name)
    (painter / "digits" / "note.txt").write_text("mine", encoding="utf-8")
    return painter / "digits"


def names_in(folder: Path) -> list[str]:
    """The names of the rows, in their order."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*.png"))]


def test_a_folder_gives_the_latents_of_its_pictures_with_their_names(
    folder: Path, cli: Cli
) -> None:
    done = cli("encode", "plain", "digits", "-o", "z.npz", "--batch", "4")
    assert (done.code, done.out) == (0, "z.npz\n")
    assert "1 file is left out, of kinds that Pillow does not decode here: .txt" in done.err
    files = sorted(folder.rglob("*.png"))
    assert cli("encode", "plain", *files, "-o", "each.npz", "--batch", "4").code == 0
    with np.load("z.npz") as many, np.load("each.npz") as each:
        assert list(many["names"]) == names_in(folder)
        np.testing.assert_array_equal(many["mean"], each["mean"])
        np.testing.assert_array_equal(many["std"], each["std"])
        record = json.loads(str(many["record"]))["record"]
    assert record["encode"] is True
    assert "inputs" not in record


@pytest.mark.parametrize("model", ["plain", "coded"])
def test_parquet_and_npz_hold_the_same_and_are_decoded_alike(
    folder: Path, cli: Cli, model: str
) -> None:
    for name in ("z.npz", "z.parquet"):
        done = cli("encode", model, "digits", "-o", name, "--batch", "4", "--json")
        assert json.loads(done.out)["shape"] == [COUNT, 8]
    table = pq.read_table("z.parquet")
    with np.load("z.npz") as arrays:
        assert table["name"].to_pylist() == list(arrays["names"])
        for array in set(arrays) - {"names", "record"}:
            rows = np.stack(table[array].to_numpy())
            assert rows.dtype == arrays[array].dtype
            np.testing.assert_array_equal(rows, arrays[array])
        assert json.loads(table.schema.metadata[b"genzoo"]) == json.loads(str(arrays["record"]))
    for name in ("z.npz", "z.parquet"):
        assert cli("decode", model, name, "-o", f"{name}.npz", "--batch", "3").code == 0
    with np.load("z.npz.npz") as one, np.load("z.parquet.npz") as other:
        assert one["images"].shape == (COUNT, 8, 8, 1)
        np.testing.assert_array_equal(one["images"], other["images"])


def test_a_table_says_how_it_was_made(folder: Path, cli: Cli) -> None:
    assert cli("encode", "plain", "digits", "-o", "z.parquet").code == 0
    done = cli("show", "z.parquet")
    assert done.out.startswith("z.parquet: latents\n")


def test_of_files_and_several_folders_a_name_is_the_path(folder: Path, cli: Cli) -> None:
    assert cli("encode", "plain", "digits/more", "digits/é 00.png", "-o", "z.npz").code == 0
    with np.load("z.npz") as arrays:
        names = [f"digits/more/{index:02}.png" for index in range(1, COUNT, 2)]
        assert list(arrays["names"]) == [*names, "digits/é 00.png"]
    assert cli("encode", "plain", "digits/é 00.png", "-o", "z.parquet").code == 0
    assert pq.read_table("z.parquet")["name"].to_pylist() == ["digits/é 00.png"]


def test_what_cannot_be_read_is_named_and_left_out(folder: Path, cli: Cli) -> None:
    for index in range(8):
        (folder / f"0-bad-{index}.png").write_bytes(b"no picture")
    Image.new("RGB", (9, 9)).save(folder / "z.png")
    done = cli("encode", "plain", "digits", "-o", "z.npz", "--batch", "2")
    assert done.code == 0
    lines = done.err.splitlines()
    bad = [line for line in lines if line.startswith("left out: digits/0-bad")]
    assert len(bad) == 5
    assert "left out: 3 more files" in lines
    assert "digits/z.png: converted from RGB to L, resized from 9×9 to 8×8 pixels" in lines
    with np.load("z.npz") as arrays:
        assert len(arrays["names"]) == len(arrays["mean"]) == COUNT + 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plain", "empty", "-o", "z.npz"], "folder empty holds no pictures"),
        (["plain", "bad", "-o", "z.npz"], "bad/a.png is not a picture that can be read"),
        (["plain", "digits", "-o", "z.safetensors"], "give -o z.npz or -o z.parquet"),
        (["plain", "digits", "-o", "z.csv"], "give .npz, .safetensors or .parquet"),
        (["plain", "not-there", "-o", "z.parquet"], "cannot read not-there"),
        (["plain", "digits", "-o", "z.npz", "--prompt", "a", "--prompt", "b"], "one prompt"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    folder: Path, cli: Cli, words: list[str], message: str
) -> None:
    Path("empty").mkdir()
    Path("bad").mkdir()
    Path("bad/a.png").write_bytes(b"no picture")
    done = cli("encode", *words)
    assert done.code == 2
    assert message in done.err
    assert not list(Path().glob("z.*"))


def table_of(column: pa.Array, shape: str | None = None) -> pa.Table:
    metadata = None if shape is None else {"shape": shape}
    return pa.table([column], schema=pa.schema([pa.field("mean", column.type, metadata=metadata)]))


def fixed(values: list[list[float] | None], length: int = 8) -> pa.Array:
    return pa.array(values, pa.list_(pa.float32(), length))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of(pa.array([[0.0] * 8])), "z.parquet has no array"),
        (table_of(fixed([[0.0] * 4], 4)), "has the shape [1, 4]; painter/plain decodes [N, 8]"),
        (table_of(fixed([[0.0] * 8]), "[2, 2]"), "and says the shape (2, 2)"),
        (table_of(fixed([[0.0] * 8]), "[-8, -1]"), "and says the shape (-8, -1)"),
        (table_of(fixed([[0.0] * 8]), "x"), "is a damaged parquet file"),
        (table_of(fixed([[0.0] * 8, None])), "has rows without numbers"),
        (table_of(fixed([[0.0] * 7 + [float("nan")]])), "latent 0 is not finite"),
        (table_of(fixed([])), "from 1 to"),
    ],
)
def test_a_table_that_holds_no_latents_is_refused(
    painter: Path, cli: Cli, table: pa.Table, message: str
) -> None:
    pq.write_table(table, "z.parquet")
    done = cli("decode", "plain", "z.parquet", "-o", "again.png")
    assert done.code in (1, 2)
    assert message in done.err
    assert not Path("again.png").exists()


def test_a_damaged_table_is_refused(folder: Path, cli: Cli) -> None:
    assert cli("encode", "plain", "digits", "-o", "z.parquet").code == 0
    content = Path("z.parquet").read_bytes()
    for stop in (4, 100, len(content) - 1):
        Path("cut.parquet").write_bytes(content[:stop])
        done = cli("decode", "plain", "cut.parquet", "-o", "again.png")
        assert done.code == 2
        assert "cut.parquet is a damaged parquet file" in done.err
