"""Data sets on the disk, as parquet or as a folder of pictures: read, or refused."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from fuzzing.binaries import changed_png
from fuzzing.judging import expect
from fuzzing.material import labels_and_pictures
from fuzzing.mutations import changed, changed_bytes, changed_text, hostile

import genzoo
from genzoo_core.recipe import DataRecipe

FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["a", "b"], "_type": "ClassLabel"},
}


def prepare() -> Callable[[Random], None]:
    import torch

    torch.set_num_threads(1)
    zoo = genzoo.open_zoo()
    labels, pictures = labels_and_pictures()
    home = Path("data/d")
    import_module("datasets")  # the first example is not to pay for it

    def example(chance: Random) -> None:
        shutil.rmtree("data", ignore_errors=True)
        home.mkdir(parents=True)
        if chance.random() < 0.5:
            (home / "train-00000-of-00001.parquet").write_bytes(table(chance, labels, pictures))
        else:
            write_folder(chance, home, labels, pictures)
        split = chance.choice(["train"] * 9 + ["test"])
        recipe = DataRecipe("d", (1, 8, 8), split=split)
        found = zoo.dataset(recipe, Path("data"))
        count, *shape = found.images.shape
        expect(shape == [1, 8, 8] and count > 0, f"images of {list(found.images.shape)}")
        expect(found.images.dtype == torch.uint8, f"images of {found.images.dtype}")
        for name, column in found.columns.items():
            expect(len(column) == count, f"column {name} has {len(column)} rows of {count}")

    return example


def table(chance: Random, labels: list[int], pictures: list[bytes]) -> bytes:
    """A parquet file whose columns, types, metadata or bytes are odd."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, Any] = {
        "image": [{"bytes": data, "path": None} for data in pictures],
        "label": labels,
    }
    features: Any = FEATURES
    match chance.randrange(6):
        case 0:
            picture = chance.randrange(len(pictures))
            source = chance.choice([None, b"", changed_png(chance, pictures[0])])
            path = chance.choice([None, hostile_path(chance)])
            cell = chance.choice([None, {"bytes": source, "path": path}])
            rows["image"][picture] = cell
        case 1:
            column = chance.choice(["image", "label"])
            values = chance.choice([
                pictures, list(map(str, labels)), [None] * 12, [1.5] * 12, [[1]] * 12,
                [{"bytes": "x", "path": 1}] * 12, [{"bytes": pictures[0]}] * 12,
                [{"path": hostile_path(chance)}] * 12, [True] * 12, [{"a": {"b": 1}}] * 12,
                [hostile_path(chance)] * 12, [2**62] * 12, [-5] * 12, [[[0] * 8] * 8] * 12,
            ])  # fmt: skip
            rows[column] = values
        case 2:
            features = changed(chance, FEATURES)
        case 3:
            name = hostile(chance)
            rows[name if isinstance(name, str) else "more"] = [str(name)[:100]] * 12
        case 4:
            del rows[chance.choice(["image", "label"])]
        case 5:
            rows = {name: values[: chance.choice([0, 1, 2])] for name, values in rows.items()}
    out = io.BytesIO()
    try:
        data = pa.table(rows)
        if chance.random() < 0.7:
            text = json.dumps({"info": {"features": features}}).encode()
            data = data.replace_schema_metadata({"huggingface": changed_text(chance, text)})
        pq.write_table(data, out, compression=chance.choice(["snappy", "none", "zstd", "gzip"]))
    except (pa.ArrowException, TypeError, OverflowError, UnicodeError, ValueError):
        return b"PAR1" + chance.randbytes(50) + b"PAR1"  # pyarrow does not write this
    return changed_bytes(chance, out.getvalue()) if chance.random() < 0.5 else out.getvalue()


def hostile_path(chance: Random) -> str:
    """A path that a row should not name."""
    paths = ["../../it/x.png", "/etc/passwd", "/dev/zero", "zip://x.png::../a.zip", "a\0b"]
    return chance.choice(
        [*paths, "http://127.0.0.1:9/x.png", "hf://datasets/a/b/x.png", "x" * 5000]
    )


def write_folder(chance: Random, home: Path, labels: list[int], pictures: list[bytes]) -> None:
    """Pictures in folders, with odd names, odd files among them, and tables beside them."""
    home = home / "train" if chance.random() < 0.3 else home
    by_class = chance.random() < 0.7
    for number, (label, data) in enumerate(zip(labels, pictures, strict=True)):
        path = home / "ab"[label] / f"{number}.png" if by_class else home / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(changed_png(chance, data) if chance.random() < 0.04 else data)
    if chance.random() < 0.5:
        add_oddity(chance, chance.choice([home, home / "a"]) if by_class else home, pictures[0])
    if chance.random() < 0.5:
        rows = [{"file_name": f"{number}.png", "text": "a red dot", "label": number % 2}
                for number in range(len(pictures))]  # fmt: skip
        tree = changed(chance, rows)
        rows = tree if isinstance(tree, list) else [tree]
        if chance.random() < 0.5:
            name, lines = "metadata.jsonl", [json.dumps(row) for row in rows]
        else:
            name, lines = "metadata.csv", ["file_name,text,label"]
            cells = [row.values() if isinstance(row, dict) else [row] for row in rows]
            lines += [",".join(map(str, row)) for row in cells]
        text = "\n".join(lines).encode("utf-8", "surrogatepass")
        (home / name).write_bytes(changed_text(chance, text))


def add_oddity(chance: Random, folder: Path, picture: bytes) -> None:
    """Something in a folder of pictures that is none, or that has a hard name."""
    name = str(hostile(chance)).replace("/", "_").replace("\0", "_")[:60] + ".png"
    with suppress(OSError, UnicodeError):
        path = folder / chance.choice([name, "x.png", ".x.png", "[a].png", "a*.png", "a::b.png"])
        match chance.randrange(5):
            case 0:
                path.write_bytes(picture)
            case 1:
                path.mkdir()
            case 2:
                os.mkfifo(path)
            case 3:
                os.symlink(chance.choice([path.name, "..", "/dev/zero", "/etc/passwd"]), path)
            case 4:
                path.write_bytes(b"")
