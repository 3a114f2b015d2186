"""`genzoo run`: what it makes, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from painting import Cli
from PIL import Image
from terminal import on_terminal

import genzoo


def images(path: str | Path) -> np.ndarray:
    """The pictures of a .npz file, uint8 `[N, H, W, C]`."""
    with np.load(path) as arrays:
        return arrays["images"]


def test_it_writes_a_picture_and_prints_where(painter: Path, cli: Cli) -> None:
    done = cli("run", "plain", "-n", "4", "--seed", "5", "-o", "a.png")
    assert (done.code, done.out) == (0, "a.png\n")
    assert "seeds 5 to 8" in done.err
    with Image.open(painter / "a.png") as image:
        # Two rows of two, two pixels apart: 18 by 18, enlarged to about 512.
        assert image.size == (28 * 18, 28 * 18)
        assert image.mode == "L"


def test_each_prompt_is_a_row_and_the_next_seed(painter: Path, cli: Cli) -> None:
    assert cli("run", "colour", "3", "7", "-n", "5", "--seed", "10", "-o", "all.npz").code == 0
    with np.load("all.npz") as arrays:
        assert arrays["seeds"].tolist() == list(range(10, 20))
    # Picture 2 of prompt 1 has seed 10 + 1 · 5 + 2.
    assert cli("run", "colour", "7", "--seed", "17", "-o", "one.npz").code == 0
    assert np.abs(images("all.npz")[7] - images("one.npz")[0].astype(int)).max() <= 1
    cli("run", "colour", "3", "7", "-n", "5", "--scale", "1", "-o", "all.png")
    with Image.open("all.png") as image:
        assert image.size == (5 * 10 - 2, 2 * 10 - 2)


def test_the_seed_is_the_same_noise_whatever_the_prompt_says(painter: Path, cli: Cli) -> None:
    drawn = genzoo.generate("colour", "random", n=200, seed=0).images
    given = [genzoo.generate("colour", str(k), n=200, seed=0).images for k in range(10)]
    apart = torch.stack([(drawn - images).flatten(1).abs().amax(1) for images in given])
    labels = apart.argmin(0)
    # Each picture of a random label is that of one of the labels: what is drawn takes nothing
    # from the noise of the picture, so that prompts can be compared.
    assert apart.amin(0).max() < 1 / 255
    assert len(labels.unique()) == 10
    # What is drawn for a picture depends on its seed alone, not on its batch.
    alone = genzoo.generate("colour", "random", n=10, seed=150).images
    torch.testing.assert_close(alone, drawn[150:160], rtol=1e-4, atol=1e-5)
    seed = int((labels == 3).nonzero()[0])
    for prompt in ("random", "3"):
        cli("run", "colour", prompt, "--seed", str(seed), "-o", f"{prompt}.npz")
    np.testing.assert_array_equal(images("random.npz"), images("3.npz"))


def test_without_a_seed_one_is_drawn_printed_and_recorded(painter: Path, cli: Cli) -> None:
    seeds = set()
    for _ in range(2):
        done = cli("run", "plain", "--json", "-o", "a.npz", "-f")
        seed = json.loads(done.out)["record"]["seed"]
        assert f"seed {seed}" in done.err
        seeds.add(seed)
    assert len(seeds) == 2
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_without_an_output_it_is_named_after_model_and_seed(painter: Path, cli: Cli) -> None:
    names = [cli("run", "plain", "--seed", "3").out for _ in range(3)]
    assert names == ["plain-3.png\n", "plain-3-1.png\n", "plain-3-2.png\n"]
    assert cli("run", "plain", "--interpolate", "3,8").out == "plain-3-8.png\n"


def test_json_says_all(painter: Path, cli: Cli) -> None:
    done = cli("run", "colour", "3", "--set", "text=a cat", "-n", "2", "--seed", "1", "--json")
    said = json.loads(done.out)
    assert said["path"] == "colour-1.png"
    assert said["seeds"] == [1, 2]
    assert said["seconds"] > 0
    record = said["record"]
    assert record["model"] == "painter/colour"
    assert record["prompts"] == ["3"]
    assert record["conditions"] == {"text": "a cat"}
    assert record["options"]["temperature"] == 1.0
    assert record["versions"]["painter"] == "2.0"
    assert len(record["weights"]) == 64


def test_options_reach_the_model(painter: Path, cli: Cli) -> None:
    cli("run", "plain", "-n", "3", "--seed", "0", "--set", "temperature=0", "-o", "cold.npz")
    cold = images("cold.npz")
    assert (cold == cold[0]).all()
    done = cli("run", "plain", "--steps", "7", "--json")
    assert json.loads(done.out)["record"]["options"]["steps"] == 7


def test_a_condition_changes_the_picture(painter: Path, cli: Cli) -> None:
    for name, words in {"none": [], "cat": ["--set", "text=cat"], "3": ["3"]}.items():
        assert cli("run", "colour", *words, "--seed", "0", "-o", f"{name}.npz").code == 0
    assert not np.array_equal(images("none.npz"), images("cat.npz"))
    assert not np.array_equal(images("none.npz"), images("3.npz"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plain", "--sampler", "heun"], "no option 'sampler'; it has steps, temperature, prior"),
        (["plain", "--set", "tempreature=1"], "did you mean temperature?"),
        (["plain", "--set", "prior=fited"], "one of fitted, standard-normal"),
        (["plain", "--set", "temperature=nan"], "a number of at least 0"),
        (["plain", "--set", "temperature=inf"], "a number of at least 0"),
        (["plain", "--set", "temperature=-1"], "a number of at least 0"),
        (["plain", "--steps", "1000"], "a whole number from 1 to 200"),
        (["plain", "--steps", "x"], "a whole number from 1 to 200"),
        (["plain", "--steps", "2", "--set", "steps=3"], "steps is set twice"),
        (["plain", "--set", "temperature"], "KEY=VALUE"),
        (["plain", "7"], "takes no prompt; these do: "),
        (["plain", "photo.png"], "--input photo.png"),
        (["colour", "--set", "label=3"], "prompt"),
        (["colour", "--set", "colour=3"], "text"),
        (["plain", "--threads", "0"], "threads is 0"),
        (["plain", "--batch", "0"], "batch is 0"),
        (["plain", "--device", "cuda:77"], "no device 'cuda:77'; this machine has"),
        (["plain", "--device", "gpu"], "no device 'gpu'; this machine has"),
        (["plain", "--seed", "-1"], "seeds go from 0 to"),
        (["plain", "-n", "2", "--seed", str(2**63 - 1)], "out of range"),
        (["plain", "--interpolate", "3"], "--interpolate 3,8"),
        (["plain", "--interpolate", "3,8", "--seed", "1"], "--seed does not go with"),
        (["plain", "--interpolate"], "needs two"),
        (["plain", "--sed", "3"], "--seed"),
        (["plain", "--temperature", "2"], "--set temperature=VALUE"),
        (["plain", "--prior=fitted"], "--set prior=fitted"),
        (["plain", "-n"], "requires an argument; see `genzoo run --help`"),
        (["plain", "-n", "x"], "'x' is not a whole number"),
        (["7", "colour"], "no model '7'; the model comes first: `genzoo run colour 7`"),
        (["colour", "--input", "photo.png"], "cannot read photo.png: No such file"),
        ([], "no model was named"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(
    painter: Path, cli: Cli, words: list[str], says: str
) -> None:
    done = cli("run", *words)
    assert done.code == 2
    assert done.out == ""
    assert says in done.err
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert list(painter.iterdir()) == []


def test_who_has_no_encoder_names_those_that_have_and_those_that_vary(
    painter: Path, cli: Cli
) -> None:
    Image.new("L", (8, 8)).save("photo.png")
    done = cli("encode", "colour", "photo.png")
    assert "has no encoder: it cannot encode a picture; autoencoders and VAEs can" in done.err
    assert "to vary a picture, add --strength: diffusion models can" in done.err


@pytest.mark.parametrize("output", ["a.npz", "a"])
def test_a_file_that_the_model_misses_is_not_the_output(
    silent_painter: Path, cli: Cli, output: str
) -> None:
    done = cli("run", "plain", "--set", "fault=lost", "-o", output)
    assert done.code == 1
    assert "plain failed: FileNotFoundError" in done.err
    assert "cannot write" not in done.err
    assert list(silent_painter.iterdir()) == []


def test_a_walk_goes_from_seed_to_seed(painter: Path, cli: Cli) -> None:
    assert cli("run", "plain", "--interpolate", "3,8", "-n", "5", "-o", "walk.npz").code == 0
    walk = images("walk.npz")
    assert len(walk) == 5
    for end, seed in ((0, 3), (-1, 8)):
        cli("run", "plain", "--seed", str(seed), "-o", "end.npz", "-f")
        assert np.abs(walk[end] - images("end.npz")[0].astype(int)).max() <= 1
    cli("run", "plain", "--interpolate", "3,8", "--scale", "1", "-o", "walk.png")
    with Image.open("walk.png") as image:
        assert image.size == (8 * 10 - 2, 8)


def test_inputs_are_shown_above_their_reconstructions(painter: Path, cli: Cli) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(f"{name}.png")
    done = cli("run", "plain", "-i", "a.png", "-i", "b.png", "--scale", "1", "-o", "both.png")
    assert done.code == 0
    assert "converted" not in done.err
    both = np.asarray(Image.open("both.png"))
    assert both.shape == (18, 18)
    np.testing.assert_array_equal(both[:8, :8], np.asarray(Image.open("a.png")))
    np.testing.assert_array_equal(both[:8, 10:], np.asarray(Image.open("b.png")))
    cli("run", "plain", "-i", "a.png", "-i", "b.png", "-o", "both.npz")
    reconstructions = images("both.npz")
    np.testing.assert_array_equal(both[10:, :8], reconstructions[0, ..., 0])
    # A walk between the two begins and ends with their reconstructions.
    cli("run", "plain", "-i", "a.png", "-i", "b.png", "--interpolate", "-n", "3", "-o", "w.npz")
    walk = images("w.npz")
    assert len(walk) == 3
    assert np.abs(walk[[0, 2]] - reconstructions.astype(int)).max() <= 1


def test_an_input_of_another_kind_is_converted_and_says_so(painter: Path, cli: Cli) -> None:
    Image.new("RGBA", (32, 16), (0, 0, 0, 0)).save("clear.png")
    done = cli("run", "plain", "-i", "clear.png", "-o", "out.npz")
    assert done.code == 0
    assert "laid on white, converted from RGBA to L, resized from 32×16 to 8×8 pixels" in done.err
    with np.load("out.npz") as arrays:
        assert (arrays["inputs"] == 255).all()


def test_sixteen_bit_greys_are_scaled_not_clipped(painter: Path, cli: Cli) -> None:
    Image.fromarray(np.full((8, 8), 0x8080, np.uint16)).save("deep.png")
    assert cli("run", "plain", "-i", "deep.png", "-o", "out.npz").code == 0
    with np.load("out.npz") as arrays:
        assert (arrays["inputs"] == 0x80).all()


def test_a_photo_that_lies_on_its_side_is_turned_upright(painter: Path, cli: Cli) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save("photo.png", exif=exif)
    cli("run", "plain", "-i", "photo.png", "-o", "out.npz")
    with np.load("out.npz") as arrays:
        np.testing.assert_array_equal(arrays["inputs"][0, ..., 0], pixels[::-1])


def test_hooks_are_told_before_and_after(painter: Path, cli: Cli) -> None:
    err = cli("run", "plain", "-n", "3").err
    assert err.index("before painter/plain") < err.index("after 3")


def test_a_plugin_writes_a_format_of_its_own(
    painter: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("run", "colour", "-n", "3", "-o", "a.txt")
    assert (done.code, done.out) == (0, "a.txt\n")
    assert Path("a.txt").read_text() == "3 pictures, 4 frames"
    assert cli("run", "colour", "-o", "a.txt").code == 2  # it exists
    done = cli("run", "colour", "-o", "a.svg")
    assert done.code == 1
    assert "no plugin wrote a.svg" in done.err
    assert [path.name for path in painter.iterdir()] == ["a.txt"]


def test_a_suffix_that_nothing_writes_is_refused_before_the_run(
    third_party: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "tiny")
    done = cli("run", "any", "-o", tmp_path / "a.bmp")
    assert done.code == 2
    assert ".png, .gif, .jpg, .jpeg, .webp, .npz, .safetensors or a folder" in done.err


def test_a_run_imports_no_more_than_it_needs(painter: Path) -> None:
    code = (
        "import sys; from genzoo.cli import main\n"
        "assert main(['run', 'plain', '-n', '2', '-o', 'a.png']) == 0\n"
        "heavy = {'rich', 'huggingface_hub', 'torch._dynamo', 'sympy', 'sklearn', 'scipy',"
        " 'datasets', 'timm', 'lightning_fabric'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_words_without_quotes_are_said_to_be_several_prompts(painter: Path) -> None:
    hint = "2 prompts, a row each; as one: 'red cat'"
    for words, said in (
        (["gan-emoji", "red", "cat"], True),
        (["gan-emoji", "red cat", "dog"], False),
        (["gan-mnist", "3", "7"], False),
    ):
        shown = on_terminal(80, "run", *words, "-o", "a.png", "--force", errors=True)
        assert (hint in shown) == said
