"""`genzoo new`: a plugin that works as it comes; `genzoo ship`: a trained model in it."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from genzoo import open_zoo
from genzoo_author.kinds import KINDS
from genzoo_author.manifest_text import card_block, with_card
from genzoo_author.naming import LONGEST, names_of
from genzoo_author.rendering import named
from genzoo_author.shapes import LABELS, draw, main
from genzoo_core import ConfigError, Manifest, SampleRng
from genzoo_core.images import from_pil, from_uint8
from genzoo_core.recipe import Recipe
from genzoo_core.specs import ModelSpec
from genzoo_core.testing import unbounded
from genzoo_core.testing.plugins import load

ALL = [word for kind in KINDS for word in ("--kind", kind.name)]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Genzoo = Callable[..., Outcome]


@pytest.fixture
def genzoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> Genzoo:
    """Runs `genzoo` in this process, in an empty folder."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))

    def run(*words: str) -> Outcome:
        from genzoo.cli import main

        capfd.readouterr()
        code = main(words)
        return Outcome(code, *capfd.readouterr())

    return run


def install(project: Path, site: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(project)], check=True)


def installed_in_place(name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a new plugin's package, found as `pip install -e` would let it."""
    source, package = Path(name, "src").resolve(), name.replace("-", "_")
    info = source / f"{package}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[genzoo]\n{name} = {package}\n")
    monkeypatch.syspath_prepend(str(source))
    return source


