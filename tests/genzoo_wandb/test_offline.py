"""What Weights & Biases would be sent of a training, read from its offline folder."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from small_training import train
from wandb.proto.wandb_internal_pb2 import Record


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_PROJECT", "WANDB_API_KEY", "WANDB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("HOME", str(tmp_path))  # where a login would be


BLOCK, HEADER = 32768, 7


def chunks(data: bytes) -> Iterator[bytes]:
    """The records of a file in LevelDB's log format, after a header of as many bytes as theirs.

    https://github.com/google/leveldb/blob/main/doc/log_format.md
    """
    assert data.startswith(b":W&B")
    place, parts = HEADER, b""
    while place < len(data):
        if BLOCK - place % BLOCK < HEADER:  # a block's end, too short for a record
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        parts += data[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def records(run: Path) -> dict[str, list[Any]]:
    """All that was written of a run, by kind, when wandb's process, which writes, has ended."""
    wandb.teardown()
    found = defaultdict(list)
    for file in sorted(run.glob("wandb/offline-run-*/*.wandb")):
        for data in chunks(file.read_bytes()):
            record = Record.FromString(data)
            kind = record.WhichOneof("record_type")
            found[kind].append(getattr(record, kind))
    return found


def logged(run: Path) -> list[dict[str, Any]]:
    """The figures in their order."""
    return [
        {
            item.key or ".".join(item.nested_key): json.loads(item.value_json)
            for item in history.item
        }
        for history in records(run)["history"]
    ]


def test_figures_samples_and_the_recipe(tmp_path: Path) -> None:
    assert train(tmp_path) == 0
    rows = logged(tmp_path / "run")
    assert [row["_step"] for row in rows] == [4, 8, 12]
    assert all({"loss", "mse", "images/s"} <= set(row) for row in rows)
    assert rows[1]["samples._type"] == "image-file"
    found = records(tmp_path / "run")
    (run,) = found["run"]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert (run.project, run.display_name) == ("genzoo", "small")
    assert config["stages"][0]["steps"] == 12
    assert [end.exit_code for end in found["exit"]] == [0]


def test_a_resumed_training_goes_on_in_its_run(tmp_path: Path) -> None:
    assert train(tmp_path, "--max-steps", "8") == 0
    assert train(tmp_path, "--resume") == 0
    assert len({run.run_id for run in records(tmp_path / "run")["run"]}) == 1
    assert [row["_step"] for row in logged(tmp_path / "run")] == [4, 8, 12]


@pytest.mark.parametrize("mode", [None, "disabled"])
def test_nothing_is_written_where_nobody_wants_it(
    mode: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)  # to be logged in is not to want it
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
        monkeypatch.setenv("WANDB_PROJECT", "mine")
    assert train(tmp_path) == 0
    assert not (tmp_path / "run" / "wandb").exists()


def test_nobody_who_is_logged_in_costs_a_warning(tmp_path: Path) -> None:
    # In a process of its own: wandb reads its environment once.
    code = f"from small_training import train; print(train(Path({str(tmp_path)!r})))"
    command = [sys.executable, "-c", f"from pathlib import Path; {code}"]
    environment = {
        **os.environ,
        "WANDB_MODE": "online",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Warning: plugin wandb" in done.stderr
    assert (tmp_path / "run" / "small.safetensors").exists()
