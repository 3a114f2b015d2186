"""`genzoo run --prompts`: files of prompts, well-formed and hostile."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from painting import GENZOO, Cli, assert_refused

JSONL = (
    '{"prompt": "3", "text": "a cat", "seed": 40}\n'
    '\r\n{"seed": 9, "text": "a “dog”", "prompt": 7}\r\n'
)
CSV = '\ufeffprompt,text,seed\r\n3,a cat,40\r\n"7","a “dog”",9\r\n'
TABLE = {"prompt": [3.0, 7.0], "text": ["a cat", "a “dog”"], "seed": [40, 9]}


def seeds(path: str) -> list[int]:
    with np.load(path) as arrays:
        found: list[int] = arrays["seeds"].tolist()
    return found


def record(path: str) -> dict[str, object]:
    with np.load(path) as arrays:
        found: dict[str, object] = json.loads(str(arrays["record"]))["record"]
    return found


def as_parquet() -> None:
    pq.write_table(pa.table(TABLE), "rows.parquet")


WRITE: dict[str, Callable[[], object]] = {
    "rows.jsonl": lambda: Path("rows.jsonl").write_text(JSONL, encoding="utf-8"),
    "rows.csv": lambda: Path("rows.csv").write_text(CSV, encoding="utf-8"),
    "rows.parquet": as_parquet,
}


@pytest.mark.parametrize("name", WRITE)
def test_rows_have_prompts_conditions_and_seeds(painter: Path, cli: Cli, name: str) -> None:
    WRITE[name]()
    assert cli("run", "colour", "--prompts", name, "-n", "2", "-o", "a.npz").code == 0
    assert seeds("a.npz") == [40, 41, 9, 10]
    said = record("a.npz")
    assert said["prompts"] == ["3", "7"]
    assert said["conditions"] == {"text": ["a cat", "a “dog”"]}
    words = ["run", "colour", "7", "--set", "text=a “dog”", "--seed", "9", "-n", "2"]
    assert cli(*words, "-o", "b.npz").code == 0
    with np.load("a.npz") as a, np.load("b.npz") as b:
        assert np.abs(a["images"][2:].astype(int) - b["images"]).max() <= 1


def test_a_text_file_has_a_prompt_a_line(painter: Path, cli: Cli) -> None:
    Path("p.txt").write_bytes(b"\xef\xbb\xbf3\r\n\r\n  7 \nrandom")
    assert cli("run", "colour", "--prompts", "p.txt", "--seed", "5", "-o", "a.npz").code == 0
    assert record("a.npz")["prompts"] == ["3", "7", "random"]
    assert seeds("a.npz") == [5, 6, 7]
    assert cli("run", "colour", "--prompts", "p.txt", "-n", "2", "-o", "out", "--shards").code == 0
    (shard,) = Path("out").glob("*.parquet")
    table = pq.read_table(shard)
    assert table["label"].to_pylist() == ["3", "3", "7", "7", "random", "random"]


@pytest.mark.parametrize(
    ("text", "prompts"), [("3\n7\n", ["3", "7"]), ('{"label": 3}\n{"label": 7}', ["3", "7"])]
)
def test_prompts_come_on_stdin(painter: Path, text: str, prompts: list[str]) -> None:
    for output in (["-o", "a.npz"], ["-o", "out", "--shards"]):
        command = [*GENZOO, "run", "colour", "--prompts", "-", "--seed", "0", *output]
        done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert record("a.npz")["prompts"] == prompts
    assert pq.read_table("out/train-00000-of-00001.parquet")["label"].to_pylist() == prompts


def test_a_file_of_seeds(painter: Path, cli: Cli) -> None:
    Path("s.csv").write_text("seed\n5\n3\n")
    assert cli("run", "plain", "--prompts", "s.csv", "-o", "a.npz").code == 0
    assert seeds("a.npz") == [5, 3]
    assert cli("run", "plain", "--prompts", "s.csv", "-n", "2", "-o", "out", "--shards").code == 0
    found = pq.read_table("out/train-00000-of-00001.parquet")["seed"].to_pylist()
    assert found == [5, 6, 3, 4]


def test_shards_of_prompts_are_those_of_a_run(silent_painter: Path, cli: Cli) -> None:
    """Also where a row lies in two shards, and a shard in the ranks of one that skips rows."""
    lines = [{"prompt": str(i % 10), "text": f"text {i}", "seed": 1000 * i} for i in range(23)]
    Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["run", "colour", "--prompts", "rows.jsonl", "-n", "7", "-o"]
    assert cli(*words, "all.npz").code == 0
    for ranks, size in ((1, 10), (2, 3), (3, 20)):
        folder = f"of-{ranks}"
        for rank in range(ranks):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("RANK", str(rank))
                patch.setenv("WORLD_SIZE", str(ranks))
                done = cli(*words, folder, "--shards", "--shard-size", str(size))
                assert done.code == 0, done.err
        files = sorted(Path(folder).glob("*.parquet"))
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        assert [row["seed"] for row in rows] == seeds("all.npz")
        assert [row["text"] for row in rows] == [f"text {i}" for i in range(23) for _ in range(7)]
        assert [row["label"] for row in rows] == [str(i % 10) for i in range(23) for _ in range(7)]


def test_a_file_that_changes_is_another_run(silent_painter: Path, cli: Cli) -> None:
    Path("p.txt").write_text("3\n7\n")
    words = ["run", "colour", "--prompts", "p.txt", "--seed", "0", "-o", "out", "--shards"]
    assert cli(*words).code == 0
    Path("p.txt").write_text("3\n8\n")
    assert_refused(cli(*words), "out holds another run: prompt_file is ")


BAD = {
    "a.txt": [
        (b"", "a.txt holds no prompts"),
        (b"\n \r\n", "a.txt holds no prompts"),
        (b"3\n\xff\n", "line 2 of a.txt is not UTF-8"),
        (b"3\n\xed\xa0\x80\n", "line 2 of a.txt is not UTF-8"),
        ("3\n7\n".encode("utf-16"), "a.txt is UTF-16; save it as UTF-8"),
        (b"3\n7\0\n", "line 2 of a.txt holds a NUL"),
        (b"3\n" + b"7" * 20_000, "line 2 of a.txt has 20,000 characters"),
        (b"3\n" + b"7" * 2_000_000, "line 2 of a.txt has more than 1,048,576 bytes"),
    ],
    "a.jsonl": [
        (b'{"prompt": "3"}\n{"prompt": "7"\n', "line 2 of a.jsonl is no JSON object"),
        (b"3\n", "line 1 of a.jsonl is no JSON object"),
        (b'["3"]\n', "line 1 of a.jsonl is no JSON object"),
        (b'{"prompt": ["3"]}\n', "line 1 of a.jsonl is no JSON object"),
        (b'{"prompt": true}\n', "line 1 of a.jsonl is no JSON object"),
        (b'{"prompt": "\\ud800"}\n', "line 1 of a.jsonl is no JSON object"),
        (b'{"prompt": NaN}\n', "line 1 of a.jsonl is no JSON object"),
        (b'{"prompt": "3"}\n{"text": "3"}\n', "line 2 of a.jsonl has text, the first row prompt"),
        (b'{"prompt": "3"}\n{"prompt": null}\n', "line 2 of a.jsonl has nothing"),
        (b'{"prompt": "3", "seed": 1.5}\n', "line 1 of a.jsonl: the seed is 1.5"),
        (b'{"prompt": "3", "seed": "x"}\n', "line 1 of a.jsonl: the seed is 'x'"),
        (b'{"prompt": "3", "seed": -1}\n', "seeds go from 0 to"),
        (b'{"prompt": "3", "seed": 9223372036854775808}\n', "seeds go from 0 to"),
        (b'{"prompt": "3", "url": "x"}\n', "no option 'url'; it has steps"),
        (b"{}\n", "a.jsonl holds no prompts"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "line 1 of a.jsonl is no JSON object"),
    ],
    "a.csv": [
        (b"prompt,prompt\n3,4\n", "a.csv has two columns of one name"),
        (b"prompt\n3,4\n", "line 2 of a.csv has more cells"),
        (b'prompt\n"3\n', "a.csv is no CSV"),
        (b'prompt\n"3"x\n', "a.csv is no CSV"),
        (b"prompt\n", "a.csv holds no prompts"),
        (b'prompt\n"' + b"x\n" * 600_000, "a.csv"),
        (b'prompt\n"' + b'x\n","' * 300_000, "a.csv has more than 1,048,576 bytes"),
    ],
    "a.parquet": [
        (b"PAR1", "a.parquet cannot be read: "),
        (b"3\n", "a.parquet cannot be read: "),
    ],
    "a.json": [(b'[{"prompt": "3"}]', "name it .jsonl")],
}


@pytest.mark.parametrize("shards", [[], ["--shards"]], ids=["run", "shards"])
@pytest.mark.parametrize(
    ("name", "data", "says"),
    [(name, data, says) for name, cases in BAD.items() for data, says in cases],
    ids=range(sum(map(len, BAD.values()))),
)
def test_hostile_46_prompts_that_are_malformed(
    painter: Path, cli: Cli, name: str, data: bytes, says: str, shards: list[str]
) -> None:
    Path(name).write_bytes(data)
    assert_refused(cli("run", "colour", "--prompts", name, "-o", "out", *shards), says)
    assert os.listdir() == [name]


def test_hostile_46_prompts_that_are_no_file(painter: Path, cli: Cli) -> None:
    os.mkfifo("pipe")
    Path("folder").mkdir()
    for name, says in {
        "pipe": "not a file",
        "folder": "not a file",
        "missing": "No such file",
        "/dev/zero": "not a file",
        "a\x1b[31m": "No such file",
    }.items():
        done = cli("run", "colour", "--prompts", name, "-o", "out", "--shards")
        assert_refused(done, says)
        assert "\x1b" not in done.err
    assert_refused(cli("run", "colour", "3", "--prompts", "x", "-o", "a.png"), "one or the other")


def test_hostile_46_a_table_of_other_things(painter: Path, cli: Cli) -> None:
    for table, says in (
        ({"image": [{"bytes": b"x"}], "prompt": ["3"]}, "the column 'image' of struct"),
        ({"prompt": [b"3"]}, "the column 'prompt' of binary"),
        ({"prompt": [True]}, "row 1 of a.parquet: 'prompt' is True"),
        ({"prompt": ["3", None]}, "row 2 of a.parquet has nothing"),
        ({"prompt": ["3"] * 3, "seed": [1.0, 2.0, float("nan")]}, "row 1 of a.parquet: the seed"),
    ):
        pq.write_table(pa.table(table), "a.parquet")
        assert_refused(cli("run", "colour", "--prompts", "a.parquet", "-o", "a.npz"), says)


def test_hostile_46_a_prompt_that_the_model_does_not_take_is_found_first(
    painter: Path, cli: Cli
) -> None:
    Path("p.txt").write_text("3\n" * 5000 + "12\n")
    done = cli("run", "colour", "--prompts", "p.txt", "-o", "out", "--shards")
    assert_refused(done, "line 5001 of p.txt: label '12' is not one of")
    assert os.listdir() == ["p.txt"]
    Path("p.txt").write_text("3\n\n12\n")
    done = cli("run", "colour", "--prompts", "p.txt", "-o", "a.png")
    assert_refused(done, "line 3 of p.txt: label '12' is not one of")


def test_hostile_46_more_prompts_than_a_run_takes(painter: Path, cli: Cli) -> None:
    Path("p.txt").write_text("3 \n" * 10 + "x" * 9000 + "\n" + ("x" * 9000 + "\n") * 200)
    done = cli("run", "colour", "--prompts", "p.txt", "-o", "a.npz")
    assert_refused(done, "p.txt has more than the 1,048,576 bytes", "-o FOLDER --shards")
