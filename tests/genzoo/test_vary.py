"""Pictures that go in: variations of them, and of a part of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from painting import Cli, assert_refused
from PIL import Image

import genzoo
from genzoo_core import UsageError

FAST = ("--steps", "2")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a digit, another one, a mask of the right half, and a drawing on nothing."""
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    digits = genzoo.generate("vae-mnist", ["7", "3"], seed=1).images
    for name, digit in zip(("seven", "three"), digits, strict=True):
        pixels = ((digit[0] + 1) * 127.5).round().byte().numpy()
        Image.fromarray(pixels).save(f"{name}.png")
    right = np.zeros((28, 28), np.uint8)
    right[:, 14:] = 255
    Image.fromarray(right).save("right.png")
    return work


def images(path: str | Path) -> np.ndarray:
    """The pictures of a .npz file, uint8 `[N, H, W]` or `[N, H, W, C]`."""
    with np.load(path) as arrays:
        found: np.ndarray = arrays["images"]
    return found[..., 0] if found.shape[-1] == 1 else found


def grey(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def test_each_variation_has_a_seed_and_depends_on_nothing_else(work: Path, cli: Cli) -> None:
    run = ("run", "flow-mnist", "7", "--input", "seven.png", "--strength", "0.6", *FAST)
    done = cli(*run, "-n", "5", "--seed", "3", "--batch", "2", "-o", "five.npz")
    assert done.code == 0, done.err
    assert "seeds 3 to 7, strength 0.6" in done.err
    five = images("five.npz")
    assert len({row.tobytes() for row in five}) == 5
    cli(*run, "--seed", "6", "-o", "one.npz")
    assert np.abs(five[3] - images("one.npz")[0].astype(int)).max() <= 1
    # They are nearer to the picture than what is made of noise alone.
    cli("run", "flow-mnist", "3", "-n", "5", "--seed", "3", *FAST, "-o", "noise.npz")
    near, far = (np.abs(a - grey("seven.png").astype(float)) for a in (five, images("noise.npz")))
    assert near.mean() < far.mean() / 2


@pytest.mark.parametrize("model", ["flow-mnist", "flow1-mnist", "ddpm-mlp-mnist", "ldm-mnist"])
def test_the_ends_of_strength_are_the_picture_and_the_run_without_it(
    work: Path, cli: Cli, model: str
) -> None:
    run = ("run", model, "--seed", "4", *FAST)
    cli(*run, "-o", "plain.npz")
    ends = {}
    for strength in ("0", "1"):
        done = cli(*run, "-i", "seven.png", "--strength", strength, "-o", f"{strength}.npz")
        assert done.code == 0, done.err
        ends[strength] = images(f"{strength}.npz")
    np.testing.assert_array_equal(ends["1"], images("plain.npz"))
    expected = grey("seven.png")
    if model == "ldm-mnist":
        cli("run", model, "-i", "seven.png", "-o", "again.npz")
        expected = images("again.npz")[0]
    np.testing.assert_array_equal(ends["0"][0], expected)


@pytest.mark.parametrize("model", ["vae-mnist", "ae-mnist", "ae-timm-mnist", "vae-mlp-mnist"])
def test_codecs_vary_in_their_latents(work: Path, cli: Cli, model: str) -> None:
    run = ("run", model, "--seed", "4")
    cli(*run, "-o", "plain.npz")
    cli("run", model, "-i", "seven.png", "-o", "again.npz")
    made = {}
    for strength in ("0", "0.3", "1"):
        done = cli(*run, "-i", "seven.png", "--strength", strength, "-o", f"{strength}.npz")
        assert done.code == 0, done.err
        made[strength] = images(f"{strength}.npz").astype(int)
    np.testing.assert_array_equal(made["1"], images("plain.npz"))
    assert np.abs(made["0"] - images("again.npz")).max() <= 1
    some, all_ = (np.abs(made[s] - made["0"]).mean() for s in ("0.3", "1"))
    assert 0 < some < all_


def test_rows_are_of_inputs_or_of_prompts(work: Path, cli: Cli) -> None:
    one = ("run", "flow-mnist", "--strength", "0.5", "-n", "2", "--seed", "0", *FAST)
    cli(*one, "7", "3", "-i", "seven.png", "--scale", "1", "-o", "prompts.png")
    cli(*one, "7", "-i", "seven.png", "-i", "three.png", "--scale", "1", "-o", "inputs.png")
    for name in ("prompts.png", "inputs.png"):
        assert Image.open(name).size == (2 * 30 - 2, 2 * 30 - 2)
    cli(*one, "7", "3", "-i", "seven.png", "-i", "three.png", "-o", "both.npz")
    second = (*one[:-2], "--seed", "2", *FAST[:1])
    done = cli(*second, "2", "3", "-i", "three.png", "-o", "second.npz")
    assert done.code == 0, done.err
    assert np.abs(images("both.npz")[2:] - images("second.npz").astype(int)).max() <= 1
    done = cli(*one, "1", "2", "3", "-i", "seven.png", "-i", "three.png")
    assert_refused(done, "3 prompts do not go with 2 inputs")


@pytest.mark.parametrize("model", ["flow-mnist", "flow1-mnist", "ddpm-mlp-mnist", "ldm-mnist"])
@pytest.mark.parametrize("strength", [(), ("--strength", "0.7")], ids=["whole", "part"])
def test_what_a_mask_leaves_comes_back_to_the_pixel(
    work: Path, cli: Cli, model: str, strength: tuple[str, ...]
) -> None:
    words = ("-i", "seven.png", "--mask", "right.png", *strength, "-n", "3", *FAST)
    done = cli("run", model, *words, "--seed", "1", "-o", "made.npz")
    assert done.code == 0, done.err
    assert "right.png: what is white in it is made, 50 % of the picture" in done.err
    made = images("made.npz")
    left = np.broadcast_to(grey("seven.png")[:, :14], (3, 28, 14))
    np.testing.assert_array_equal(made[:, :, :14], left)
    assert len({row[:, 14:].tobytes() for row in made}) == 3
    record = json.loads(np.load("made.npz")["record"].item())["record"]
    assert record["strength"] == (0.7 if strength else 1)
    assert record["mask"]["path"] == "right.png"
    assert len(record["mask"]["sha256"]) == 64


@pytest.mark.parametrize("model", ["flow-mnist", "ldm-mnist", "flow1-mnist"])
def test_what_lies_under_the_mask_has_no_part_in_it(work: Path, cli: Cli, model: str) -> None:
    other = grey("seven.png").copy()
    other[:, 14:] = np.random.default_rng(0).integers(0, 256, (28, 14))
    Image.fromarray(other).save("other.png")
    for name in ("seven", "other"):
        cli("run", model, "-i", f"{name}.png", "--mask", "right.png", "--seed", "1", *FAST,
            "-o", f"{name}.npz")  # fmt: skip
    apart = images("seven.npz").astype(int) - images("other.npz")
    assert np.abs(apart).max() <= 1


def test_what_is_made_fits_what_stays(work: Path, cli: Cli) -> None:
    words = ("-i", "seven.png", "--mask", "right.png", "-n", "16", "--seed", "0", "--steps", "5")
    cli("run", "flow-mnist", "7", *words, "-o", "made.npz")
    cli("run", "flow-mnist", "7", "-n", "16", "--seed", "0", "--steps", "5", "-o", "free.npz")
    left = grey("seven.png")[:, 13].astype(float)
    made, free = (np.abs(images(f)[:, :, 14] - left).mean() for f in ("made.npz", "free.npz"))
    assert made < 0.8 * free


def test_all_white_is_the_run_without_it(work: Path, cli: Cli) -> None:
    Image.new("L", (28, 28), 255).save("white.png")
    run = ("run", "flow-mnist", "--seed", "4", *FAST)
    cli(*run, "-o", "plain.npz")
    cli(*run, "-i", "seven.png", "--mask", "white.png", "-o", "white.npz")
    np.testing.assert_array_equal(images("white.npz"), images("plain.npz"))


def test_of_a_mask_with_transparency_that_part_is_made(work: Path, cli: Cli) -> None:
    # The input may be its own mask: what was cut out is filled.
    alpha = np.full((28, 28), 255, np.uint8)
    alpha[:14] = 0
    cut = Image.merge("LA", (Image.open("seven.png"), Image.fromarray(alpha)))
    cut.save("cut.png")
    done = cli("run", "flow-mnist", "-i", "cut.png", "--mask", "cut.png", *FAST, "-o", "out.npz")
    assert done.code == 0, done.err
    assert "cut.png: what is transparent in it is made, 50 % of the picture" in done.err
    done = cli("run", "flow-mnist", "-i", "cut.png", "--strength", "0.5", *FAST, "-o", "all.npz")
    hint = "cut.png: all of it is varied; --mask cut.png makes only what is transparent in it"
    assert hint in done.err
    np.testing.assert_array_equal(images("out.npz")[0, 14:], grey("seven.png")[14:])
    # One that is opaque all over says it by its white, in whatever mode.
    Image.open("right.png").convert("RGBA").save("right-rgba.png")
    done = cli("run", "flow-mnist", "-i", "seven.png", "--mask", "right-rgba.png", *FAST)
    assert "right-rgba.png: what is white in it is made, 50 %" in done.err


def test_no_pixel_that_is_partly_made_stays(work: Path, cli: Cli) -> None:
    # One pixel of a large mask makes the whole pixel that it shrinks into.
    Image.open("seven.png").resize((280, 280), 0).save("large.png")
    mask = np.zeros((280, 280), np.uint8)
    mask[59, 100] = 255
    mask[200:, 200:] = 127  # below half
    Image.fromarray(mask).save("mask.png")
    done = cli("run", "flow-mnist", "3", "-i", "large.png", "--mask", "mask.png", *FAST,
               "-n", "4", "--seed", "0", "-o", "out.npz")  # fmt: skip
    assert done.code == 0, done.err
    made = (images("out.npz") != grey("seven.png")).any(0)
    assert made[5, 10]
    assert made.sum() == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["gan-mnist", "-i", "seven.png", "--strength", "0.5"],
         ["gan-mnist cannot begin from a picture", "autoencoders, VAEs and diffusion models can"]),
        (["codec-mnist", "-i", "seven.png", "--strength", "0.5"], ["cannot begin from a picture"]),
        (["vae-mnist", "-i", "seven.png", "--mask", "right.png"],
         ["varies a picture as a whole", "diffusion models can"]),
        (["flow-mnist", "-i", "seven.png"], ["has no encoder", "add --strength 0.6 to vary it"]),
        (["vae-mnist", "-i", "seven.png", "-n", "3"], ["add --strength 0.6"]),
        (["flow-mnist", "--strength", "0.5"], ["--strength", "--input"]),
        (["flow-mnist", "--mask", "right.png"], ["--mask", "--input"]),
        (["flow-mnist", "--interpolate", "1,2", "--strength", "0.5"], ["--strength"]),
        (["vae-mnist", "--interpolate", "-i", "seven.png", "-i", "three.png", "--strength", "0.5"],
         ["--strength"]),
        (["flow-mnist", "-i", "seven.png", "--strength", "1.01"], ["1.01", "from 0"]),
        (["flow-mnist", "-i", "seven.png", "--strength", "1.0000001"], ["is 1.0000001; give"]),
        (["features-mnist-classifier", "-i", "seven.png"], ["has no decoder"]),
        (["flow-mnist", "-i", "seven.png", "--strength", "-0.1"], ["-0.1", "from 0"]),
        (["flow-mnist", "-i", "seven.png", "--strength", "nan"], ["nan"]),
        (["flow-mnist", "-i", "seven.png", "--mask", "large.png"],
         ["large.png has 56×28 pixels", "seven.png has 28×28"]),
        (["flow-mnist", "-i", "seven.png", "--mask", "black.png"],
         ["nothing is made", "black.png"]),
        (["flow-mnist", "-i", "seven.png", "--mask", "none.png"], ["cannot read none.png"]),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(work: Path, cli: Cli, words: list[str], says: list[str]) -> None:
    Image.new("L", (56, 28), 255).save("large.png")
    Image.new("L", (28, 28), 0).save("black.png")
    assert_refused(cli("run", *words), *says)


