"""`genzoo info`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from raw_files import edited_model
from shelf import Shelf, component, model

import genzoo
from genzoo_core.cards import ModelCard
from genzoo_diffusion.model import Diffusion

METRIC = {
    "name": "Fréchet distance",
    "value": 12.5,
    "n": 10000,
    "floor": 1.25,
    "command": "genzoo eval x",
    "note": "Features of a classifier.",
}


def weights_of(name: str) -> Path:
    """The weights file of one of genzoo's own models."""
    return genzoo.open_zoo().weights(name).path


def test_a_models_card_its_options_and_its_weights_are_shown(shelf: Shelf) -> None:
    done = shelf.genzoo("info", "vae-mlp-mnist")
    assert done.returncode == 0
    assert done.stderr == ""
    fields = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line}
    card = genzoo.card("vae-mlp-mnist")
    assert done.stdout.startswith("genzoo/vae-mlp-mnist\n")
    assert fields["sha256"] == [card.sha256]
    assert fields["file"] == [str(weights_of("vae-mlp-mnist"))]
    assert fields["component"] == ["genzoo/vae"]
    says = "temperature  a number from 0 to 10; default 1.0. Scale of the noise; below 1 gives"
    assert says in done.stdout
    assert "one of fitted, standard-normal" in done.stdout


def test_json_holds_every_field_of_the_card_and_the_choices_of_each_option(shelf: Shelf) -> None:
    found = shelf.json("info", "vae-mlp-mnist")
    assert set(found["card"]) == set(ModelCard.__struct_fields__)
    options = {option["name"]: option for option in found["options"]}
    assert options["prior"]["choices"] == ["fitted", "standard-normal"]
    assert options["temperature"]["default"] == 1.0
    assert found["spec"]["component"] == "genzoo/vae"
    assert found["problems"] == []


def test_an_option_that_is_left_out_is_shown_as_what_it_means(shelf: Shelf) -> None:
    options = {o["name"]: o for o in shelf.json("info", "flow-mnist")["options"]}
    config = shelf.json("info", "flow-mnist")["spec"]["config"]
    for name in ("steps", "sampler", "guidance"):
        assert options[name]["resolved"] == config[name]
    assert options["steps"]["default"] is None  # a request says nothing of it
    text = shelf.genzoo("info", "flow-mnist").stdout
    assert f"steps     a whole number from 1 to 1000; default {config['steps']}. Steps" in text
    options = {o["name"]: o for o in shelf.json("info", "vae-mnist")["options"]}
    config = shelf.json("info", "vae-mnist")["spec"]["config"]
    assert options["prior"]["resolved"] == "fitted"
    assert options["guidance"]["resolved"] == config["prior"]["guidance"]


@pytest.mark.parametrize("name", ["flow-mnist", "ddpm-mnist", "ldm-emoji"])
def test_only_samplers_that_fit_are_offered(name: str, shelf: Shelf) -> None:
    options = {o["name"]: o for o in shelf.json("info", name)["options"]}
    model = genzoo.load(name)
    assert isinstance(model, Diffusion)
    assert tuple(options["sampler"]["choices"]) == tuple(model.fitting_samplers({}))
    # What DDIM alone takes is an option where it is one.
    assert ("eta" in options) == ("sampler.eta" in options) == (name == "ddpm-mnist")


def test_options_are_shown_without_torch(shelf: Shelf) -> None:
    assert "torch" not in shelf.modules("info", "vae-mlp-mnist")


