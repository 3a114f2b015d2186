"""Files of prompts, and folders of shards: pictures are made of them, or they are refused."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fuzzing.judging import command, expect
from fuzzing.mutations import as_json, changed, changed_bytes, changed_text, hostile

ROWS = [{"prompt": "3", "seed": 7}, {"prompt": "seven", "seed": 2**62}, {"prompt": 9, "seed": 0}]
WORDS = ("run", "gan-mnist", "-n", "2")
SHARDS = ("--shards", "arrays", "--shard-size", "4", "--seed", "0")


def prepare() -> Callable[[Random], None]:
    command(*WORDS, "-o", "sound", *SHARDS)

    def example(chance: Random) -> None:
        for folder in ("out", "made"):
            shutil.rmtree(folder, ignore_errors=True)
        if chance.random() < 0.3:
            damage(chance)
            command(*WORDS, "-o", "out", *SHARDS)
            check_same()
            return
        suffix, content = mutated(chance)
        Path(f"p{suffix}").write_bytes(content)
        output = chance.choice([["out", "--shards", "webdataset"], ["made/"]])
        command(*WORDS, "--prompts", f"p{suffix}", "-o", *output)

    return example


def mutated(chance: Random) -> tuple[str, bytes]:
    """A file of prompts, and the suffix of its name."""
    rows: list[Any] = [dict(row) for row in ROWS]
    suffix = chance.choice([".jsonl", ".jsonl", ".csv", ".txt", ".parquet", ".json", ""])
    if suffix == ".parquet":
        file = io.BytesIO()
        pq.write_table(pa.table({"prompt": ["3", "4"], "seed": [7, 8]}), file)
        return suffix, changed_bytes(chance, file.getvalue())
    if suffix == ".jsonl":
        rows = [changed(chance, row) if chance.random() < 0.4 else row for row in rows]
        content = b"\n".join(map(as_json, rows))
    elif suffix == ".csv":
        cells = [[str(cell) for cell in row.values()] for row in ROWS]
        if chance.random() < 0.5:
            chance.choice(cells)[chance.randrange(2)] = str(hostile(chance))
        lines = [",".join(row) for row in [["prompt", "seed"], *cells]]
        content = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    else:
        content = b"3\nseven\nrandom\n"
    return suffix, changed_text(chance, content) if chance.random() < 0.5 else content


def damage(chance: Random) -> None:
    """A folder of shards in which something is wrong."""
    shutil.copytree("sound", "out")
    (shard,) = Path("out").glob("*.safetensors")
    manifest = Path("out/manifest.json")
    kind = chance.randrange(4)
    if kind == 0:
        shard.write_bytes(changed_bytes(chance, shard.read_bytes()))
    elif kind == 1:
        manifest.write_bytes(changed_text(chance, manifest.read_bytes()))
    elif kind == 2:
        manifest.write_bytes(as_json(changed(chance, json.loads(manifest.read_bytes()))))
    else:
        notes = Path("out/.shards")
        notes.mkdir()
        note = json.loads(manifest.read_bytes())["shards"][0]
        content = b"\n".join([as_json(changed(chance, note)), as_json(note)])
        (notes / "0-of-1.jsonl").write_bytes(changed_text(chance, content))


def check_same() -> None:
    """What was gone on with is as it was made at first."""
    for path in Path("sound").glob("*.safetensors"):
        same = Path("out", path.name).read_bytes() == path.read_bytes()
        expect(same, f"{path.name} is another one than was made")
