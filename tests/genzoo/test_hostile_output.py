"""What `genzoo run` writes when writing fails, or it is interrupted: rows 32, 33 and 36."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import acme_plugin
import numpy as np
import pytest
from painting import GENZOO, Cli, assert_refused
from PIL import Image


def test_hostile_32_an_output_that_names_no_file(painter: Path, cli: Cli) -> None:
    assert_refused(cli("run", "plain", "-o", ""), "names no file")


def test_hostile_32_an_output_that_exists(painter: Path, cli: Cli) -> None:
    Path("a.png").write_text("precious")
    assert_refused(cli("run", "plain", "-o", "a.png"), "a.png exists", "--force")
    assert Path("a.png").read_text() == "precious"
    assert cli("run", "plain", "-o", "a.png", "--force").code == 0
    assert Image.open("a.png").size == (8, 8)


def test_hostile_32_outputs_that_cannot_be(painter: Path, cli: Cli) -> None:
    Path("folder.png").mkdir()
    Path("folder.png/precious").touch()
    Path("file").touch()
    os.mkfifo("pipe.png")
    Path("dangling").symlink_to("nowhere")
    Path("dangling.png").symlink_to("nowhere")
    assert_refused(cli("run", "plain", "-o", "dangling"), "not a folder")
    assert_refused(cli("run", "plain", "-o", "dangling", "--force"), "not a folder")
    assert_refused(cli("run", "plain", "-o", "dangling.png"), "dangling.png exists")
    assert_refused(cli("run", "plain", "-o", "folder.png"), "folder.png is not empty")
    assert_refused(cli("run", "plain", "-o", "dangling/a.png"), "dangling is not a folder")
    assert_refused(cli("run", "plain", "-o", "file"), "not a folder")
    assert_refused(cli("run", "plain", "-o", "file/"), "not a folder")
    assert_refused(cli("run", "plain", "-o", "file/a.png"), "file is not a folder")
    assert_refused(cli("run", "plain", "-o", "file/b/c/a.png"), "file is not a folder")
    assert_refused(cli("run", "plain", "-o", "pipe.png", "--force"), "not a regular file")
    assert_refused(cli("run", "plain", "-o", "a" * 300 + ".png"), "File name too long")
    assert_refused(cli("encode", "plain", "x.png", "-o", "folder.png/"), "or .parquet")
    Path("z.npz").mkdir()
    assert_refused(cli("encode", "plain", "x.png", "-o", "z.npz"), "it is a folder")
    assert os.listdir("folder.png") == ["precious"]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; skips where mounting is not allowed."""
    path = tmp_path / "mount"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_hostile_32_a_full_disk(painter: Path, cli: Cli, mount: Path) -> None:
    for name in ("a.npz", "a.png", "folder/"):
        done = cli("run", "plain", "-n", "4000", "-o", f"{mount}/{name}")
        assert done.code == 1
        assert "the disk is full" in done.err
        assert os.listdir(mount) == []
    (mount / "a.png").write_text("old")
    done = cli("run", "plain", "-n", "4000", "-o", mount / "a.png", "--force")
    assert done.code == 1
    assert "the disk is full" in done.err
    assert (mount / "a.png").read_text() == "old"
    assert os.listdir(mount) == ["a.png"]


@pytest.mark.parametrize("form", ["parquet", "webdataset", "arrays"])
def test_hostile_32_a_disk_that_fills_up_with_shards(
    silent_painter: Path, cli: Cli, mount: Path, form: str
) -> None:
    words = ["run", "plain", "-n", "200", "--seed", "0", "--shards", form, "--shard-size", "10"]
    precious = mount / "precious"
    precious.write_bytes(bytes(20_000))
    done = cli(*words, "-o", mount / "out")
    assert done.code == 1
    assert "the disk is full" in done.err
    left = [name for name in os.listdir(mount / "out") if not name.startswith("train-")]
    assert sorted(left) == [".shards", "manifest.json"]
    # There is room again, and what is whole is there.
    whole = {path: path.stat().st_mtime_ns for path in (mount / "out").glob("train-*")}
    assert whole
    subprocess.run(["mount", "-o", "remount,size=2m", str(mount)], check=True)
    assert cli(*words, "-o", mount / "out").code == 0
    assert len(list((mount / "out").glob("train-*"))) == 20
    assert {path: path.stat().st_mtime_ns for path in whole} == whole


def test_hostile_32_a_read_only_place(painter: Path, cli: Cli, mount: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True)
    assert_refused(cli("run", "plain", "-o", f"{mount}/a.png"), "Read-only file system")
    os.chdir(mount)
    assert_refused(cli("run", "plain"), "Read-only file system")
    os.chdir(painter)


