"""What a third party brings works as what genzoo brings.

Its noiser, sampler and conditioner serve genzoo's own models, by name; its own family, whose
weights come from its own source, is listed, run, trained and evaluated; its command is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from crates import write_crate
from datasets import Dataset as Table
from datasets import Features, Value
from datasets import Image as Picture
from PIL import Image

import genzoo
from genzoo.cli import main
from genzoo_core import Dataset, Recipe
from genzoo_core.images import to_pil
from genzoo_eval.evaluating import evaluate
from genzoo_eval.settings import Settings
from genzoo_train.training import train

Run = Callable[..., tuple[int, str, str]]

RECIPE = {
    "name": "mixed",
    "card": {"family": "diffusion", "summary": "genzoo's diffusion with a stranger's pieces."},
    "data": {"name": "blobs", "shape": [1, 8, 8]},
    "model": {
        "component": "genzoo/diffusion",
        "config": {
            "shape": [1, 8, 8],
            "noiser": {"component": "genzoo-tiny/circle", "config": {"prediction": "v"}},
            "network": {"type": "mlp", "width": 32, "blocks": 1, "embedding": 16},
            "sampler": "genzoo-tiny/straight",
            "steps": 4,
        },
        "conditioners": {
            "label": {"component": "genzoo-tiny/labels", "column": "label", "drop": 0.1}
        },
    },
    "stages": [{"name": "denoising", "steps": 30, "batch_size": 16}],
    "report": {"sample_every": 0},
}


@pytest.fixture
def mixed(third_party: Path, tmp_path: Path) -> Path:
    """A model file of genzoo's diffusion with a stranger's noiser, sampler and conditioner."""
    images = torch.randint(0, 256, (48, 1, 8, 8), dtype=torch.uint8)
    dataset = Dataset(images, {"label": [i % 3 for i in range(48)]})
    zoo = genzoo.open_zoo()
    return train(zoo, msgspec.convert(RECIPE, Recipe), dataset, tmp_path / "run")


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "genzoo", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_strangers_pieces_run_from_the_command_line(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    run = typed("run", str(mixed), "1", "random", "-n", "2", "--seed", "3", "-o", str(out))
    assert run.returncode == 0, run.stderr
    assert "tiny: making 2" in run.stderr  # its hook was told
    with Image.open(out) as picture:
        assert picture.size == (28 * 18, 28 * 18)  # two rows of two, two pixels apart, enlarged

    info = typed("info", str(mixed))
    assert info.returncode == 0, info.stderr
    assert "condition label  genzoo-tiny/labels\n" in info.stdout  # its `classes` is a number

    other = typed("run", str(mixed), "--sampler", "euler", "-o", str(tmp_path / "y.png"))
    assert other.returncode == 0, other.stderr
    wrong = typed("run", str(mixed), "3", "-o", str(tmp_path / "z.png"))
    assert wrong.returncode == 2
    assert "there are 0 to 2, and random" in wrong.stderr
    text = tmp_path / "x.txt"
    assert typed("run", str(mixed), "0", "-o", str(text)).returncode == 0
    assert len(text.read_text().splitlines()) == 8


def test_strangers_pieces_compute_in_half_precision(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    run = typed("run", str(mixed), "1", "-n", "4", "--precision", "bf16", "-o", str(out))
    assert run.returncode == 0, run.stderr
    again = typed("run", "--replay", str(out), "-o", str(tmp_path / "y.png"))
    assert (again.returncode, "the same pixels" in again.stderr) == (0, True), again.stderr
    plain, half = (
        genzoo.generate(mixed, "1", n=4, seed=1, precision=precision).images
        for precision in ("fp32", "bf16")
    )
    assert 0 < (plain - half).abs().mean() < 0.02


def test_a_strangers_sampler_has_options_of_its_own(run: Run, mixed: Path, tmp_path: Path) -> None:
    code, out, _ = run("info", mixed, "--json")
    options = {(option["name"], option["of"]): option for option in json.loads(out)["options"]}
    assert options["sampler", ""]["default"] == "genzoo-tiny/straight"
    gain = options["sampler.gain", "straight"]
    assert (gain["type"], gain["default"]) == ("a number from 0 to 2", 1.0)
    code, out, _ = run("info", mixed)
    assert "sampler.mirror  of straight: true or false; default false" in out

    def made(**options: object) -> torch.Tensor:
        return genzoo.generate(mixed, n=4, seed=1, options=options).images

    # Nothing is lost to clipping below a gain of 1, so these are exact.
    plain = made()
    torch.testing.assert_close(made(**{"sampler.gain": 0.25}), plain / 4, rtol=0, atol=0)
    mirrored = made(**{"sampler": "straight", "sampler.mirror": "true", "sampler.gain": "0.5"})
    torch.testing.assert_close(mirrored, plain.flip(-1) / 2, rtol=0, atol=0)

    for words, message in (
        (["sampler.gian=1"], "has no option 'sampler.gian'; it has sampler.gain, sampler.mirror"),
        (["sampler.gain=3"], "sampler.gain cannot be '3'; it is a number from 0 to 2"),
        (["sampler.mirror=maybe"], "sampler.mirror cannot be 'maybe'; it is true or false"),
        (["sampler=euler", "sampler.gain=1"], "it has none; these have it: straight"),
    ):
        settings = [word for setting in words for word in ("--set", setting)]
        code, _, error = run("run", mixed, *settings, "-o", tmp_path / "no.png")
        assert (code, message in error) == (2, True), error


def test_a_strangers_options_reach_it_in_any_model_and_are_replayed(
    run: Run, third_party: Path, tmp_path: Path
) -> None:
    grey, again = tmp_path / "grey.png", tmp_path / "again.png"
    settings = ["--sampler", "straight", "--set", "sampler.gain=0", "--steps", "2", "--seed", "1"]
    code, _, error = run("run", "flow-mnist", *settings, "-o", grey)
    assert code == 0, error
    with Image.open(grey) as picture:
        assert picture.getextrema() == (128, 128)  # 0 of [-1, 1], whatever the net predicts
        record = json.loads(picture.info["genzoo"])["record"]
    assert record["options"]["sampler"] == {"component": "straight", "config": {"gain": 0.0}}
    code, _, error = run("run", "--replay", grey, "-o", again)
    assert code == 0, error
    assert "the same pixels" in error


def test_a_strangers_options_are_completed(run: Run, mixed: Path) -> None:
    def completed(*words: str) -> list[str]:
        typed = ["genzoo", "run", str(mixed), *words]
        environment = {"COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
        done = subprocess.run(
            [sys.executable, "-m", "genzoo"],
            env={**os.environ, **environment, "_GENZOO_COMPLETE": "bash_complete"},
            capture_output=True,
            text=True,
            check=True,
        )
        return [line.removeprefix("plain,") for line in done.stdout.split()]

    assert completed("--set", "sampler.") == ["sampler.eta=", "sampler.gain=", "sampler.mirror="]
    assert completed("--set", "sampler=str") == ["sampler=straight"]
    assert completed("--sampler", "str") == ["straight"]


def test_the_strangers_distribution_is_listed_and_sound(third_party: Path) -> None:
    listed = typed("list", "--kind", "codec", "--json")
    names = [model["full_name"] for model in json.loads(listed.stdout)]
    assert "genzoo-tiny/tiny-codec" in names
    zoo = genzoo.open_zoo()
    (tiny,) = zoo.plugins("genzoo-tiny")
    assert zoo.verify(tiny).problems == ()


def test_without_its_plugin_a_file_says_what_is_missing(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENZOO_DISABLE", "genzoo-tiny")
    run = typed("run", str(mixed), "-o", str(tmp_path / "x.png"))
    assert run.returncode == 1
    assert run.stderr.startswith("Error: ")
    assert "genzoo-tiny" in run.stderr
    assert not (tmp_path / "x.png").exists()


@pytest.fixture
def run(third_party: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `genzoo` with the given words in this process; gives its exit code and output."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(word) for word in words])
        return code, *capfd.readouterr()

    return run


@pytest.fixture
def rows_data(tmp_path: Path) -> Path:
    """A folder with the dataset "blobs": the label's row is bright, on a dark, noisy ground."""
    generator = torch.Generator().manual_seed(0)
    features = Features({"image": Picture(), "label": Value("int64")})
    (tmp_path / "data" / "blobs").mkdir(parents=True)
    for split, n in (("train", 120), ("test", 60)):
        labels = [i % 3 for i in range(n)]
        images = torch.randint(0, 50, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label + 1] += 200
        table = Table.from_dict({"image": [to_pil(i) for i in images], "label": labels}, features)
        table.to_parquet(tmp_path / "data" / "blobs" / f"{split}-00000-of-00001.parquet")
    return tmp_path / "data"


