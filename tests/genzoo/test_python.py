"""What Python users get: pictures that are saved and shown, and models that are loaded once."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from painting import Cli
from PIL import Image

import genzoo
from genzoo.models.loaded import reference_of
from genzoo_core.encoder import Posterior
from genzoo_core.errors import UsageError
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record, Request

RECORD = Record(model="acme/x", weights="", n=1, seed=0)


@pytest.mark.parametrize("name", ["out.png", "out.gif", "out.npz", "out.safetensors"])
def test_a_file_is_that_of_the_command_line(painter: Path, cli: Cli, name: str) -> None:
    words = ("run", "colour", "3", "4", "-n", "3", "--seed", "5", "--set", "steps=4", "-o", name)
    assert cli(*words).code == 0
    expected = Path(name).read_bytes()
    animated = name.endswith(".gif")
    pictures = genzoo.generate(
        "colour", ["3", "4"], n=3, seed=5, options={"steps": 4}, keep_frames=animated
    )
    assert pictures.save(name) == Path(name)  # replaces that one
    assert Path(name).read_bytes() == expected


def test_a_folder_is_that_of_the_command_line(painter: Path, cli: Cli) -> None:
    assert cli("run", "plain", "-n", "3", "--seed", "5", "-o", "theirs/").code == 0
    pictures = genzoo.generate("plain", n=3, seed=5)
    assert pictures.save(Path("mine")) == Path("mine")
    files = {path.name: path.read_bytes() for path in Path("theirs").iterdir()}
    assert {path.name: path.read_bytes() for path in Path("mine").iterdir()} == files
    assert len(files) == 3
    with pytest.raises(UsageError, match=r"folder mine is not empty; .* with force=True"):
        genzoo.generate("plain", n=1, seed=9).save("mine")
    genzoo.generate("plain", n=1, seed=9).save("mine", force=True)
    assert len(list(Path("mine").iterdir())) == 3


def test_a_plugin_writes_its_format(painter: Path, cli: Cli) -> None:
    assert cli("run", "plain", "--seed", "1", "-o", "theirs.txt").code == 0
    genzoo.generate("plain", seed=1).save("mine.txt")
    assert Path("mine.txt").read_bytes() == Path("theirs.txt").read_bytes()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "names no file"),
        (None, "cannot write to None"),
        (7, "cannot write to 7"),
        (b"x.png", "cannot write to b'x.png'"),
        ("x.gif", "keep_frames=True"),
    ],
)
def test_where_nothing_can_be_written(painter: Path, path: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        genzoo.generate("colour", seed=0).save(path)
    assert not Path("x.gif").exists()


def test_a_walk_needs_no_frames(painter: Path) -> None:
    genzoo.generate("plain", n=4, interpolate=(0, 1)).save("walk.gif")
    with Image.open("walk.gif") as walk:
        assert getattr(walk, "n_frames") == 6  # noqa: B009 - there and back


def test_a_notebook_shows_the_grid_with_its_record(painter: Path, cli: Cli) -> None:
    pictures = genzoo.generate("plain", n=4, seed=3)
    png = pictures._repr_png_()
    assert png is not None
    pictures.save("saved.png")
    assert png == Path("saved.png").read_bytes()
    Path("shown.png").write_bytes(png)
    assert cli("run", "--replay", "shown.png", "-o", "again.png").code == 0


def test_a_notebook_is_not_filled_with_what_is_too_large() -> None:
    zoo = genzoo.open_zoo()
    large = Pictures(torch.zeros(17, 1, 1024, 1024), RECORD, zoo=zoo)
    assert large._repr_png_() is None
    assert Pictures(torch.zeros(1, 4, 8, 8), RECORD, zoo=zoo)._repr_png_() is None


@pytest.mark.parametrize(
    ("seeds", "shown"),
    [
        ((), "<2 pictures of 3×4×5 by acme/x>"),
        ((7, 8), "<2 pictures of 3×4×5 by acme/x, seeds 7 to 8>"),
        ((7, 3), "<2 pictures of 3×4×5 by acme/x, seeds 7 … 3>"),
    ],
)
def test_a_repr_is_a_line(seeds: tuple[int, ...], shown: str) -> None:
    assert repr(Pictures(torch.zeros(2, 3, 4, 5), RECORD, seeds)) == shown
    one = Pictures(torch.zeros(1, 3, 4, 5), RECORD, seeds[:1])
    assert repr(one).startswith("<1 picture of 3×4×5")
    latents = Latents(Posterior(torch.zeros(2, 8)), RECORD)
    assert repr(latents) == "<2 latents of 8 by acme/x>"
    assert len(latents) == len(latents.posterior.mean) == 2


def test_what_was_opened_has_a_line_too(painter: Path) -> None:
    assert repr(genzoo.open_zoo().open("plain")) == "<model painter/plain: Painter on cpu>"


def test_pictures_for_pil(painter: Path) -> None:
    pictures = genzoo.generate("colour", n=2, seed=0)
    pictures.save("all/")
    for image, path in zip(pictures.pil(), sorted(Path("all").iterdir()), strict=True):
        assert image.mode == "RGB"
        with Image.open(path) as saved:
            assert image.tobytes() == saved.tobytes()
    with pytest.raises(UsageError, match="4 channels"):
        Pictures(torch.zeros(1, 4, 8, 8), RECORD).pil()


def test_pictures_go_to_another_process_without_their_registry(painter: Path) -> None:
    pictures = genzoo.generate("plain", n=2, seed=0)
    there = pickle.loads(pickle.dumps(pictures))
    assert there.images.equal(pictures.images)
    assert there.record == pictures.record
    assert there._repr_png_() is None
    with pytest.raises(UsageError, match="come from no registry"):
        there.save("x.png")
    assert genzoo.open_zoo().write("x.png", there) == Path("x.png")


def test_what_was_finished_before_ctrl_c_can_be_saved(painter: Path) -> None:
    def interrupt(done: float, total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        genzoo.generate("plain", n=10, seed=0, batch=2, on_progress=interrupt)
    caught.value.pictures.save("finished.png")  # type: ignore[attr-defined]
    assert Path("finished.png").exists()


def test_a_loaded_model_makes_what_its_name_makes(painter: Path) -> None:
    named = genzoo.generate("colour", ["3"], n=3, seed=4)
    opened = genzoo.open_zoo().open("colour")
    for model in (genzoo.load("colour"), opened, opened.module, copy.deepcopy(opened.module)):
        made = genzoo.generate(model, ["3"], n=3, seed=4)  # type: ignore[arg-type]
        assert made.images.equal(named.images)
        assert made.record == named.record
        assert made.record.weights != ""
    request = Request("colour", ("3",), n=3, seed=4)
    assert genzoo.open_zoo().resolve(request, opened).weights == named.record.weights


def test_a_loaded_model_is_not_loaded_again(painter: Path) -> None:
    source = genzoo.open_zoo().weights("plain").path
    shutil.copyfile(source, "mine.safetensors")
    model = genzoo.load(Path("mine.safetensors"))
    before = genzoo.generate(Path("mine.safetensors"), n=2, seed=0)
    Path("mine.safetensors").unlink()
    for _ in range(2):
        after = genzoo.generate(model, n=2, seed=0)
        assert after.images.equal(before.images)
        assert after.record == before.record


def test_a_loaded_model_computes_as_it_was_loaded(painter: Path) -> None:
    half = genzoo.generate("plain", n=2, seed=0, precision="bf16")
    model = genzoo.load("plain", precision="bf16")
    assert genzoo.generate(model, n=2, seed=0).record == half.record
    assert genzoo.generate(model, n=2, seed=0, precision="fp32").record.precision == "fp32"
    assert genzoo.generate(model, n=2, seed=0).images.equal(half.images)


def test_a_loaded_model_computes_where_it_is(painter: Path) -> None:
    model = genzoo.load("plain")
    model.to("meta")
    with pytest.raises(UsageError, match="no device 'meta'"):
        genzoo.generate(model)
    opened = dataclasses.replace(genzoo.open_zoo().open("plain"), device="cuda", offload="model")
    where = {"device": "cuda", "offload": "model"}  # while its weights wait on the CPU
    assert reference_of(opened) == ("painter/plain", opened, where)


def test_weights_that_were_changed_are_not_those_of_the_file(painter: Path, cli: Cli) -> None:
    model = genzoo.load("plain")
    as_loaded = genzoo.generate(model, n=2, seed=0).record
    assert genzoo.generate(model.to(torch.float32), n=2, seed=0).record == as_loaded
    with torch.inference_mode():
        assert genzoo.generate(genzoo.load("plain"), n=2, seed=0).record == as_loaded
    with torch.no_grad():
        next(model.parameters()).mul_(1.5)
    changed = genzoo.generate(model, n=2, seed=0)
    changed.save("changed.png")
    record = changed.record
    assert (record.model, record.weights, record.content) == ("painter/plain", "", "")
    again = cli("run", "--replay", "changed.png", "-o", "again.png")
    assert (again.code, "weights of painter/plain that no file held" in again.err) == (1, True)


def test_what_genzoo_has_not_loaded_is_refused(painter: Path) -> None:
    loaded = genzoo.load("plain")
    others: Sequence[tuple[object, str]] = [
        (torch.nn.Linear(2, 2), "Linear: genzoo has not loaded it"),
        (copy.copy(loaded), "Painter: genzoo has not loaded it"),
        (type(loaded), "which names none"),
        (7, "of type int: which names none"),
        (None, "of type NoneType"),
        (b"plain", "of type bytes"),
        (["plain"], "of type list"),
    ]
    for other, why in others:
        for call in (genzoo.generate, lambda model: genzoo.encode(model, "x.png")):
            with pytest.raises(UsageError, match=why):
                call(other)  # type: ignore[arg-type]


def test_latents_are_those_of_the_command_line(painter: Path, cli: Cli) -> None:
    genzoo.generate("plain", n=3, seed=0).save("in/")
    files = sorted(Path("in").iterdir())
    assert cli("encode", "plain", *files, "-o", "theirs.npz").code == 0
    model = genzoo.load("plain")
    latents = genzoo.encode(model, files)
    assert latents.save("mine.npz") == Path("mine.npz")
    assert Path("mine.npz").read_bytes() == Path("theirs.npz").read_bytes()
    assert cli("decode", "plain", "mine.npz", "-o", "out.png").code == 0
    genzoo.generate(model, latents="mine.npz").save("decoded.png")
    assert Path("decoded.png").read_bytes() == Path("out.png").read_bytes()
    one = genzoo.encode("plain", files[0].read_bytes())
    torch.testing.assert_close(one.posterior.mean, latents.posterior.mean[:1])
    with pytest.raises(UsageError, match="there is no picture to encode"):
        genzoo.encode(model, [])
    with pytest.raises(UsageError, match=r"cannot write mine\.png"):
        latents.save("mine.png")


def test_commands_of_plugins_write_what_they_make(painter: Path) -> None:
    zoo = genzoo.open_zoo()
    pictures = genzoo.generate("plain", n=2, seed=0, zoo=zoo)
    assert zoo.write("a.png", pictures) == Path("a.png")
    assert zoo.grid_png(pictures) == Path("a.png").read_bytes()
    assert json.loads(Image.open("a.png").text["genzoo"])["record"]["model"]  # type: ignore[attr-defined]
