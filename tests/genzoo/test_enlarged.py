"""Grids and animations that a person sees: enlarged, in full rows, and made again as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from painting import Cli, assert_refused
from PIL import Image, ImageSequence


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def layout(path: str) -> dict[str, int]:
    """How a PNG says that its pictures lie."""
    with Image.open(path) as image:
        found: dict[str, int] = json.loads(image.info["genzoo"])["layout"]
    return found


def larger(image: np.ndarray, scale: int) -> np.ndarray:
    """Each pixel as a square."""
    return np.kron(image, np.ones((scale, scale), np.uint8))


@pytest.mark.parametrize(
    ("count", "columns", "rows"),
    [(2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2), (7, 4, 2), (8, 4, 2), (12, 4, 3), (40, 8, 5)],
)
def test_a_grid_has_as_few_holes_as_it_can(
    painter: Path, cli: Cli, count: int, columns: int, rows: int
) -> None:
    assert cli("run", "plain", "-n", str(count), "--scale", "1", "-o", "a.png").code == 0
    assert pixels("a.png").shape == (rows * 10 - 2, columns * 10 - 2)


def test_a_grid_is_enlarged_by_whole_numbers_to_about_512(painter: Path, cli: Cli) -> None:
    words = ["run", "plain", "-n", "16", "--seed", "0", "-o"]
    cli(*words, "small.png", "--scale", "1")
    cli(*words, "seen.png")
    cli(*words, "thrice.png", "--scale", "3")
    # 38 by 38, of which 13 times 38 is nearest to 512.
    np.testing.assert_array_equal(pixels("seen.png"), larger(pixels("small.png"), 13))
    np.testing.assert_array_equal(pixels("thrice.png"), larger(pixels("small.png"), 3))
    assert layout("seen.png") == {"columns": 4, "gap": 2, "scale": 13}
    cli("run", "plain", "-n", "4000", "-o", "many.png")
    assert "scale" not in layout("many.png")


@pytest.mark.parametrize("output", ["a.png", "pictures/0000.png", "shard.npz"])
def test_what_is_alone_keeps_its_size(painter: Path, cli: Cli, output: str) -> None:
    place = "pictures/" if "/" in output else output
    assert cli("run", "plain", "-n", "1", "--seed", "0", "-o", place).code == 0
    if output.endswith(".npz"):
        with np.load(output) as arrays:
            assert arrays["images"].shape == (1, 8, 8, 1)
    else:
        assert pixels(output).shape == (8, 8)


def test_columns_are_those_that_somebody_wants(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "8", "--columns", "3", "--scale", "1", "-o", "a.png")
    assert pixels("a.png").shape == (3 * 10 - 2, 3 * 10 - 2)
    cli("run", "plain", "-n", "2", "--columns", "9", "--scale", "1", "-o", "b.png")
    assert pixels("b.png").shape == (8, 2 * 10 - 2)
    cli("run", "colour", "1", "2", "-n", "3", "--columns", "6", "--scale", "1", "-o", "c.png")
    assert pixels("c.png").shape == (8, 6 * 10 - 2, 3)


@pytest.mark.parametrize(
    "words",
    [
        ["plain", "-n", "8"],
        ["plain", "-n", "8", "--columns", "3", "--scale", "2"],
        ["plain", "-n", "1", "--scale", "7"],
        ["colour", "1", "2", "-n", "3", "--columns", "2"],
        ["plain", "--interpolate", "3,8"],
    ],
)
def test_a_replay_is_laid_out_as_it_was(painter: Path, cli: Cli, words: list[str]) -> None:
    cli("run", *words, "-o", "a.png")
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels as a.png" in done.err
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    done = cli("run", "--replay", "a.png", "-o", "c.png", "--scale", "1", "--columns", "1")
    assert "the same pixels as a.png" in done.err
    assert "scale" not in layout("c.png")


def test_a_file_of_before_is_replayed_as_it_was(painter: Path, cli: Cli) -> None:
    """Its record says neither how much it is enlarged nor that its eight are in full rows."""
    cli("run", "plain", "-n", "8", "--columns", "3", "--scale", "1", "-o", "old.png")
    assert layout("old.png") == {"columns": 3, "gap": 2}
    done = cli("run", "--replay", "old.png", "-o", "new.png")
    assert "the same pixels as old.png" in done.err
    np.testing.assert_array_equal(pixels("old.png"), pixels("new.png"))


def test_a_pixel_that_was_changed_is_found_in_an_enlarged_picture(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "4", "-o", "a.png")
    with Image.open("a.png") as image:
        image.load()
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("genzoo", image.info["genzoo"])
        changed = image.copy()
        changed.putpixel((101, 77), 255 - image.getpixel((101, 77)))
        changed.save("a.png", pnginfo=info)
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert done.code == 1
    assert "is not what its record makes" in done.err


def test_an_input_that_was_enlarged_is_read_in_its_true_size(painter: Path, cli: Cli) -> None:
    one = ["run", "plain", "-n", "1", "--seed", "0", "-o"]
    cli(*one, "true.png")
    cli(*one, "large.png", "--scale", "7")
    cli(*one, "large.webp", "--scale", "7")
    for name in ("true.png", "large.png", "large.webp"):
        done = cli("encode", "plain", name, "-o", f"{name}.npz")
        assert done.code == 0
        assert "pixels" not in done.err, name
    wanted = np.load("true.png.npz")["mean"]
    for name in ("large.png", "large.webp"):
        np.testing.assert_array_equal(np.load(f"{name}.npz")["mean"], wanted)
    cli("run", "plain", "-n", "4", "--seed", "0", "-o", "grid.png")
    done = cli("encode", "plain", "grid.png", "-o", "grid.npz")
    assert "a grid, taken for one picture, resized from 18×18 to 8×8 pixels" in done.err


def test_a_mask_has_the_size_of_the_file_that_it_was_drawn_on(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "1", "--seed", "0", "--scale", "4", "-o", "large.png")
    mask = np.zeros((32, 32), np.uint8)
    mask[16:] = 255
    Image.fromarray(mask).save("mask.png")
    words = ["run", "plain", "-i", "large.png", "--mask", "mask.png", "-o", "made.npz"]
    assert cli(*words).code == 0
    with np.load("made.npz") as arrays:
        kept = arrays["images"][0, :4, :, 0]
    np.testing.assert_array_equal(kept, pixels("large.png")[:16:4, ::4])


def test_animations_are_enlarged_and_walks_lie_side_by_side(painter: Path, cli: Cli) -> None:
    assert cli("run", "colour", "--steps", "4", "-o", "a.gif").code == 0
    with Image.open("a.gif") as image:
        assert image.size == (512, 512)
    words = ["run", "colour", "1", "2", "3", "4", "--interpolate", "3,8", "-n", "3"]
    for options, size in (([], (8, 38)), (["--columns", "2"], (18, 18))):
        assert cli(*words, *options, "--scale", "1", "-o", "walk.gif", "-f").code == 0
        with Image.open("walk.gif") as image:
            assert image.size == size
            assert len(list(ImageSequence.Iterator(image))) == 4
    cli("run", "--replay", "walk.gif", "-o", "again.gif")
    assert Path("walk.gif").read_bytes() == Path("again.gif").read_bytes()
    # As a grid it is the steps that lie side by side, and it is enlarged as any grid is.
    cli("run", "--replay", "walk.gif", "-o", "strip.png")
    assert layout("strip.png") == {"columns": 3, "gap": 2, "scale": 13, "walks": 2}


@pytest.mark.parametrize("words", [["-o", "new/"], ["-o", "a.npz"], ["-o", "new", "--shards"]])
@pytest.mark.parametrize("option", ["--scale", "--columns"])
def test_pictures_that_are_apart_are_not_enlarged(
    painter: Path, cli: Cli, words: list[str], option: str
) -> None:
    done = cli("run", "plain", "-n", "4", option, "2", *words)
    assert_refused(done, f"{option} is for pictures in one")
    assert list(painter.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scale", "0"], "--scale is 0; give a number of at least 1"),
        (["--columns", "0"], "--columns is 0; give a number of at least 1"),
        (["--scale", "x"], "'x' is not a whole number"),
        (["--scale", "900"], "16,200 × 16,200 pixels are too many for one png; enlarge them less"),
        (["--scale", "1000", "-n", "2", "-o", "a.webp"], "too many for one webp"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(
    painter: Path, cli: Cli, words: list[str], says: str
) -> None:
    assert_refused(cli("run", "plain", "-n", "4", *words), says)
    assert list(painter.iterdir()) == []