def test_a_replay_makes_them_again_and_names_what_has_changed(work: Path, cli: Cli) -> None:
    words = ("-i", "seven.png", "--mask", "right.png", "--strength", "0.8", "-n", "2", *FAST)
    assert cli("run", "flow-mnist", "7", *words, "-o", "a.png").code == 0
    done = cli("run", "--replay", "a.png", "-o", "b.png")
    assert "the same pixels as a.png" in done.err
    assert_refused(cli("run", "--replay", "a.png", "--strength", "0.5"), "--replay takes")
    (work / "right.png").rename("moved.png")
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "cannot read right.png" in done.err
    assert "--mask FILE" in done.err
    done = cli("run", "--replay", "a.png", "--mask", "moved.png", "-o", "c.png")
    assert "the same pixels as a.png" in done.err
    Image.new("L", (28, 28), 255).save("right.png")
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "mask right.png is not the file that was used then" in done.err
    (work / "moved.png").replace("right.png")
    (work / "three.png").replace("seven.png")
    done = cli("run", "--replay", "a.png")
    assert "input seven.png is not the file that was used then" in done.err


def test_pictures_may_be_bytes_which_no_record_holds(work: Path, cli: Cli) -> None:
    seven, right = (Path(name).read_bytes() for name in ("seven.png", "right.png"))
    fields = {"strength": 0.7, "seed": 2, "n": 2, "options": {"steps": 2}}
    paths = genzoo.generate("flow-mnist", "7", inputs="seven.png", mask="right.png", **fields)
    given = genzoo.generate("flow-mnist", "7", inputs=seven, mask=right, **fields)
    assert (given.images == paths.images).all()
    [before], [after] = paths.record.inputs, given.record.inputs
    assert (after.path, after.data, after.sha256) == ("", b"", before.sha256)
    assert given.record.mask is not None
    assert given.record.mask.data == b""
    with pytest.raises(UsageError, match="give the path of a picture, or its bytes"):
        genzoo.generate("flow-mnist", inputs=3, strength=0.5)
    with pytest.raises(UsageError, match="the input is empty"):
        genzoo.generate("flow-mnist", inputs=b"", strength=0.5)


