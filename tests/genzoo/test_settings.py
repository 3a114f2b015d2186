"""`config.toml` and `genzoo config`: what options mean that a command line leaves out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from PIL import Image
from shelf import Shelf, component, model

from genzoo.cli.doctor.system import OURS
from genzoo.cli.settings import Settings

MODEL = "gan-mlp-mnist"
"""A model that draws at once."""


@pytest.fixture
def file(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `config.toml` is read from; the current folder is another one."""
    monkeypatch.setenv("GENZOO_CONFIG", str(tmp_path / "config"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return tmp_path / "config" / "config.toml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_a_setting_is_kept_beside_what_a_user_wrote(shelf: Shelf, file: Path) -> None:
    assert shelf.genzoo("config").stdout == f"{file} is not there: nothing is set in it\n"
    assert shelf.genzoo("config", "set", "device", "auto").returncode == 0
    write(file, "# mine\n" + file.read_text(encoding="utf-8"))
    assert shelf.genzoo("config", "set", "model", MODEL).returncode == 0
    assert shelf.genzoo("config", "set", "output", "made").returncode == 0
    assert file.read_text(encoding="utf-8").startswith("# mine\n")
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {
        "device": "auto",
        "model": MODEL,
        "output": str(Path("made").resolve()),
    }
    drawn = shelf.genzoo("config").stdout.splitlines()
    assert drawn[0] == str(file)
    assert [line.split() for line in drawn[3:]] == [
        ["model", MODEL, "file"],
        ["output", str(Path("made").resolve()), "file"],
        ["device", "auto", "file"],
    ]
    assert shelf.genzoo("config", "unset", "device").returncode == 0
    found = shelf.json("config")
    assert found["file"] == str(file)
    assert sorted(found["settings"]) == ["model", "output"]


def test_a_run_takes_what_it_leaves_out_from_the_file(shelf: Shelf, file: Path) -> None:
    nothing = shelf.genzoo("run")
    assert nothing.returncode == 2
    assert "`genzoo config set model NAME`" in nothing.stderr
    output = file.parent / "deep" / "pictures"
    write(file, f'model = "{MODEL}"\ndevice = "auto"\noutput = "{output}"\n')
    made = shelf.json("run", "--seed", "3")
    assert made["path"] == str(output / f"{MODEL}-3.png")
    assert made["record"]["model"] == f"genzoo/{MODEL}"
    assert made["record"].get("device", "cpu") in ("cpu", "cuda", "mps")
    named = shelf.json("run", "gan-mnist", "--seed", "3", "-o", "here.png")
    assert (named["path"], named["record"]["model"]) == ("here.png", "genzoo/gan-mnist")


def test_how_pictures_are_written_can_be_a_setting(shelf: Shelf, file: Path) -> None:
    write(file, "scale = 1\nxmp = false\nparameters = false\n")
    words = ("run", "gan-mnist", "-n", "4", "--seed", "3", "-o")
    shelf.json(*words, "plain.png")
    with Image.open("plain.png") as plain:
        assert plain.width < 100
        assert set(plain.info) == {"genzoo"}
    shelf.json(*words, "own.png", "--scale", "2", "--xmp")
    with Image.open("own.png") as own:
        assert own.width == 2 * plain.width
        assert set(own.info) == {"genzoo", "xmp", "XML:com.adobe.xmp"}
    shelf.json(*words, "apart/")  # which has no scale, and was not asked for one
    wrong = shelf.genzoo("run", MODEL, GENZOO_SCALE="0").stderr
    assert "GENZOO_SCALE: scale is '0'; give a whole number of at least 1" in wrong


def test_a_prompt_in_the_place_of_a_model_is_told_where_it_goes(shelf: Shelf, file: Path) -> None:
    write(file, 'model = "gan-mnist"\n')
    done = shelf.genzoo("run", "a red heart")
    assert done.returncode == 2
    assert "no model 'a red heart'" in done.stderr
    assert "`genzoo run gan-mnist 'a red heart'`" in done.stderr


def test_the_command_line_goes_before_a_variable_and_that_before_the_file(
    shelf: Shelf, file: Path
) -> None:
    write(file, f'model = "{MODEL}"\ndevice = "cuda:99"\n')
    assert "no device 'cuda:99'" in shelf.genzoo("run").stderr
    assert "no device 'cuda:98'" in shelf.genzoo("run", GENZOO_DEVICE="cuda:98").stderr
    done = shelf.genzoo("run", "--device", "cpu", "-o", "a.png", GENZOO_DEVICE="cuda:98")
    assert done.returncode == 0, done.stderr
    source = shelf.json("config", GENZOO_DEVICE="cpu")["settings"]["device"]["source"]
    assert source == "GENZOO_DEVICE"


def test_a_replay_takes_nothing_from_the_file(shelf: Shelf, file: Path) -> None:
    assert shelf.genzoo("run", MODEL, "--seed", "3", "-o", "a.png").returncode == 0
    write(file, 'model = "gan-mnist"\ndevice = "cuda:99"\n')
    done = shelf.genzoo("run", "--replay", "a.png", "-o", "b.png")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_what_a_plugin_calls_device_has_the_default_too(shelf: Shelf, file: Path) -> None:
    code = (
        "import click\n@click.command()\n@click.option('--device', default='cpu')\n"
        "@click.option('--model', default='own')\n@click.option('-o', '--output')\n"
        "def where(device, model, output): print(device, model, output)\n"
    )
    table = '[[commands]]\nname = "where"\nhelp = "Where."\ntarget = "acme.cli:where"\n'
    shelf.add("acme", table, files={"cli.py": code})
    write(file, 'device = "mps"\nmodel = "x"\noutput = "/x"\n')
    assert shelf.genzoo("where").stdout == "mps x None\n"
    assert shelf.genzoo("where", "--device", "cpu", "--model", "y").stdout == "cpu y None\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('modle = "x"', "no setting 'modle'; known: model, output, device, scale"),
        ("x = 1", "no setting 'x'; known: model, output, device, scale"),
        ('device = "gpu"', "device is 'gpu'; give auto, cpu, cuda, cuda:1 or mps"),
        ("device = 5", "device is 5; give auto, cpu, cuda, cuda:1 or mps"),
        ('output = "made"', "output is 'made'; give an absolute path, or one from ~"),
        ('model = ""', "model is ''; give a model's name, file or folder"),
        ("model = [", "is no TOML"),
        ("model.x = 1", "model is {'x': 1}; give a model's name, file or folder"),
        ("a." * 20 + "a = 1", "is no TOML: it has a key of more than 16 parts"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_and_stops_no_listing(
    shelf: Shelf, file: Path, text: str, message: str
) -> None:
    write(file, text)
    done = shelf.genzoo("run", MODEL)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {file}")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert shelf.genzoo("list", MODEL).returncode == 0
    findings = json.loads(shelf.genzoo("doctor", "--json").stdout)["findings"]
    (about,) = (each for each in findings if each["topic"] == "settings")
    assert (about["state"], message.partition(";")[0] in about["text"]) == ("problem", True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["set", "modle", "x"], "xmp; did you mean model?"),
        (["set", "device", "gpu"], "device is 'gpu'; give auto, cpu"),
        (["set", "model", "gan-mnits"], "no model 'gan-mnits'; did you mean gan-mnist"),
        (["set", "output", ""], "output is ''; give an absolute path"),
        (["unset", "device"], "sets no 'device'; there is none"),
        (["set", "device"], "Missing argument 'VALUE'"),
        (["put"], "No such command 'put'"),
    ],
)
def test_a_wrong_setting_is_refused_and_nothing_is_written(
    shelf: Shelf, file: Path, words: list[str], message: str
) -> None:
    done = shelf.genzoo("config", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not file.exists()


def test_a_file_that_is_set_as_model_is_found_from_everywhere(shelf: Shelf, file: Path) -> None:
    assert shelf.genzoo("export", MODEL, "-o", "own.safetensors").returncode == 0
    assert shelf.genzoo("config", "set", "model", "own.safetensors").returncode == 0
    assert shelf.json("config")["settings"]["model"]["value"] == str(
        Path("own.safetensors").resolve()
    )


def test_settings_cost_a_listing_nothing(shelf: Shelf, file: Path) -> None:
    shelf.add("acme", model("cat"), component("net", "model", "acme.net:Net"))
    shelf.settle()
    write(file, f'model = "{MODEL}"\n')
    shelf.modules("list")
    modules = shelf.modules("list")
    assert "tomllib" not in modules
    assert "genzoo.cli.settings" not in modules


def test_the_page_names_every_setting_and_every_variable() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.__struct_fields__:
        assert f"| `{name}` |" in page
    for name in OURS:
        assert f"`{name}`" in page, name
