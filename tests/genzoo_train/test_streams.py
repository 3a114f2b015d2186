"""Training on a dataset of the Hub that is read as it is needed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets_hub import DatasetsHub, serving
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genzoo_train.batches import Shuffled

ROWS, SHARDS = 400, 3

RECIPE = """
name = "dots"

[card]
family = "diffusion"
summary = "A test."

[data]
name = "dots"
hub = "acme/dots"
shape = [3, 8, 8]
stream = 250

[model]
component = "genzoo/diffusion"

[model.config]
shape = [3, 8, 8]
noiser = { component = "genzoo/rectified-flow" }
network = { type = "mlp", width = 8, blocks = 1, embedding = 8 }
steps = 2

[model.conditioners.label]
component = "genzoo/class-labels"
column = "label"
config = { classes = ["a", "b"] }

[[stages]]
name = "denoising"
steps = 40
batch_size = 64

[report]
checkpoint_every = 5
sample_every = 10
samples = 4
"""


def png(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256, 7)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three shards of 400 pictures, and the recipe beside them."""
    folder = tmp_path / "data" / "dots"
    folder.mkdir(parents=True)
    for shard in range(SHARDS):
        rows = [
            {"image": {"bytes": png(n), "path": None}, "label": "ab"[n % 2]}
            for n in range(ROWS * shard, ROWS * (shard + 1))
        ]
        name = f"train-{shard:05}-of-{SHARDS:05}.parquet"
        pq.write_table(pa.Table.from_pylist(rows), folder / name, row_group_size=90)
    (tmp_path / "dots.toml").write_text(RECIPE, encoding="utf-8")
    return folder


@pytest.fixture
def hub(folder: Path) -> Iterator[DatasetsHub]:
    with serving(folder) as hub:
        yield hub


def train(hub: DatasetsHub, home: Path, out: str, *words: str) -> str:
    """Train in `home / out`; returns what it said, and how it ended."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "GENZOO_DATA"},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home / "hf"),
    }
    command = [sys.executable, "-m", "genzoo", "train", "dots.toml", "--threads", "1"]
    command += ["--out", out, *words]
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    return f"{done.stderr}exit {done.returncode}"


def weights(home: Path, out: str) -> bytes:
    return (home / out / "dots.safetensors").read_bytes()


def test_a_stream_gives_the_weights_of_the_folder_also_when_it_is_resumed(
    hub: DatasetsHub, tmp_path: Path
) -> None:
    said = train(hub, tmp_path, "folder", "--data", str(tmp_path / "data"))
    assert said.endswith("exit 0")
    assert not hub.asked
    said = train(hub, tmp_path, "whole")
    assert said.endswith("exit 0")
    assert "no images" not in said
    assert train(hub, tmp_path, "parts", "--max-steps", "23").endswith("exit 0")
    # 1,200 rows are five blocks, the last of 200; each says where in the shards it begins.
    lines = (tmp_path / "parts" / "stream.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)[0] for line in lines] == [0, 1, 2, 3, 4]
    assert [json.loads(line)[1]["row"] for line in lines] == [0, 250, 500, 750, 1000]
    assert train(hub, tmp_path, "parts", "--resume").endswith("exit 0")
    assert weights(tmp_path, "folder") == weights(tmp_path, "whole") == weights(tmp_path, "parts")
    assert not list((tmp_path / "hf").rglob("*.arrow"))  # nothing is kept


def test_what_goes_wrong_on_the_way_is_one_line_and_can_be_gone_on_from(
    hub: DatasetsHub, tmp_path: Path
) -> None:
    # The picture of row 1,010, which is seen after some steps, is none.
    name = "train-00002-of-00003.parquet"
    table = pq.read_table(io.BytesIO(hub.files[name])).to_pylist()
    table[210]["image"]["bytes"] = b"no picture"
    whole, file = hub.files[name], io.BytesIO()
    pq.write_table(pa.Table.from_pylist(table), file)
    hub.files[name] = file.getvalue()
    said = train(hub, tmp_path, "run")
    assert said.endswith("exit 1")
    assert "image 1010 of the Hub's acme/dots" in said
    hub.files[name] = whole
    assert train(hub, tmp_path, "run", "--resume").endswith("exit 0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("data.aside=0.1", "nothing can be set aside of a stream"),
        ("data.hub=", "no Hub"),
        ("data.hub=acme/none", "does not give acme/none"),
        ("data.split=dev", "no split 'dev'"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    change: str, reason: str, hub: DatasetsHub, tmp_path: Path
) -> None:
    said = train(hub, tmp_path, "run", "--set", change)
    assert reason in said
    assert said.endswith("exit 1")
    assert "Traceback" not in said


@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 30), st.integers(0, 5))
def test_blocks_are_shuffled_one_after_the_other(
    n: int, batch: int, block: int, epochs: int
) -> None:
    order = Shuffled(n, batch, 3, "stage", torch.device("cpu"), block)
    steps = range((epochs + 1) * n // batch + 1)
    seen = torch.cat([order.at(step) for step in steps])
    for epoch in range(len(seen) // n):
        rows = seen[epoch * n : (epoch + 1) * n]
        assert sorted(rows.tolist()) == list(range(n))
        numbers = (rows // (block or n)).tolist()
        assert numbers == sorted(numbers)