def test_a_strangers_family_is_listed_and_described(run: Run) -> None:
    code, out, _ = run("list", "--family", "normalizing-flow", "--json")
    assert code == 0
    (listed,) = json.loads(out)
    assert listed["full_name"] == "genzoo-tiny/tiny-nvp"
    code, out, _ = run("info", "tiny-nvp", "--json")
    assert code == 0
    described = json.loads(out)
    assert [option["name"] for option in described["options"]] == ["temperature"]
    assert described["card"]["weights"] == "tinybox://tiny-nvp"
    assert described["problems"] == []


def test_a_strangers_model_runs_from_its_own_source_of_weights(run: Run, tmp_path: Path) -> None:
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    options = ["-n", "4", "--seed", "5", "--set", "temperature=0.7"]
    code, _, error = run("run", "tiny-nvp", "1", "random", *options, "-o", first)
    assert code == 0, error
    code, _, error = run("run", "--replay", first, "-o", again)
    assert code == 0, error
    with Image.open(first) as one, Image.open(again) as other:
        assert one.tobytes() == other.tobytes()


def test_a_strangers_model_makes_what_was_asked_for(third_party: Path) -> None:
    for label in range(3):
        pictures = genzoo.generate("tiny-nvp", str(label), n=16, seed=0)
        assert pictures.images.mean((0, 1, 3)).argmax() == 2 * label + 1