def test_a_replay_of_bytes_asks_for_a_file(work: Path, cli: Cli) -> None:
    from genzoo.run.outputs.images import grid_png

    pictures = genzoo.generate(
        "flow-mnist", inputs=Path("seven.png").read_bytes(), strength=0.5, options={"steps": 2}
    )
    Path("a.png").write_bytes(grid_png(pictures))
    done = cli("run", "--replay", "a.png")
    assert done.code == 1
    assert "given as bytes" in done.err
    assert "--input FILE" in done.err
    done = cli("run", "--replay", "a.png", "--input", "seven.png")
    assert "the same pixels as a.png" in done.err


def test_a_gif_shows_the_steps_with_what_stays(work: Path, cli: Cli) -> None:
    words = ("-i", "seven.png", "--mask", "right.png", "--steps", "3", "--set", "passes=2")
    assert cli("run", "flow-mnist", *words, "--scale", "1", "-o", "a.gif").code == 0
    with Image.open("a.gif") as gif:
        # The step from noise alone is taken once, the others twice; then the result.
        assert gif.n_frames in (5, 6)  # equal frames are one
        for frame in range(gif.n_frames):
            gif.seek(frame)
            shown = np.asarray(gif.convert("L"))[:, :14]
            assert np.abs(shown - grey("seven.png")[:, :14].astype(int)).max() <= 4
    done = cli("run", "flow-mnist", "-i", "seven.png", "--strength", "0", "-o", "b.gif")
    assert done.code == 2
    assert "makes these pictures in one step" in done.err  # the model makes others in ten