def test_a_model_file_says_the_same_of_itself(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes(weights_of("vae-mlp-mnist").read_bytes())
    by_path, by_name = shelf.json("info", str(file)), shelf.json("info", "vae-mlp-mnist")
    assert by_path["name"] == str(file)
    assert by_path["plugin"] is None
    assert by_path["spec"] == by_name["spec"]
    assert by_path["options"] == by_name["options"]
    assert by_path["card"]["sha256"] == by_name["card"]["sha256"]
    assert by_path["card"]["size"] == file.stat().st_size


def test_metrics_are_shown_with_floor_count_and_command(shelf: Shelf) -> None:
    files = {"figures.json": json.dumps({"x": [METRIC]})}
    shelf.add("acme", model("x", notes="Mind the gap."), files=files)
    lines = shelf.genzoo("info", "x").stdout.splitlines()
    at = lines.index("Measured")
    assert lines[at + 1 : at + 5] == [
        "  floor: what as many real pictures score; a net cannot tell better ones from real",
        "  by genzoo eval x",
        "  Features of a classifier.",
        "    Fréchet distance  12.5 (n 10,000, floor 1.25)",
    ]
    assert lines[-1] == "Mind the gap."
    [metric] = shelf.json("info", "x")["card"]["metrics"]
    assert (metric["n"], metric["floor"], metric["unit"]) == (10000, 1.25, "")


def test_conditioners_and_aliases_are_shown(shelf: Shelf) -> None:
    shelf.add("acme", model("x", conditioners=["label", "style"], aliases=["ex"]))
    out = shelf.genzoo("info", "ex").stdout
    assert "label (reads the prompt), style" in out
    assert out.startswith("acme/x\n")


@pytest.mark.parametrize(
    ("weights", "why"), [("gone.safetensors", "lacks its file"), ("cut.safetensors", "cut")]
)
def test_a_card_is_shown_also_where_the_weights_are_faulty(
    shelf: Shelf, weights: str, why: str
) -> None:
    shelf.add("acme", model("x", weights=weights), files={"cut.safetensors": "{"})
    done = shelf.genzoo("info", "x")
    assert done.returncode == 0
    assert "The model x." in done.stdout
    assert done.stderr.startswith("Warning: ")
    assert why in done.stderr
    assert len(shelf.json("info", "x")["problems"]) == 1


def file_with_options(shelf: Shelf, code: str) -> Path:
    """A model file without weights, of a plugin whose module with the options is `code`."""
    table = (
        '[[components]]\nkind = "model"\nname = "vae"\ntarget = "acme.net:Net"\n'
        'options = "acme.net:Options"\n'
    )
    folder = shelf.add("acme", table, files={"net.py": code})
    header = (
        b'{"__metadata__":{"format":"genzoo","format_version":"1","model":'
        b'"{\\"component\\":\\"acme/vae\\"}"}}'
    )
    header += b" " * (-len(header) % 8)
    file = folder / "x.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    return file


def test_what_a_struct_and_those_that_it_derives_from_say_of_an_option_is_shown(
    shelf: Shelf,
) -> None:
    code = '''from genzoo_core import Config


class Base(Config):
    """What all have.

    Attributes:
        turns: How often `it` turns, and
            how far. Unset: never.
        size: Another size.
    """

    turns: int = 0
    size: int = 1


class Options(Base):
    """How to sample.

    Attributes:
        size: Its size.

    Example:
        plain: No field of that name.
    """

    size: int = 2
    plain: int = 3
'''
    file = file_with_options(shelf, code)
    options = {o["name"]: o["meaning"] for o in shelf.json("info", str(file))["options"]}
    assert options == {"turns": "How often it turns, and how far", "size": "Its size", "plain": ""}
    lines = shelf.genzoo("info", str(file)).stdout.splitlines()
    assert "  plain  a whole number; default 3" in lines
    assert "  size   a whole number; default 2. Its size" in lines


def test_options_whose_module_fails_are_a_warning(shelf: Shelf) -> None:
    file = file_with_options(shelf, "raise ValueError('no')")
    done = shelf.genzoo("info", str(file))
    assert done.returncode == 0
    assert "acme/vae" in done.stdout
    assert "plugin acme (acme 1.0) cannot be imported" in done.stderr


def test_what_can_be_set_of_samplers_is_told_without_torch_whoever_brings_them(
    shelf: Shelf,
) -> None:
    files = {
        "swirl.py": "import msgspec\n\nclass Swirl(msgspec.Struct):\n    turns: int = 3\n",
        "broken.py": "raise ValueError('no')",
        "wrong.py": "options = 5",
    }
    targets = {"swirl": "swirl:Swirl", "broken": "broken:Options", "wrong": "wrong:options"}
    tables = [
        component(name, "sampler", "acme.samplers:S") + f'options = "acme.{target}"\n'
        for name, target in targets.items()
    ]
    shelf.add("acme", *tables, files=files)
    options = {option["name"]: option for option in shelf.json("info", "ddpm-mnist")["options"]}
    assert {"swirl", "broken", "wrong", "heun"} <= set(options["sampler"]["choices"])
    assert (options["sampler"]["default"], options["sampler"]["of"]) == ("dpmpp-2m", "")
    assert [name for name in options if "." in name] == ["sampler.eta", "sampler.turns"]
    turns = options["sampler.turns"]
    assert (turns["of"], turns["type"], turns["default"]) == ("swirl", "a whole number", 3)
    assert "torch" not in shelf.modules("info", "ddpm-mnist")


@pytest.mark.parametrize(
    ("sampler", "default", "eta"),
    [
        ("ddpm", "ddpm", 0.0),
        ({"component": "genzoo/ddim", "config": {"eta": 0.25}}, "genzoo/ddim", 0.25),
        (5, None, 0.0),
        ({"component": [], "x": 1}, None, 0.0),
    ],
)
def test_the_sampler_that_a_file_names_is_the_default(
    shelf: Shelf, tmp_path: Path, sampler: object, default: str | None, eta: float
) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights_of("ddpm-mlp-mnist").read_bytes())
    file = edited_model(copy, lambda model: model["config"].update(sampler=sampler))
    options = {option["name"]: option for option in shelf.json("info", str(file))["options"]}
    assert (options["sampler"]["default"], options["sampler.eta"]["default"]) == (default, eta)