def test_a_source_says_what_it_lacks_and_is_not_trusted(
    run: Run, third_party: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = tmp_path / "box"
    box.mkdir()
    monkeypatch.setenv("TINYBOX", str(box))
    code, _, error = run("run", "tiny-nvp", "-o", tmp_path / "x.png")
    assert code == 1
    assert f"no 'tiny-nvp' in the tinybox {box}" in error
    # Another file than the card promises, by one byte.
    shipped = (third_party / "genzoo_tiny" / "box" / "tiny-nvp.safetensors").read_bytes()
    (box / "tiny-nvp.safetensors").write_bytes(shipped[:-1] + bytes([shipped[-1] ^ 1]))
    code, _, error = run("run", "tiny-nvp", "-o", tmp_path / "x.png")
    assert code == 1
    assert "sha256" in error
    assert not (tmp_path / "x.png").exists()


def test_a_strangers_model_is_trained_by_its_recipe(
    run: Run, rows_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["--data", rows_data, "--out", out, "--max-steps", "3", "--threads", "1", "--json"]
    code, printed, error = run("train", "tiny-nvp", *words)
    assert code == 0, error
    trained = json.loads(printed)
    assert trained["card"]["family"] == "normalizing-flow"
    code, _, error = run("run", trained["path"], "2", "-o", tmp_path / "x.png")
    assert code == 0, error


def test_a_strangers_model_is_evaluated_in_its_own_features(
    third_party: Path, rows_data: Path
) -> None:
    zoo = genzoo.open_zoo()

    def distance(**options: float) -> float:
        settings = Settings(n=60, costs=False, options=options)
        report = evaluate(zoo, "tiny-nvp", rows_data, settings)
        figure = report.figure("fd", "tiny-features")
        assert figure is not None
        return figure.value

    # Without noise all pictures are one.
    assert distance() < distance(temperature=0.0)


@pytest.fixture
def crate(third_party: Path, tmp_path: Path) -> Path:
    """A folder in a stranger's format, with the weights of `tiny-nvp`."""
    return write_crate(tmp_path / "crate", third_party / "genzoo_tiny" / "box")


def test_a_strangers_format_is_read_by_every_command(
    run: Run, crate: Path, rows_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, error = run("info", "crate", "--json")
    assert code == 0, error
    described = json.loads(out)
    assert (described["name"], described["format"]) == (str(crate), "genzoo-tiny/crate")
    assert (described["card"]["license"], described["card"]["parameters"]) == ("cc-by-4.0", 21008)

    words = ["1", "random", "-n", "3", "--seed", "5", "--set", "temperature=0.7"]
    code, _, error = run("run", "crate", *words, "-o", "a.png")
    assert code == 0, error
    code, _, error = run("run", "tiny-nvp", *words, "-o", "b.png")
    assert code == 0, error
    with Image.open("a.png") as one, Image.open("b.png") as other:
        assert one.tobytes() == other.tobytes()
        record = json.loads(one.info["genzoo"])["record"]
    assert len(record["files"]) == 4
    assert record["versions"]["genzoo-tiny"] == "1.0.0"

    code, _, error = run("run", "--replay", "a.png", "-o", "c.png")
    assert (code, "the same pixels" in error) == (0, True), error
    code, _, error = run("export", "crate", "-o", "one.safetensors", "--whole")
    assert code == 0, error
    code, _, error = run("run", "one.safetensors", "--replay", "a.png", "-o", "d.png")
    assert (code, "the same pixels" in error) == (0, True), error

    measured = ["--data", rows_data, "-n", "60", "--no-costs", "--json"]
    figures = []
    for model in ("crate", "one.safetensors"):
        code, out, error = run("eval", model, *measured)
        assert code == 0, error
        figures.append(json.loads(out)["figures"])
    assert figures[0] == figures[1] != []


def test_a_training_begins_from_a_strangers_folder(
    run: Run, crate: Path, rows_data: Path, tmp_path: Path
) -> None:
    words = ["--data", rows_data, "--max-steps", "1", "--threads", "1"]
    words += ["--set", f"model.start={crate}", "--out", tmp_path / "run"]
    code, _, error = run("train", "tiny-nvp", *words)
    assert code == 0, error
    begun = genzoo.load(tmp_path / "run" / "tiny-nvp.safetensors").state_dict()
    for name, tensor in genzoo.load(crate).state_dict().items():
        torch.testing.assert_close(begun[name], tensor, rtol=0, atol=0.01)


def test_a_strangers_command_is_one_of_genzoos(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "Say how bright a model's pictures are." in out
    code, out, error = run("brightness", "tiny-nvp", "-n", "4", "--json")
    assert code == 0, error
    assert 0 < json.loads(out)["brightness"] < 1
    code, _, error = run("brightness", "tiny-nvq")
    assert code == 2
    assert "did you mean tiny-nvp" in error


def test_a_strangers_hook_hears_of_all_that_is_written(
    third_party: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TINY_LOG", "log")
    for words in (
        "run vae-mnist -n 2 --seed 1 -o new/a.png",
        "run vae-mnist -n 3 --seed 1 -o many/",
        "run --replay many/0001.png -o one/",
        "encode vae-mnist many/0000.png -o z.npz",
        "decode vae-mnist z.npz -o again.webp",
        "run vae-mnist -n 6 --seed 1 --shards arrays --shard-size 3 -o shards",
        "run vae-mnist -n 6 --seed 1 --shards arrays --shard-size 3 -o shards",  # they are there
        "run vae-mnist -n 2 --seed 1 -o bright.txt",
    ):
        done = typed(*words.split())
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
    command = [sys.executable, "-m", "genzoo", "run", "vae-mnist", "-o", "-"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    assert Path("log").read_text().splitlines() == [
        "pictures a.png True",
        "pictures 0000.png 0001.png 0002.png True",
        "pictures 0001.png True",
        "latents z.npz True",
        "pictures again.webp True",
        "pictures train-00000-of-00002.safetensors train-00001-of-00002.safetensors True",
        "pictures bright.txt True",
    ]
