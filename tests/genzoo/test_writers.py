"""The files and folders that pictures are written to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import acme_plugin
import numpy as np
import pytest
from painting import GENZOO, Cli
from PIL import Image, ImageSequence
from safetensors import safe_open


def record(path: Path) -> dict[str, object]:
    """The record in a PNG."""
    with Image.open(path) as image:
        return json.loads(image.info["genzoo"])["record"]


def test_npz_holds_arrays_and_no_pickle(painter: Path, cli: Cli) -> None:
    cli("run", "colour", "-n", "3", "--seed", "7", "-o", "a.npz")
    with np.load("a.npz", allow_pickle=False) as arrays:
        assert arrays["images"].shape == (3, 8, 8, 3)
        assert arrays["images"].dtype == np.uint8
        assert arrays["seeds"].tolist() == [7, 8, 9]
        assert json.loads(str(arrays["record"]))["record"]["model"] == "painter/colour"


def test_all_formats_hold_the_same_pixels(painter: Path, cli: Cli) -> None:
    for name in ("a.npz", "a.safetensors", "a.png", "a/"):
        small = ["--scale", "1"] if name == "a.png" else []
        assert cli("run", "colour", "-n", "2", "--seed", "7", *small, "-o", name).code == 0
    with np.load("a.npz") as arrays:
        images = arrays["images"]
    with safe_open("a.safetensors", "np") as file:
        np.testing.assert_array_equal(file.get_tensor("images").transpose(0, 2, 3, 1), images)
        assert file.get_tensor("seeds").tolist() == [7, 8]
    grid = np.asarray(Image.open("a.png"))
    np.testing.assert_array_equal(grid[:, :8], images[0])
    np.testing.assert_array_equal(grid[:, 10:], images[1])
    assert (grid[:, 8:10] == 255).all()
    for index in range(2):
        np.testing.assert_array_equal(np.asarray(Image.open(f"a/{index:04}.png")), images[index])


def test_a_folder_has_a_record_for_each_picture(painter: Path, cli: Cli) -> None:
    done = cli("run", "plain", "-n", "3", "--seed", "7", "-o", "new/")
    assert done.out == "new\n"
    assert sorted(os.listdir("new")) == ["0000.png", "0001.png", "0002.png"]
    assert record(Path("new/0001.png"))["pictures"] == [1, 2]
    Path("empty").mkdir()
    assert cli("run", "plain", "-o", "empty").code == 0
    done = cli("run", "plain", "-o", "new")
    assert done.code == 2
    assert "not empty" in done.err
    assert cli("run", "plain", "-n", "2", "-o", "new", "--force").code == 0
    assert len(os.listdir("new")) == 3


def test_a_gif_shows_the_denoising(painter: Path, cli: Cli) -> None:
    words = ["run", "colour", "--steps", "6", "--seed", "0"]
    assert cli(*words, "--scale", "1", "-o", "a.gif").code == 0
    with Image.open("a.gif") as image:
        frames = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(image)]
        assert image.info["loop"] == 0
    assert len(frames) == 6
    cli(*words, "-o", "a.png")
    final = np.asarray(Image.open("a.png"), int)
    # The last frame is the picture but for the palette; the first is far from it.
    assert np.abs(frames[-1] - final).mean() < 5 < np.abs(frames[0] - final).mean()


def test_a_gif_of_a_walk_goes_there_and_back(painter: Path, cli: Cli) -> None:
    assert cli("run", "plain", "--interpolate", "3,8", "-n", "5", "-o", "a.gif").code == 0
    with Image.open("a.gif") as image:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)]
    assert [frame.shape for frame in frames] == [(512, 512)] * 8
    np.testing.assert_array_equal(frames[1], frames[7])
    assert cli("run", "plain", "--interpolate", "3,8", "-n", "1", "-o", "b.gif").code == 0


def test_a_model_without_steps_has_no_gif(painter: Path, cli: Cli) -> None:
    done = cli("run", "plain", "-o", "a.gif")
    assert done.code == 2
    assert "one step" in done.err
    assert "--interpolate" in done.err
    assert os.listdir() == []


def test_files_have_the_mode_that_the_umask_says(painter: Path, cli: Cli) -> None:
    before = os.umask(0o027)
    try:
        cli("run", "plain", "-o", "a.png")
        cli("run", "plain", "-o", "a.safetensors")
    finally:
        os.umask(before)
    assert os.stat("a.png").st_mode & 0o777 == 0o640
    assert os.stat("a.safetensors").st_mode & 0o777 == 0o640


EARLY = """
import os
from pathlib import Path
from genzoo_core import hookimpl