def test_what_it_brings_runs_and_passes_its_tests_as_it_comes(
    genzoo: Genzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the model, which the tutorial installs, runs, trains and tests."""
    assert genzoo("new", "acme-zoo", *ALL[2:]).code == 0
    project, site = Path("acme-zoo").resolve(), tmp_path / "site"
    install(project, site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))

    (codec,) = json.loads(genzoo("list", "acme-zoo/*", "--json").out)
    assert (codec["name"], codec["kind"]) == ("acme-zoo-codec-shapes", "codec")
    for kind in ("sampler", "noiser", "conditioner"):
        assert "acme-zoo" in genzoo("list", "--kind", kind).out
    assert "acme-zoo/acme-zoo" in genzoo("list", "--kind", "encoder").err  # beside those in models
    sampled = genzoo(
        "run", "ddpm-mlp-mnist", "--sampler", "acme-zoo", "--steps", "2", "-o", "x.png"
    )
    assert sampled.code == 0, sampled.err
    encoded = genzoo("encode", "acme-zoo-codec-shapes", "x.png", "-o", "z.npz")
    assert encoded.code == 0, encoded.err
    assert "genzoo/ddpm-mlp-mnist: Apache-2.0\n" in sampled.err  # the hook
    bright = genzoo("acme-zoo", "vae-mlp-mnist", "-n", "2", "--json")
    assert 0 < json.loads(bright.out)["brightness"] < 0.5, bright.err

    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(tests, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_model_draws_the_shape_that_is_asked_for(
    genzoo: Genzoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture is nearest to the mean of 50 drawn shapes of the label: three of four."""
    import genzoo as registry

    assert genzoo("new", "vivid-zoo").code == 0
    installed_in_place("vivid-zoo", monkeypatch)
    model: Any = registry.open_zoo().open("vivid-zoo-shapes").module
    chance = random.Random(1)
    drawn = [
        [from_uint8(from_pil(draw(label, chance), (1, 16, 16))) for _ in range(50)]
        for label in LABELS
    ]
    means = torch.stack([torch.stack(pictures).mean(0) for pictures in drawn])
    asked = torch.arange(len(LABELS)).repeat_interleave(10)
    with torch.inference_mode():
        pictures = model.sample(SampleRng(range(40)), {"label": asked}, model.Options())
    nearest = torch.cdist(pictures.flatten(1), means.flatten(1)).argmin(1)
    assert (nearest == asked).sum() >= 30


def test_the_shapes_are_always_the_same(tmp_path: Path) -> None:
    """The first circle, whose centre and radius Python's generator gives for the seed 0."""
    CliRunner().invoke(main, [str(tmp_path), "--count", "2"], catch_exceptions=False)
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.png"))
    assert files == [
        Path("shapes", "train", label, f"00{i}.png") for label in sorted(LABELS) for i in range(2)
    ]
    picture = from_uint8(from_pil(Image.open(tmp_path / files[0]), (1, 16, 16)))[0]
    chance = random.Random(0)
    radius, x, y = chance.uniform(4, 6), chance.uniform(6.5, 9.5), chance.uniform(6.5, 9.5)
    assert picture.shape == (16, 16)
    area = ((picture + 1) / 2).sum().item()
    assert area == pytest.approx(math.pi * radius**2, rel=0.05)
    places = torch.arange(16) + 0.5
    white = (picture + 1) / 2 / area
    assert (white.sum(0) @ places).item() == pytest.approx(x, abs=0.2)
    assert (white.sum(1) @ places).item() == pytest.approx(y, abs=0.2)


def test_a_recipe_builds_what_it_trains(
    genzoo: Genzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of components that come without weights."""
    import genzoo as registry

    kinds = ("--kind", "noiser", "--kind", "conditioner", "--kind", "encoder")
    assert genzoo("new", "beta-zoo", *kinds).code == 0
    source = installed_in_place("beta-zoo", monkeypatch)
    zoo = registry.open_zoo()
    for path in sorted((source / "beta_zoo" / "recipes").iterdir()):
        recipe = zoo.recipe(str(path))
        model = recipe.model
        conditioners = {name: given.spec() for name, given in model.conditioners.items()}
        spec = ModelSpec(model.component, model.config, model.kind, conditioners)
        module: Any = zoo.build(spec, training=True).module
        assert [s.name for s in module.stages()] == [s.name for s in recipe.stages]


@pytest.mark.parametrize(
    "kinds",
    [["model"], ["sampler"], ["hook"], ["encoder"], ["bare"], [kind.name for kind in KINDS]],
)
def test_its_code_is_clean(genzoo: Genzoo, kinds: list[str]) -> None:
    name = "x" * LONGEST  # long names make long lines
    assert genzoo("new", name, *(w for k in kinds for w in ("--kind", k)), "--out", "it").code == 0
    ruff = [sys.executable, "-m", "ruff"]
    for check in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run([*ruff, *check, "it"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_model_is_a_page_or_two(genzoo: Genzoo) -> None:
    """All Python that a newcomer gets to read, empty lines too."""
    assert genzoo("new", "my-plugin").code == 0
    files = {path.name: path.read_text() for path in Path("my-plugin").rglob("*.py")}
    assert set(files) == {"__init__.py", "config.py", "model.py", "test_conformance.py"}
    assert sum(len(text.splitlines()) for text in files.values()) <= 110


def test_what_can_be_set_of_it_has_bounds(genzoo: Genzoo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert genzoo("new", "bounded-acme", *ALL).code == 0
    monkeypatch.syspath_prepend(str(Path("bounded-acme/src").resolve()))
    text = Path("bounded-acme/src/bounded_acme/genzoo.toml").read_text()
    for entry in msgspec.convert(tomllib.loads(text), Manifest).components:
        for struct in (load(entry.target).Config, *map(load, filter(None, [entry.options]))):
            assert list(unbounded(struct)) == []


@pytest.mark.parametrize(
    ("kinds", "most"), [(["bare"], 12), (["hook"], 40), (["encoder"], 65), (["hook", "bare"], 40)]
)
def test_a_kind_is_as_small_as_it_can_be(genzoo: Genzoo, kinds: list[str], most: int) -> None:
    """All Python, empty lines too; nothing beside a kind changes it."""
    assert genzoo("new", "my-plugin", *(w for k in kinds for w in ("--kind", k))).code == 0
    texts = [path.read_text() for path in Path("my-plugin").rglob("*.py")]
    assert sum(len(text.splitlines()) for text in texts) <= most
    package = Path("my-plugin/src/my_plugin")
    manifest = msgspec.convert(tomllib.loads((package / "genzoo.toml").read_text()), Manifest)
    assert manifest.hooks == (("genzoo_before_run",) if "hook" in kinds else ())
    what = {"bare": "a plugin", "hook": "a hook", "encoder": "an encoder"}[kinds[0]]
    assert manifest.summary == f"my-plugin: {what} for genzoo."


def test_a_plugin_that_brings_nothing_yet_is_no_fault(
    genzoo: Genzoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert genzoo("new", "idle-acme", "--kind", "bare").code == 0
    installed_in_place("idle-acme", monkeypatch)
    checked = genzoo("check", "idle-acme")
    assert (checked.code, "0 failed, 1 skipped" in checked.out) == (0, True), checked.out
    assert "genzoo.toml lists nothing yet" in checked.out


def test_every_file_says_the_plugin_s_names(genzoo: Genzoo) -> None:
    out = genzoo("new", "Genzoo_Acme", *ALL, "--author", 'Ada "x" \\ Löve', "--license", "MIT")
    assert out.code == 0
    steps = out.out.splitlines()
    assert (steps[0], steps[2], steps[-1]) == (
        "cd genzoo-acme",
        "pip install -e '.[dev]'",
        "python -m pytest",
    )
    assert all(line.startswith("# ") for line in steps[1::2])
    assert "genzoo run acme-shapes circle square -n 8 -o shapes.png" in steps[2::2]
    project = tomllib.loads(Path("genzoo-acme/pyproject.toml").read_text())["project"]
    assert project["name"] == "genzoo-acme"
    assert project["authors"] == [{"name": 'Ada "x" \\ Löve'}]
    assert project["license"] == "MIT"
    assert project["entry-points"]["genzoo"] == {"acme": "genzoo_acme"}
    assert 'Ada "x" \\ Löve' in Path("genzoo-acme/LICENSE").read_text()
    package = Path("genzoo-acme/src/genzoo_acme")
    manifest = msgspec.convert(tomllib.loads((package / "genzoo.toml").read_text()), Manifest)
    zoo = open_zoo()
    for card in manifest.models:
        weights = (package / card.weights).read_bytes()
        assert (card.sha256, card.size) == (sha256(weights).hexdigest(), len(weights))
        assert b'genzoo-acme/acme\\"' in weights
        assert zoo.recipe(str(package / card.recipe)).name == card.name
    for path in (package / "recipes").iterdir():
        assert isinstance(zoo.recipe(str(path)), Recipe)
    for path in Path("genzoo-acme").rglob("*"):
        if path.is_file():
            assert b"$name" not in path.read_bytes()
            assert b"$package" not in path.read_bytes()


def test_a_licence_need_not_be_chosen(genzoo: Genzoo) -> None:
    found = json.loads(genzoo("new", "acme", "--license", "none", "--json").out)
    assert found["path"] == "acme"
    assert "LICENSE" not in found["files"]
    assert "license" not in Path("acme/pyproject.toml").read_text()
    assert all((Path("acme") / file).is_file() for file in found["files"])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no name for a distribution"),
        ("my plugin", "no name for a distribution"),
        ("../x", "no name for a distribution"),
        ("-x-", "no name for a distribution"),
        ("überzoo", "no name for a distribution"),
        ("x\0y", "no name for a distribution"),
        ("x" * 200, "200 characters"),
        ("3d", "try 'genzoo-3d'"),
        ("class", "try 'genzoo-class'"),
        ("vae-mnist", "is a name that genzoo"),
        ("genzoo-heun", "is a name that genzoo"),
        ("run", "is a name that genzoo"),
        ("genzoo", "installed already"),
        ("Torch", "installed already"),
        ("random", "Python's own"),
        ("genzoo-vae", "is a name that genzoo"),
        ("genzoo-core", "a package 'genzoo_core'"),
    ],
)
def test_a_name_that_cannot_be_is_refused(genzoo: Genzoo, name: str, why: str) -> None:
    out = genzoo("new", "--", name)
    assert (out.code, out.out) == (2, "")
    assert out.err.startswith("Error: ")
    assert out.err.count("\n") == 1
    assert why in out.err
    assert list(Path().iterdir()) == []


def test_hostile_32_nothing_is_overwritten(
    genzoo: Genzoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("acme").mkdir()
    Path("acme/mine").touch()
    Path("link").symlink_to("nowhere")
    Path("file").touch()
    for place, why in (
        ("acme", "exists already"),
        ("link", "exists already"),
        ("file", "exists already"),
        ("file/acme", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("/proc/acme", "cannot write"),
    ):
        out = genzoo("new", "acme", "--out", place)
        assert out.code in (1, 2)
        assert out.err.startswith("Error: ")
        assert why in out.err
    assert sorted(path.name for path in Path().iterdir()) == ["acme", "file", "link"]
    assert [path.name for path in Path("acme").iterdir()] == ["mine"]
    Path("empty").mkdir()
    assert genzoo("new", "acme", "--out", "empty").code == 0
    monkeypatch.chdir("empty/tests")
    Path("test_conformance.py").unlink()
    assert genzoo("new", "acme", "--out", ".").code == 0
    assert Path("pyproject.toml").exists()
    assert genzoo("new", "acme", "--out", str(tmp_path / "a" / "b")).code == 0


@pytest.mark.parametrize("author", ["two\nlines", "x" * 201, "\x7f", "\ud800"])
def test_an_author_is_a_line(genzoo: Genzoo, author: str) -> None:
    assert genzoo("new", "acme", "--author", author).code == 2
    assert not Path("acme").exists()


def test_a_distribution_s_name_gives_the_others() -> None:
    names = names_of("Genzoo.My_Zoo")
    assert vars(names) == {
        "distribution": "genzoo-my-zoo",
        "package": "genzoo_my_zoo",
        "name": "my-zoo",
    }


def test_renaming_a_model_file_leaves_its_tensors(tmp_path: Path) -> None:
    header = {"__metadata__": {"model": '{"component":"$distribution/$name"}'}}
    text = json.dumps(header).encode()
    data = len(text).to_bytes(8, "little") + text + b"tensors"
    renamed = named(data, {"distribution": "d", "name": "n"})
    length = int.from_bytes(renamed[:8], "little")
    assert length % 8 == 0
    assert json.loads(renamed[8 : 8 + length])["__metadata__"]["model"] == '{"component":"d/n"}'
    assert renamed[8 + length :] == b"tensors"


MANIFEST = """\
api = 2  # the second
summary = "Mine."

# What comes first.
[[models]]
name = "one"
family = "vae"
summary = "One."

# What comes second.
[[models]]
name = "two"
family = "vae"
summary = '''
[[models]]
name = "one"
'''

[[commands]]
name = "x"
help = "X."
target = "a:b"
"""


def test_a_card_takes_the_place_of_the_one_of_its_name() -> None:
    new = {"name": "one", "family": "gan", "summary": "Öne.", "shape": [1, 2, 2]}
    text = with_card(MANIFEST, new, "genzoo.toml")
    parsed = tomllib.loads(text)
    assert [model["name"] for model in parsed["models"]] == ["one", "two"]
    assert parsed["models"][0] == new
    for kept in ("api = 2  # the second", "# What comes first.", "# What comes second."):
        assert kept in text
    assert parsed["commands"] == tomllib.loads(MANIFEST)["commands"]


def test_a_new_card_goes_to_the_end() -> None:
    new = {"name": "three", "family": "gan"}
    text = with_card(MANIFEST, new, "genzoo.toml")
    assert text.startswith(MANIFEST)
    assert tomllib.loads(text)["models"][-1] == new
    assert tomllib.loads(with_card("", new, "genzoo.toml"))["models"] == [new]


@pytest.mark.parametrize(
    "text",
    ["models = [", "models = 3", 'models = [{ name = "one" }]', "models = ['x']"],
)
def test_a_manifest_that_cannot_be_changed_is_left(text: str) -> None:
    with pytest.raises(ConfigError, match=r"genzoo\.toml"):
        with_card(text, {"name": "one"}, "genzoo.toml")


CARD = {
    "name": "mine",
    "family": "vae",
    "summary": "Mine.",
    "weights": "weights/mine.safetensors",
    "sha256": sha256(b"weights").hexdigest(),
    "recipe": "recipes/mine.toml",
}


@pytest.fixture
def trained(genzoo: Genzoo) -> Path:
    """The folder of a training, beside a plugin's package."""
    run = Path("runs/mine")
    run.mkdir(parents=True)
    (run / "card.toml").write_text(card_block(CARD))
    (run / "mine.safetensors").write_bytes(b"weights")
    package = Path("src/acme")
    package.mkdir(parents=True)
    (package / "genzoo.toml").write_text(MANIFEST)
    return run


def test_shipping_copies_the_weights_and_writes_the_card(genzoo: Genzoo, trained: Path) -> None:
    out = genzoo("ship", str(trained))
    assert (out.code, out.out) == (0, "src/acme/weights/mine.safetensors\n")
    assert "names no recipe" in out.err
    assert "pip install -e ." in out.err
    package = Path("src/acme")
    assert (package / "weights/mine.safetensors").read_bytes() == b"weights"
    card = {name: value for name, value in CARD.items() if name != "recipe"}
    assert tomllib.loads((package / "genzoo.toml").read_text())["models"][-1] == card

    (package / "recipes").mkdir()
    (package / "recipes/mine.toml").touch()
    again = genzoo("ship", str(trained), "--into", str(package), "--json")
    assert json.loads(again.out)["card"] == CARD
    assert tomllib.loads((package / "genzoo.toml").read_text())["models"][-1] == CARD


def test_shipping_drops_the_figures_of_other_weights(genzoo: Genzoo, trained: Path) -> None:
    figures = Path("src/acme/figures.json")
    of_one = [{"name": "FD", "value": 1.0, "command": "genzoo eval one", "note": "Fréchet"}]
    figures.write_text(json.dumps({"one": of_one, "mine": of_one}))
    assert genzoo("ship", str(trained)).code == 0
    assert json.loads(figures.read_text(encoding="utf-8")) == {"one": of_one}
    before = figures.read_text()
    assert genzoo("ship", str(trained)).code == 0
    assert figures.read_text() == before
    for damaged in ("[", "[1]", "3", "{" * 3000):
        figures.write_text(damaged)
        out = genzoo("ship", str(trained))
        assert (out.code, out.err.count("\n")) == (1, 1)
        assert "figures.json is no JSON object" in out.err


def test_hostile_10_damaged_weights_are_not_shipped(genzoo: Genzoo, trained: Path) -> None:
    (trained / "mine.safetensors").write_bytes(b"others")
    out = genzoo("ship", str(trained))
    assert out.code == 1
    assert "is not what" in out.err
    assert Path("src/acme/genzoo.toml").read_text() == MANIFEST
    assert not Path("src/acme/weights").exists()


@pytest.mark.parametrize(
    ("change", "code", "why"),
    [
        ({}, 1, "damaged"),
        ({**CARD, "weights": "../../etc/passwd"}, 1, "etc/passwd"),
        (
            {**CARD, "name": "../mine", "weights": "weights/../mine.safetensors"},
            1,
            "names '../mine'",
        ),
        ({**CARD, "surprise": 1}, 1, "surprise"),
    ],
)
def test_hostile_14_a_damaged_card_is_not_shipped(
    genzoo: Genzoo, trained: Path, change: dict[str, Any], code: int, why: str
) -> None:
    (trained / "card.toml").write_text(card_block(change))
    out = genzoo("ship", str(trained))
    assert out.code == code
    assert out.err.startswith("Error: ")
    assert out.err.count("\n") == 1
    assert why in out.err
    assert Path("src/acme/genzoo.toml").read_text() == MANIFEST


def test_what_stands_above_the_card_is_not_passed_over(genzoo: Genzoo, trained: Path) -> None:
    card = trained / "card.toml"
    card.write_text(f'license = "MIT"\n{card.read_text(encoding="utf-8")}', encoding="utf-8")
    out = genzoo("ship", str(trained))
    assert out.err == (
        f"Error: {card} has license above [[models]]; move it to the lines below that\n"
    )


def test_shipping_says_what_is_missing(genzoo: Genzoo, trained: Path) -> None:
    assert "not the folder of a finished training" in genzoo("ship", "runs").err
    (trained / "mine.safetensors").unlink()
    assert "there is no file" in genzoo("ship", str(trained)).err
    (trained / "mine.safetensors").write_bytes(b"weights")
    assert "there is no package" in genzoo("ship", str(trained), "--into", "runs").err
    Path("src/other").mkdir()
    Path("src/other/genzoo.toml").touch()
    assert "say which with --into" in genzoo("ship", str(trained)).err
    os.chdir("runs")
    out = genzoo("ship", "mine")
    assert out.code == 2
    assert "there is no package" in out.err


def test_shipping_takes_the_recipe_and_says_what_else_a_model_needs(
    genzoo: Genzoo, trained: Path
) -> None:
    (trained / "recipe.toml").write_text("name = 'mine'\n")
    out = genzoo("ship", str(trained), "--into", ".")  # above src/acme
    assert out.code == 0
    assert "names no recipe" not in out.err
    assert Path("src/acme/recipes/mine.toml").read_text() == "name = 'mine'\n"
    assert "Warning: it is shipped without a licence" in out.err
    card = card_block({**CARD, "license": "CC0-1.0"})
    (trained / "card.toml").write_text(card)
    (trained / "recipe.toml").write_text("name = 'another'\n")
    assert "licence" not in genzoo("ship", str(trained)).err
    assert Path("src/acme/recipes/mine.toml").read_text() == "name = 'mine'\n"
    (trained / "card.toml").write_text(card_block({**CARD, "recipe": "../../mine.toml"}))
    assert "names no recipe" in genzoo("ship", str(trained)).err
    assert not Path("mine.toml").exists()