def test_hostile_32_stdout_is_a_closed_pipe(painter: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*GENZOO, "run", "plain", "--seed", "0", "-o", "a.png"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert Image.open("a.png").size == (8, 8)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_hostile_32_closed_standard_streams(painter: Path, closed: str) -> None:
    command = f"{shlex.join([*GENZOO, 'run', 'plain', '--seed', '0', '-o', 'a.png'])} {closed}"
    assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == 0
    assert Image.open("a.png").info["genzoo"]
    assert os.listdir() == ["a.png"]


def test_hostile_32_stdout_is_full(painter: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*GENZOO, "run", "plain", "--seed", "0", "-o", "a.png"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.endswith("Error: No space left on device\n")
    assert Image.open("a.png").size == (8, 8)


def test_hostile_32_a_name_that_is_no_text(painter: Path, cli: Cli) -> None:
    name = os.fsdecode(b"\xff.png")
    assert cli("run", "plain", "-o", name).code == 0
    assert cli("run", "plain", "-i", name, "-o", "a.png").code == 0
    assert cli("run", "plain", "-o", name, "--json", "--force").code == 0
    assert_refused(cli("run", "plain", "-o", name), "exists")


@pytest.mark.parametrize(
    ("site", "name", "number", "code"),
    [
        ("painter", "a.npz", signal.SIGINT, 130),
        ("painter", "folder", signal.SIGTERM, 143),
        ("silent_painter", "a.npz", signal.SIGTERM, 143),
        ("silent_painter", "folder", signal.SIGINT, 130),
    ],
)
def test_hostile_33_ctrl_c_and_sigterm_keep_what_is_finished(
    request: pytest.FixtureRequest,
    cli: Cli,
    site: str,
    name: str,
    number: signal.Signals,
    code: int,
) -> None:
    request.getfixturevalue(site)
    words = ["run", "plain", "-n", "40", "--seed", "0", "--batch", "2", "--set", "fault=slow"]
    process = subprocess.Popen(
        [*GENZOO, *words, "-o", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    begun = 0
    while begun < 3:  # the third batch begins when two are finished
        begun += process.stderr.readline() == "sampling\n"
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code
    assert out == f"{name}\n"
    assert "interrupted: kept 4 of 40" in err
    assert "Traceback" not in err
    assert os.listdir() == [name]
    if name == "folder":
        assert len(os.listdir(name)) == 4
        assert cli("run", "--replay", "folder/0003.png", "-o", "b.png").code == 0
        return
    with np.load(name) as arrays:
        assert len(arrays["images"]) == 4
        assert arrays["seeds"].tolist() == [0, 1, 2, 3]
    assert cli("run", "--replay", name, "-o", "b.npz").code == 0
    with np.load(name) as before, np.load("b.npz") as after:
        np.testing.assert_array_equal(before["images"], after["images"])


@pytest.mark.parametrize("output", ["new", "there"])
def test_hostile_33_what_a_killed_run_left_is_swept_by_the_next(
    silent_painter: Path, cli: Cli, output: str
) -> None:
    place = Path(output) if output == "there" else Path()
    place.mkdir(exist_ok=True)
    words = ["run", "plain", "-n", "9", "--batch", "1", "--set", "fault=slow", "-o", output]
    with subprocess.Popen([*GENZOO, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        begun = 0
        while begun < 2:  # one picture is finished
            begun += process.stderr.readline() == "sampling\n"
        assert [path.name for path in place.glob(".genzoo-*/*.png")] == ["0000.png"]
        process.kill()
    assert cli("run", "plain", "-n", "2", "-o", output).code == 0
    assert sorted(os.listdir(output)) == ["0000.png", "0001.png"]
    assert os.listdir() == [output]


def peak_memory(*words: str) -> int:
    """Bytes that a run took at most."""
    process = subprocess.Popen([*GENZOO, "run", *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_hostile_36_memory_does_not_grow_with_the_number_of_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    few = peak_memory("gan-mlp-mnist", "-n", "64", "-o", "few.npz")
    for name in ("many.npz", "many"):
        assert peak_memory("gan-mlp-mnist", "-n", "4000", "-o", name) < few + 12 * 2**20


INTERRUPTED = """
import os
from genzoo_core import hookimpl

@hookimpl
def genzoo_write_output(path, pictures):
    for _ in range(COUNT):
        os.kill(os.getpid(), NUMBER)
    path.write_text("all")
    return True
"""


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_hostile_33_what_is_being_written_is_finished_first(
    painter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cli: Cli,
    number: signal.Signals,
    code: int,
    count: int,
) -> None:
    manifest = acme_plugin.MANIFEST + 'hooks = ["genzoo_write_output"]\n'
    folder = acme_plugin.install(tmp_path, f"acme-signals-{number}-{count}", manifest)
    source = INTERRUPTED.replace("COUNT", str(count)).replace("NUMBER", str(int(number)))
    (folder / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert cli("run", "plain", "-o", "a.slow").code == code
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    # The first signal waits, the second one does not.
    assert {path: Path(path).read_text() for path in os.listdir()} == (
        {"a.slow": "all"} if count == 1 else {}
    )


def test_hostile_36_out_of_memory_halves_the_batch(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "5", "--seed", "0", "-o", "a.npz")
    words = ["run", "plain", "-n", "5", "--seed", "0", "--set", "fault=hungry", "-o", "b.npz"]
    done = cli(*words)
    assert done.code == 0
    assert "out of memory with 5 pictures at a time; trying 2" in done.err
    assert "out of memory with 2 pictures at a time; trying 1" in done.err
    with np.load("a.npz") as before, np.load("b.npz") as after:
        assert np.abs(before["images"] - after["images"].astype(int)).max() <= 1
    assert cli("run", "--replay", "b.npz", "-o", "c.npz").code == 0