@hookimpl
def genzoo_before_run(record):
    path = Path(os.environ["EARLY"])
    path.parent.mkdir(exist_ok=True)
    path.write_text("old")
"""

FULL = """
from genzoo_core import hookimpl

@hookimpl
def genzoo_write_output(path, pictures):
    if path.suffix == ".full":
        path.write_bytes(b"half")
        with open("/dev/full", "wb", buffering=0) as full:
            full.write(b"x")
"""


def install_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, source: str) -> None:
    """A plugin with one hook is installed."""
    name = hook.replace("genzoo_", "acme-").replace("_", "-")
    manifest = f'{acme_plugin.MANIFEST}hooks = ["{hook}"]\n'
    folder = acme_plugin.install(tmp_path / "hooks", name, manifest)
    (folder / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder.parent))


OUTPUTS = ["a.png", "a.gif", "a.npz", "a.safetensors", "a.txt", "new", "there"]
"""One of each kind; the last is an empty folder."""


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_appears_during_the_run_is_replaced_with_force_alone(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli, output: str
) -> None:
    install_hook(tmp_path, monkeypatch, "genzoo_before_run", EARLY)
    file = Path(output) if "." in output else Path(output) / "0001.png"
    monkeypatch.setenv("EARLY", str(file))
    words = ["run", "colour", "-n", "2", "--steps", "2", "-o", output]
    if output == "there":
        Path(output).mkdir()
    done = cli(*words)
    assert done.code == 2
    assert f"{output} has appeared meanwhile; replace it with --force" in done.err
    assert file.read_text() == "old"
    assert [str(path) for path in Path().rglob("*") if path.is_file()] == [str(file)]
    file.unlink()
    if output == "new":
        Path(output).rmdir()
    assert cli(*words, "--force").code == 0
    assert file.read_bytes() != b"old"
    assert os.listdir() == [output]


BROKEN = """
from genzoo_core import hookimpl

@hookimpl
def genzoo_after_write(request, paths, seconds):
    raise RuntimeError(f"no room for {[path.name for path in paths]}")
"""


def test_a_hook_that_fails_after_a_file_is_written_is_a_warning(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    install_hook(tmp_path, monkeypatch, "genzoo_after_write", BROKEN)
    Image.new("L", (8, 8)).save("x.png")
    for words, output in (("run plain -n 2", "a.png"), ("encode plain x.png", "z.npz")):
        done = cli(*words.split(), "-o", output)
        assert (done.code, done.out) == (0, f"{output}\n")
        [warning] = [line for line in done.err.splitlines() if line.startswith("Warning")]
        assert f"genzoo_after_write failed: RuntimeError: no room for ['{output}']" in warning


def test_of_runs_into_one_place_one_is_told(painter: Path) -> None:
    run = ["run", "plain", "-n", "9", "--seed", "3", "-o"]
    several = [
        (path, subprocess.Popen([*GENZOO, *words, path], stderr=subprocess.PIPE, text=True))
        for words, path in [(run, "new/"), (["export", "plain", "-o"], "a.safetensors")]
        for _ in range(2)
    ]
    ended: dict[str, list[int]] = {}
    for path, process in several:
        process.communicate()
        ended.setdefault(path, []).append(process.returncode)
    assert {path: sorted(codes) for path, codes in ended.items()} == {
        "new/": [0, 2],
        "a.safetensors": [0, 2],
    }
    assert sorted(os.listdir()) == ["a.safetensors", "new"]
    assert len(os.listdir("new")) == 9


def test_a_failed_write_leaves_what_was_there(
    painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    install_hook(tmp_path, monkeypatch, "genzoo_write_output", FULL)
    Path("a.full").write_text("old")
    done = cli("run", "plain", "-o", "a.full", "--force")
    assert done.code == 1
    assert "No space left on device" in done.err
    assert Path("a.full").read_text() == "old"
    assert os.listdir() == ["a.full"]


def test_the_record_of_a_run_is_the_same_in_all(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "2", "--seed", "3", "-o", "a.png")
    cli("run", "plain", "-n", "2", "--seed", "3", "-o", "a.npz")
    with np.load("a.npz") as arrays:
        assert json.loads(str(arrays["record"]))["record"] == record(Path("a.png"))
