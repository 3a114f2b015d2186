"""`genzoo run --shards`: what is in the shards, and that neither ranks nor kills change a byte."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Image, Value, load_dataset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from painting import GENZOO, Cli, assert_refused
from PIL import Image as Pictures
from safetensors.numpy import load_file

import genzoo
from genzoo.cli.bulk import Shards, plan_job
from genzoo.run.bulk.layout import Layout
from genzoo.run.prompts import PromptFile
from genzoo.run.tasks.task import Batch
from genzoo_core.recipe import DataRecipe

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]


def content(folder: str | Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones too, by their names."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def rows(folder: str | Path) -> list[dict[str, Any]]:
    """The rows of all parquet shards, in their order."""
    files = sorted(Path(folder).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def pixels(folder: str | Path) -> np.ndarray:
    """The pictures of parquet shards, uint8 `[N, H, W]` or `[N, H, W, C]`."""
    return np.stack(
        [np.asarray(Pictures.open(io.BytesIO(row["image"]["bytes"]))) for row in rows(folder)]
    )


def start(words: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GENZOO, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )


@given(pictures=st.integers(1, 3000), size=st.integers(1, 400), ranks=st.integers(1, 20))
def test_every_picture_is_in_one_shard_of_one_rank(pictures: int, size: int, ranks: int) -> None:
    layout = Layout(pictures, size, "parquet")
    shards = [index for rank in range(ranks) for index in layout.of_rank(rank, ranks)]
    assert sorted(shards) == list(range(layout.count))
    spans = [range(*layout.span(index)) for index in range(layout.count)]
    assert [picture for span in spans for picture in span] == list(range(pictures))
    assert all(0 < len(span) <= size for span in spans)
    assert [len(span) for span in spans[:-1]] == [size] * (layout.count - 1)
    counts = [len(layout.of_rank(rank, ranks)) for rank in range(ranks)]
    assert max(counts) - min(counts) <= 1


def test_shards_hold_what_a_run_makes(silent_painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "3", "random", "-n", "130", "--seed", "5"]
    done = cli(*words, "-o", "out/", "--shards", "--shard-size", "100")
    assert (done.code, done.out) == (0, "out\n")
    assert cli(*words, "-o", "all.npz").code == 0
    with np.load("all.npz") as arrays:
        apart = np.abs(pixels("out").astype(int) - arrays["images"])
        assert apart.max() <= 1  # in other batches
        assert [row["seed"] for row in rows("out")] == arrays["seeds"].tolist()
    names = [f"train-0000{i}-of-00003.parquet" for i in range(3)]
    assert sorted(content("out")) == ["manifest.json", *names]
    # One whose shard begins with it is made in the same batches, to the bit.
    assert cli("run", "plain", "-n", "100", "--seed", "105", "-o", "b.npz").code == 0
    words = ["run", "plain", "-n", "300", "--seed", "5", "--shards", "--shard-size", "100"]
    assert cli(*words, "-o", "plain").code == 0
    with np.load("b.npz") as arrays:
        np.testing.assert_array_equal(pixels("plain")[100:200], arrays["images"][..., 0])


def test_the_hub_s_library_reads_them(silent_painter: Path, cli: Cli, tmp_path: Path) -> None:
    words = ["run", "colour", "3", "7", "-n", "6", "--seed", "5", "--set", "text=a cat"]
    assert cli(*words, "-o", "out/", "--shards", "--shard-size", "5").code == 0
    for name, words in {"parquet": {"data_dir": "out"}, "out": {}}.items():
        table = load_dataset(name, split="train", cache_dir=str(tmp_path / "hf"), **words)
        assert table.features == {
            "image": Image(),
            "label": Value("string"),
            "text": Value("string"),
            "seed": Value("int64"),
        }
        assert table["label"][:] == ["3"] * 6 + ["7"] * 6
        assert table["text"][:] == ["a cat"] * 12
        assert table["seed"][:] == list(range(5, 17))
        assert table[7]["image"].size == (8, 8)


def test_classes_have_names_and_train_reads_them(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "gan-fashion", "random", "-n", "12", "--seed", "0"]
    for form in ("parquet", "webdataset", "arrays"):
        folder = f"{form}/"
        assert cli(*words, "-o", folder, "--shards", form, "--shard-size", "7").code == 0
    table = load_dataset("parquet", data_dir="parquet", split="train", cache_dir="hf")
    assert isinstance(table.features["label"], ClassLabel)
    assert table.features["label"].int2str(9) == "Ankle boot"
    ids = table["label"][:]
    assert len(set(ids)) > 3  # which "random" has drawn
    again = genzoo.generate("gan-fashion", [str(i) for i in ids], seed=0).images
    assert np.abs(pixels("parquet") - (again[:, 0].numpy() + 1) * 127.5).max() < 1.1
    arrays = [load_file(path) for path in sorted(Path("arrays").glob("*.safetensors"))]
    assert np.concatenate([each["label"] for each in arrays]).tolist() == ids
    images = np.concatenate([each["images"] for each in arrays])
    assert images.shape == (12, 1, 28, 28)
    np.testing.assert_array_equal(images[:, 0], pixels("parquet"))
    zoo = genzoo.open_zoo()
    names = [table.features["label"].int2str(i) for i in ids]
    for form, labels in {"parquet": names, "webdataset": ids}.items():
        data = zoo.dataset(DataRecipe(name="made", shape=(1, 28, 28)), Path(form))
        assert data.columns["label"] == labels
        assert data.columns["seed"] == list(range(12))
        np.testing.assert_array_equal(data.images[:, 0].numpy(), pixels("parquet"))
    loaded = load_dataset("webdataset", data_dir="webdataset", split="train", cache_dir="hf")
    assert loaded["cls"][:] == ids
    with tarfile.open("webdataset/train-00001-of-00002.tar") as archive:
        assert archive.getnames()[:3] == [f"000000007.{end}" for end in ("png", "cls", "json")]


def test_a_picture_of_a_shard_is_made_again_alone(silent_painter: Path, cli: Cli) -> None:
    Path("rows.jsonl").write_text(
        '{"prompt": "3", "text": "a cat", "seed": 40}\n'
        '{"prompt": "7", "text": "a dog", "seed": 9}\n'
    )
    words = ["run", "colour", "--prompts", "rows.jsonl", "-n", "3", "-o", "mixed", "--shards"]
    assert cli(*words).code == 0
    assert cli("run", "plain", "-n", "90", "-o", "same", "--shards").code == 0
    for folder, index in (("mixed", 4), ("same", 70)):
        Path("a.png").write_bytes(rows(folder)[index]["image"]["bytes"])
        done = cli("run", "--replay", "a.png", "-o", "b.png", "-f")
        assert done.code == 0, done.err
        assert "the same " in done.err
    assert rows("mixed")[4]["seed"] == 10
    record = json.loads(
        Pictures.open(io.BytesIO(rows("mixed")[4]["image"]["bytes"])).text["genzoo"]
    )
    assert record["record"]["prompts"] == ["7"]
    assert record["record"]["conditions"] == {"text": "a dog"}
    assert cli("run", "plain", "-n", "90", "-o", "arrays", "--shards", "arrays").code == 0
    done = cli("run", "--replay", "arrays/train-00000-of-00001.safetensors", "-o", "b.npz")
    assert "the same pixels" in done.err


def test_the_manifest_says_how_they_were_made(silent_painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "3", "7", "-n", "30", "-o", "out", "--shards", "--shard-size", "50"]
    done = cli(*words, "--json")
    said = json.loads(done.out)
    assert (said["path"], said["pictures"], said["shards"]) == ("out", 60, 2)
    manifest = json.loads(Path("out/manifest.json").read_text())
    record = manifest["record"]
    assert record["prompts"] == ["3", "7"]
    assert record["n"] == 30
    assert len(record["weights"]) == 64
    assert record["versions"]["painter"] == "2.0"
    assert "torch" in record["versions"]
    assert [shard["pictures"] for shard in manifest["shards"]] == [50, 10]
    for shard in manifest["shards"]:
        data = Path("out", shard["name"]).read_bytes()
        assert shard["sha256"] == hashlib.sha256(data).hexdigest()
        assert shard["size"] == len(data)


@pytest.mark.parametrize("form", ["parquet", "webdataset", "arrays"])
def test_ranks_make_the_bytes_of_one_process(silent_painter: Path, form: str) -> None:
    words = ["run", "colour", "3", "random", "-n", "400", "--seed", "7", "--shards", form]
    words += ["--shard-size", "90", "-o"]
    assert start([*words, "one"]).wait() == 0
    processes = [start([*words, "three"], RANK=str(rank), WORLD_SIZE="3") for rank in range(3)]
    assert [process.communicate()[0] for process in processes] == ["three\n", "", ""]
    assert [process.returncode for process in processes] == [0] * 3
    assert content("three") == content("one")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), n=st.integers(1, 9), size=st.integers(1, 30), ranks=st.integers(1, 4))
def test_each_picture_has_its_row_and_seed_in_every_layout(
    silent_painter: Path, data: st.DataObject, n: int, size: int, ranks: int
) -> None:
    row = st.fixed_dictionaries({"prompt": st.integers(0, 9), "text": st.sampled_from("abc")})
    drawn = data.draw(st.lists(row, min_size=1, max_size=9))
    if data.draw(st.booleans()):
        drawn = [{**each, "seed": data.draw(st.integers(0, 2**63 - 10))} for each in drawn]
    Path("rows.jsonl").write_text("".join(json.dumps(each) + "\n" for each in drawn))
    fields = {"prompts": (), "n": n, "seed": None, "batch": None}
    fields["seed"] = None if "seed" in drawn[0] else 5
    found: dict[int, tuple[str, str, int]] = {}
    zoo = genzoo.open_zoo()
    for rank in range(ranks):
        file, shards = PromptFile("rows.jsonl"), Shards("parquet", size, "out")
        job, _ = plan_job(zoo, "colour", {}, fields, shards, file)
        for index in job.layout.of_rank(rank, ranks):
            plan = job.shard(index, 5)
            batch = Batch(plan, 0, plan.count)
            raws = zip(batch.raws["label"], batch.raws["text"], batch.seeds, strict=True)
            found |= dict(zip(range(*job.layout.span(index)), raws, strict=True))
    assert [found[picture] for picture in range(len(found))] == [
        (each["prompt"], each["text"], each.get("seed", 5 + p * n) + j)
        for p, each in enumerate(drawn)
        for j in range(n)
    ]


def test_torchrun_starts_the_ranks(silent_painter: Path) -> None:
    words = ["run", "plain", "-n", "300", "--shards", "--shard-size", "70", "-o"]
    spread = [*TORCHRUN, "-m", "genzoo", *words, "two"]
    done = subprocess.run(spread, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (0, "two\n"), done.stderr
    # The ranks agree on a seed that nobody named.
    seed = json.loads(Path("two/manifest.json").read_text())["record"]["seed"]
    assert start([*words, "one", "--seed", str(seed)]).wait() == 0
    assert content("two") == content("one")


def test_a_killed_run_goes_on_with_other_ranks(silent_painter: Path, cli: Cli) -> None:
    words = ["run", "plain", "-n", "60", "--batch", "5", "--shards", "--shard-size", "10"]
    slow = ["--set", "fault=slow", "--seed", "3"]
    assert start([*words, "--seed", "3", "-o", "sound"]).wait() == 0
    process = start([*words, *slow, "-o", "out"])
    assert process.stderr is not None
    begun = 0
    while begun < 6:  # two shards, and a batch of the third
        begun += process.stderr.readline() == "sampling\n"
    process.kill()
    process.wait()
    there = {path: path.stat().st_mtime_ns for path in Path("out").glob("train-*")}
    assert sorted(path.name for path in there) == [
        f"train-0000{i}-of-00006.parquet" for i in (0, 1)
    ]
    # One of them is damaged, and the third was not noted before the process died.
    Path("out/train-00000-of-00006.parquet").write_bytes(b"PAR1")
    processes = [
        start([*words, *slow, "-o", "out"], RANK=str(rank), WORLD_SIZE="2") for rank in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    kept = Path("out/train-00001-of-00006.parquet")
    assert kept.stat().st_mtime_ns == there[kept]
    assert cli(*words, *slow, "-o", "again").code == 0
    assert content("out") == content("again")
    np.testing.assert_array_equal(pixels("out"), pixels("sound"))
    # Repeated, all is there.
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("train-*")}
    assert cli(*words, *slow, "-o", "out").code == 0
    assert {path: path.stat().st_mtime_ns for path in Path("out").glob("train-*")} == before


def test_the_shards_of_a_killed_rank_are_made_by_another(silent_painter: Path) -> None:
    words = ["run", "colour", "3", "-n", "40", "--batch", "5", "--seed", "3", "--set", "fault=slow"]
    words += ["--shards", "webdataset", "--shard-size", "10", "-o"]
    first, second = (start([*words, "out"], RANK=str(rank), WORLD_SIZE="2") for rank in range(2))
    assert second.stderr is not None
    begun = 0
    while begun < 3:  # one shard, and a batch of the next
        begun += second.stderr.readline() == "sampling\n"
    second.kill()
    out, err = first.communicate()
    assert (first.returncode, out) == (0, "out\n")
    assert "out: other ranks are still at work, or were lost" in err
    assert json.loads(Path("out/manifest.json").read_text())["shards"] == []
    assert len(list(Path("out").glob("train-*"))) == 3
    again, other = start([*words, "out"]), start([*words, "one"])
    out, err = again.communicate()
    assert (again.returncode, out, err.count("sampling")) == (0, "out\n", 2)
    assert other.wait() == 0
    assert content("out") == content("one")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_shards(
    silent_painter: Path, number: signal.Signals, code: int
) -> None:
    words = ["run", "plain", "-n", "40", "--batch", "5", "--shards", "--shard-size", "10"]
    process = start([*words, "--set", "fault=slow", "-o", "out"])
    assert process.stderr is not None
    begun = 0
    while begun < 4:
        begun += process.stderr.readline() == "sampling\n"
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out) == (code, "")
    assert "interrupted: the same command goes on" in err
    assert "Traceback" not in err
    names = set(content("out"))
    assert names <= {
        "manifest.json",
        ".shards/0-of-1.jsonl",
        *(f"train-0000{i}-of-00004.parquet" for i in range(4)),
    }
    assert "train-00000-of-00004.parquet" in names


def test_a_folder_is_of_one_run(silent_painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "3", "-n", "20", "--seed", "0", "-o", "out", "--shards"]
    assert cli(*words).code == 0
    before = content("out")
    for other, says in {
        ("--seed", "1"): "seed is 0 there, 1 here",
        ("-n", "21"): "n is 20 there, 21 here",
        ("--steps", "5"): "options.steps is 4 there, 5 here",
        ("--batch", "5"): "batch is 64 there, 5 here",
        ("--shard-size", "5"): "shard_size is 1024 there, 5 here",
        ("--set", "text=a"): "conditions.text is None there, 'a' here",
    }.items():
        assert_refused(cli(*words, *other), "out holds another run: ", says)
    assert_refused(cli(*words, "--shards", "arrays"), "form is 'parquet' there, 'arrays' here")
    assert_refused(cli("run", "plain", "-o", "out", "--shards"), "out holds another run: ")
    assert content("out") == before
    Path("full").mkdir()
    Path("full/precious").touch()
    assert_refused(cli("run", "plain", "-o", "full", "--shards"), "full is not empty")
    assert os.listdir("full") == ["precious"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-o", "out", "--shards", "zip"], "'zip' is not one of"),
        (["--shards"], "name one: -o out/"),
        (["-o", "x.png", "--shards"], "into a folder, not x.png; name one: -o x/"),
        (["-o", "file/y", "--shards"], "cannot make file/y: Not a directory"),
        (["-o", "file", "--shards"], "file exists and is not a folder"),
        (["-o", "out", "--shards", "--force"], "--force"),
        (["-o", "out", "--shards", "--preview"], "--preview"),
        (["-o", "out", "--shards", "--interpolate", "3,8"], "leave out inputs, masks and walks"),
        (["-o", "out", "--shards", "-i", "a.png"], "leave out inputs, masks and walks"),
        (["-o", "out", "--shards", "--strength", "0.5"], "give the picture as --input"),
        (["-o", "out", "--shards", "-n", "0"], "from 1 to 1,000,000,000"),
        (["-o", "out", "--shards", "-n", str(10**9 + 1)], "from 1 to 1,000,000,000"),
        (["-o", "out", "--shards", "--shard-size", "0"], "--shard-size is 0"),
        (["-o", "out", "--shards", "--shard-size", "10000000"], "--shard-size is 10000000"),
        (["-o", "out", "--shards", "-n", "200000", "--shard-size", "1"], "of at least 3"),
        (["-o", "out", "--shards", "--seed", str(2**63 - 3), "-n", "5"], "out of range"),
        (["7", "-o", "out", "--shards"], "takes no prompt"),
        (["-o", "out", "--shards", "7"], "'7' is not one of"),
        (["-o", "out", "--shard-size", "7"], "goes with --shards"),
        (["-n", "1000001", "-o", "a.npz"], "-o FOLDER --shards makes more"),
    ],
)
def test_what_does_not_go_with_shards_is_refused(
    silent_painter: Path, cli: Cli, words: list[str], says: str
) -> None:
    Path("file").touch()
    done = cli("run", "plain", *words)
    assert done.code == 2
    assert done.out == ""
    assert says in done.err
    assert done.err.count("\n") == 1
    assert os.listdir() == ["file"]


@pytest.mark.parametrize(
    ("rank", "ranks"), [("2", "2"), ("-1", "2"), ("x", "2"), ("0", "0"), ("1", None)]
)
def test_a_rank_that_is_none_is_refused(
    silent_painter: Path, cli: Cli, rank: str, ranks: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if ranks is not None:
        monkeypatch.setenv("WORLD_SIZE", ranks)
    assert_refused(cli("run", "plain", "-o", "out", "--shards"), "RANK is ")


def test_without_pyarrow_the_other_forms_are_named(
    silent_painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = cli("run", "plain", "-o", "out", "--shards")
    assert_refused(done, "pip install 'genzoo[bulk]'", "--shards webdataset")
    Path("a.parquet").touch()
    done = cli("run", "plain", "--prompts", "a.parquet", "-o", "out", "--shards", "arrays")
    assert_refused(done, "reading a.parquet needs the library pyarrow", "genzoo[bulk]")
    for form in ("webdataset", "arrays"):
        assert cli("run", "plain", "-o", form, "--shards", form).code == 0


def test_hooks_see_each_shard(painter: Path, cli: Cli) -> None:
    done = cli("run", "plain", "-n", "25", "-o", "out", "--shards", "--shard-size", "10")
    assert done.code == 0
    seen = [line for line in done.err.splitlines() if line.startswith(("before", "after"))]
    assert seen == ["before painter/plain", "after 10"] * 2 + ["before painter/plain", "after 5"]


def test_too_little_memory_makes_no_other_batches(silent_painter: Path, cli: Cli) -> None:
    done = cli("run", "plain", "-n", "20", "--set", "fault=hungry", "-o", "out", "--shards")
    assert done.code == 1
    assert "out of memory with 20 pictures at a time" in done.err
    assert list(content("out")) == ["manifest.json"]


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"[]",
        b"\xff",
        b"{" * 100_000,
        b'{"record": {"model": "x"}, "pictures": 1, "shard_size": 1, "form": "zip"}',
    ],
    ids=range(5),
)
def test_hostile_47_a_manifest_that_is_none(silent_painter: Path, cli: Cli, data: bytes) -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_bytes(data)
    done = cli("run", "plain", "-o", "out", "--shards")
    assert_refused(done, "out/manifest.json is no manifest of shards", "choose another folder")


def test_hostile_47_notes_and_shards_of_a_stranger(silent_painter: Path, cli: Cli) -> None:
    words = ["run", "plain", "-n", "20", "--seed", "0", "--shards", "--shard-size", "10", "-o"]
    assert cli(*words, "sound").code == 0
    assert cli(*words, "out").code == 0
    first, second = sorted(Path("out").glob("*.parquet"))
    manifest = json.loads(Path("out/manifest.json").read_text())
    manifest["shards"] = [
        {"name": "../sound/manifest.json", "pictures": 1, "size": 1, "sha256": "0"},
        {**manifest["shards"][0], "name": second.name},
    ]
    Path("out/manifest.json").write_text(json.dumps(manifest))
    Path("out/.shards").mkdir()
    Path("out/.shards/0-of-1.jsonl").write_bytes(b'\xff\n{"name": 5}\n' + b"x" * 1000)
    first.unlink()
    os.mkfifo(first)
    done = cli(*words, "out")
    assert done.code == 0, done.err
    for path in Path("sound").iterdir():
        assert Path("out", path.name).read_bytes() == path.read_bytes()
    assert sorted(os.listdir("out")) == sorted(os.listdir("sound"))


def peak(words: Sequence[str]) -> int:
    """The most memory that a run of `genzoo` took, in MiB."""
    process = subprocess.Popen([*GENZOO, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss // 1024


@pytest.mark.long
def test_memory_does_not_grow_with_the_pictures(silent_painter: Path) -> None:
    with open("rows.jsonl", "w", encoding="utf-8") as file:
        for number in range(60_000):
            text = f"{number} " + "a long caption " * 50
            file.write(json.dumps({"prompt": str(number % 10), "text": text}) + "\n")
    few = peak(["run", "plain", "-n", "2000", "-o", "few", "--shards"])
    many = peak(["run", "plain", "-n", "60000", "-o", "many", "--shards"])
    words = ["--prompts", "rows.jsonl", "-o", "captions", "--shards"]  # 46 MB of them
    captions = peak(["run", "colour", *words])
    assert many < few + 20
    assert captions < few + 60