@pytest.mark.parametrize(
    ("reference", "code", "message"),
    [
        ("vae-mlp-mnits", 2, "no model 'vae-mlp-mnits'; did you mean vae-mlp-mnist"),
        ("./not-there.safetensors", 2, "not-there.safetensors"),
        ("/etc/passwd", 1, "/etc/passwd"),
        ("", 2, "no model ''"),
    ],
)
def test_what_is_neither_a_model_nor_a_file(
    shelf: Shelf, reference: str, code: int, message: str
) -> None:
    done = shelf.genzoo("info", reference)
    assert (done.returncode, done.stdout) == (code, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in line


def test_a_model_of_a_broken_plugin_is_an_error_that_names_it(shelf: Shelf) -> None:
    shelf.add("acme", model("x", size="big"))
    done = shelf.genzoo("info", "x")
    assert done.returncode == 1
    assert "acme (acme 1.0), which is broken" in done.stderr


def test_a_name_with_two_owners_is_an_error_that_names_both(shelf: Shelf) -> None:
    shelf.add("acme", model("x"))
    shelf.add("other", model("x"))
    done = shelf.genzoo("info", "x")
    assert done.returncode == 2
    assert "acme/x and other/x" in done.stderr
    assert shelf.json("info", "other/x")["name"] == "other/x"


def test_how_metrics_were_measured_is_said_once(shelf: Shelf) -> None:
    other = {**METRIC, "name": "Coverage", "floor": None, "n": None}
    last = {**other, "note": "Of pixels."}
    files = {"figures.json": json.dumps({"x": [METRIC, last, other]})}
    shelf.add("acme", model("x"), files=files)
    lines = shelf.genzoo("info", "x").stdout.splitlines()
    assert lines[lines.index("Measured") + 1 :] == [
        "  floor: what as many real pictures score; a net cannot tell better ones from real",
        "  by genzoo eval x",
        "  Features of a classifier.",
        "    Fréchet distance  12.5 (n 10,000, floor 1.25)",
        "    Coverage          12.5",
        "  Of pixels.",
        "    Coverage  12.5",
    ]
