"""`genzoo run --replay`: the same pictures, or why not."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from painting import MODELS, Cli, write_model
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from terminal import on_terminal


def pixels(path: str | Path) -> np.ndarray:
    """The pixels of a picture."""
    with Image.open(path) as image:
        return np.asarray(image)


def rewrite(path: str, before: str, after: str) -> None:
    """Change the record in a PNG, and nothing else."""
    with Image.open(path) as image:
        image.load()
        text = image.info["genzoo"]
        assert before in text
        info = PngInfo()
        info.add_itxt("genzoo", text.replace(before, after))
        image.save(path, pnginfo=info)


@pytest.mark.parametrize(
    "words",
    [
        ["plain", "-n", "9", "--set", "temperature=0.5"],
        ["plain", "-n", "70", "--batch", "32"],
        ["colour", "3", "random", "-n", "3", "--set", "text=ein Herz ♥"],
        ["plain", "--interpolate", "3,8"],
        ["colour", "3", "4", "--interpolate", "3,8", "-n", "3"],
    ],
)
def test_a_grid_comes_out_again(painter: Path, cli: Cli, words: list[str]) -> None:
    assert cli("run", *words, "-o", "a.png").code == 0
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert (done.code, done.out) == (0, "b.png\n")
    assert "the same pixels as a.png" in done.err
    np.testing.assert_array_equal(pixels("a.png"), pixels("b.png"))
    # What was replayed can be replayed.
    assert cli("run", "--replay", "b.png", "-o", "c.png").code == 0


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "a.gif"])
def test_other_files_come_out_again(painter: Path, cli: Cli, name: str) -> None:
    assert cli("run", "colour", "3", "-n", "3", "-o", name).code == 0
    done = cli("run", "--replay", name, "-o", f"b{Path(name).suffix}")
    assert done.code == 0
    assert Path(name).read_bytes() == Path(f"b{Path(name).suffix}").read_bytes()
    assert cli("run", "--replay", name, "-o", "b.png").code == 0


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors", "a.png"])
def test_pictures_are_compared_as_they_come(silent_painter: Path, cli: Cli, name: str) -> None:
    assert cli("run", "colour", "3", "4", "-n", "4", "--batch", "3", "-o", name).code == 0
    again = f"b{Path(name).suffix}"
    done = cli("run", "--replay", name, "-o", again)
    assert done.code == 0
    assert f"the same pixels as {name}" in done.err
    assert Path(name).read_bytes() == Path(again).read_bytes()
    assert cli("run", "--replay", name, "-o", "c").code == 0
    for number in range(8):
        done = cli("run", "--replay", f"c/{number:04}.png", "-o", "one.npz", "-f")
        assert "the same pixels" in done.err


def test_what_differs_in_a_late_batch_leaves_nothing(silent_painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "4", "--batch", "1", "-o", "a.npz")
    with np.load("a.npz") as arrays:
        kept = dict(arrays)
    kept["images"][3] ^= 0xFF
    np.savez("a.npz", **kept)
    for output in ("b", "b.npz"):
        done = cli("run", "--replay", "a.npz", "-o", output)
        assert done.code == 1
        assert "what a.npz shows is not what its record makes" in done.err
        assert os.listdir() == ["a.npz"]


def test_one_picture_of_a_folder_comes_out_alone(painter: Path, cli: Cli) -> None:
    words = ["--seed", "0", "--batch", "32", "--set", "fault=crowded"]
    assert cli("run", "plain", "-n", "70", *words, "-o", "many/").code == 0
    for number in (0, 13, 69):
        done = cli("run", "--replay", f"many/{number:04}.png", "-o", "one.png", "-f")
        assert done.code == 0
        assert "the same pixels" in done.err
        np.testing.assert_array_equal(pixels("one.png"), pixels(f"many/{number:04}.png"))


def test_names_in_a_folder_are_as_long_in_all_batches(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "3", "-o", "few")
    rewrite("few/0001.png", '"n":3', '"n":10001')
    assert cli("run", "--replay", "few/0001.png", "-o", "one").code == 0
    assert os.listdir("one") == ["00001.png"]


def test_a_reconstruction_needs_its_input(painter: Path, cli: Cli) -> None:
    Image.new("L", (8, 8), 50).save("digit.png")
    Image.new("L", (8, 8), 90).save("other.png")
    cli("run", "plain", "-i", "digit.png", "-i", "other.png", "-o", "a.png")
    assert cli("run", "--replay", "a.png", "-o", "b.png").code == 0
    Path("moved").mkdir()
    Path("digit.png").rename("moved/digit.png")
    done = cli("run", "--replay", "a.png", "-o", "c.png")
    assert done.code == 1
    assert "digit.png" in done.err
    again = ["--replay", "a.png", "-o", "c.png", "-i", "moved/digit.png"]
    assert cli("run", *again, "-i", "other.png").code == 0
    assert "not the file that was used" in cli("run", *again, "-f", "-i", "moved/digit.png").err
    assert "it has 2 inputs" in cli("run", *again, "-f").err


def test_a_file_replays_its_model_from_a_path(painter: Path, cli: Cli) -> None:
    Path("models").mkdir()
    write_model(Path("models/mine.safetensors"), MODELS["plain"])
    cli("run", "models/mine.safetensors", "-o", "a.png")
    assert cli("run", "--replay", "a.png", "-o", "b.png").code == 0
    Path("models/mine.safetensors").rename("elsewhere.safetensors")
    done = cli("run", "--replay", "a.png", "-o", "c.png")
    assert done.code == 1
    assert "mine.safetensors" in done.err
    assert cli("run", "elsewhere.safetensors", "--replay", "a.png", "-o", "c.png").code == 0
    Path("pictures").mkdir()
    shutil.copy("a.png", "pictures")
    shutil.copy("elsewhere.safetensors", "pictures/mine.safetensors")
    assert cli("run", "--replay", "pictures/a.png", "-o", "d.png").code == 0


def test_other_weights_are_refused(painter: Path, cli: Cli) -> None:
    write_model(Path("mine.safetensors"), MODELS["plain"])
    cli("run", "./mine.safetensors", "-o", "a.png")
    write_model(Path("mine.safetensors"), MODELS["plain"], seed=1)
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 1
    assert "other weights" in done.err
    assert not Path("b.png").exists()


def test_another_model_is_not_blamed_for_its_weights(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    done = cli("run", "colour", "--replay", "a.png", "-o", "b.png")
    assert done.code == 1
    assert "a.png was made with painter/plain, not with painter/colour; leave out" in done.err


def test_a_model_that_is_not_installed_is_named(
    painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", "plain", "-o", "a.png")
    monkeypatch.setenv("GENZOO_DISABLE", "painter")
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "painter/plain" in done.err
    assert "it is of the plugin 'painter' 2.0" in done.err
    assert "genzoo install" not in done.err


@pytest.mark.parametrize("name", ["evil; rm -rf ~/x", "--index-url=http:/x", "$(id)/plain"])
def test_a_name_that_is_none_is_never_a_command_to_type(painter: Path, cli: Cli, name: str) -> None:
    cli("run", "plain", "-o", "a.png")
    rewrite("a.png", '"painter/plain"', f'"{name}"')
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "is no name of a model" in done.err
    assert " install" not in done.err


def test_a_weights_file_is_found_where_it_lay(
    painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("export", "plain", "-o", "mine.safetensors")
    cli("run", str(Path("mine.safetensors").absolute()), "--seed", "1", "-o", "a.png")
    Path("elsewhere").mkdir()
    Path("a.png").rename("elsewhere/a.png")
    monkeypatch.chdir("elsewhere")
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 0, done
    assert np.array_equal(pixels("a.png"), pixels("b.png"))


def test_a_record_opens_no_file_elsewhere(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    rewrite("a.png", '"painter/plain"', '"/etc/passwd"')
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "there is no folder or file passwd" in done.err


def test_another_version_is_a_warning(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    rewrite("a.png", '"painter":"2.0"', '"painter":"1.9"')
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 0
    assert "Warning: a.png was made with painter 1.9; here is 2.0" in done.err


def test_a_record_does_not_steer_the_terminal(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    rewrite("a.png", '"painter":"2.0"', '"painter":"\\u001b[2J\\n1.9"')
    err = cli("run", "--replay", "a.png", "-o", "b.png").err
    assert "\x1b" not in err
    assert "\\x1b[2J" in err


def test_what_the_record_does_not_make_is_refused(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "--seed", "0", "-n", "4", "-o", "a.png")
    rewrite("a.png", '"seed":0', '"seed":1')
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 1
    assert "is not what its record makes" in done.err
    assert not Path("b.png").exists()


def test_rounding_is_forgiven_and_told(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "--seed", "0", "-o", "a.npz")
    with np.load("a.npz") as arrays:
        kept = dict(arrays)
    kept["images"][0, 0, 0, 0] ^= 1
    np.savez("a.npz", **kept)
    done = cli("run", "--replay", "a.npz", "-o", "b.npz")
    assert done.code == 0
    assert "1 of 64 values differ by at most 1 of 255" in done.err


def test_a_device_that_is_not_here_is_a_warning(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    rewrite("a.png", '"versions"', '"device":"cuda:7","versions"')
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 0
    assert "'cuda:7'" in done.err


def test_settings_do_not_go_with_a_replay(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-o", "a.png")
    for words in (["--seed", "1"], ["-n", "3"], ["--set", "steps=3"], ["--batch", "3"]):
        done = cli("run", "--replay", "a.png", *words)
        assert done.code == 2
        assert "takes its settings from the file" in done.err


def test_what_is_said_while_a_bar_is_drawn_has_a_line_of_its_own(painter: Path, cli: Cli) -> None:
    assert cli("run", "flow-mnist", "7", "-n", "64", "--seed", "0", "-o", "a.png").code == 0
    words = ("run", "--replay", "a.png", "-o", "b.png")
    shown = "\n".join(on_terminal(80, *words, errors=True))
    assert "━━" in shown  # it takes more than half a second
    assert re.search(r"(\n|\r|\x1b\[2K)the same pixels as a\.png\r?\n", shown)