def test_it_is_named_after_input_and_seed(work: Path, cli: Cli) -> None:
    done = cli("run", "flow-mnist", "-i", "seven.png", "--strength", "0.5", "--seed", "9", *FAST)
    assert done.out == "flow-mnist-seven-9.png\n"


def test_what_stays_comes_back_whatever_the_model_does_to_what_it_is_given(
    painter: Path, cli: Cli
) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(levels).save("a.png")
    made = np.zeros((8, 8), np.uint8)
    made[4:] = 255
    Image.fromarray(made).save("mask.png")
    words = ("run", "plain", "-i", "a.png", "--mask", "mask.png", "-n", "3", "-o", "x.npz")
    assert cli(*words, "--set", "fault=overwriting").code == 0
    for picture in images("x.npz"):
        np.testing.assert_array_equal(picture[:4], levels[:4])
        assert (picture[4:] != levels[4:]).any()


@pytest.mark.parametrize(
    "begins",
    [(), ("-i", "a.png", "--strength", "0.5"), ("-i", "a.png", "--mask", "half.png")],
)
@pytest.mark.parametrize(
    ("fault", "says"),
    [("tiny", "[2, 1, 1, 1]"), ("single", "[1, 8, 8]"), ("nothing", "NoneType")],
)
def test_pictures_of_another_shape_are_their_models_fault(
    painter: Path, cli: Cli, fault: str, says: str, begins: tuple[str, ...]
) -> None:
    """Under a mask, and in a grid, some would be spread over the pictures."""
    Image.new("L", (8, 8)).save("a.png")
    half = np.zeros((8, 8), np.uint8)
    half[4:] = 255
    Image.fromarray(half).save("half.png")
    done = cli("run", "plain", *begins, "-n", "2", "--set", f"fault={fault}", "-o", "x.png")
    assert (done.code, done.out) == (1, ""), done
    assert f"painter/plain failed: its pictures are {says}, not [2, 1, 8, 8]" in done.err
    assert not Path("x.png").exists()
