"""The documentation does what it says: every block is run, every signature is compared."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pluggy
import pytest
import torch
from pages import blocks, commands, shows
from PIL import Image, ImageChops, ImageStat
from workshop import Workshop

import genzoo
import genzoo_core
from genzoo.cli import main
from genzoo_core import Pictures, Record, hookspecs
from genzoo_core.manifest import Kind
from genzoo_core.recipe import CardRecipe, DataRecipe, ModelRecipe, Recipe, StageRecipe

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
HOOKS, COMPONENTS, FAMILIES = (DOCS / f"{name}.md" for name in ("hooks", "components", "families"))
INDEX = DOCS / "index.md"
LESSONS = (INDEX, DOCS / "plugins.md", FAMILIES, DOCS / "formats.md")
LONG_LESSONS = tuple(
    DOCS / f"{n}.md" for n in ("running", "autoencoder", "vae", "gan", "diffusion")
)
"""Pages all of whose blocks are run, as a stranger would."""
TRAINED = {"shapes.png", "losses.svg"}
"""Pictures of what a lesson trains, which another kind of processor rounds to other weights."""
FLOW = Path(__file__).parent / "third_party" / "my-flow"
MANAGER = pluggy.PluginManager("genzoo")
SPECS = {
    name: options
    for name in vars(hookspecs)
    if (options := MANAGER.parse_hookspec_opts(hookspecs, name)) is not None
}


@pytest.mark.parametrize(
    "page",
    [*LESSONS, *(pytest.param(page, marks=pytest.mark.long) for page in LONG_LESSONS)],
    ids=lambda page: page.stem,
)
def test_a_lesson_works_as_it_stands(page: Path, workshop: Workshop, tmp_path: Path) -> None:
    stranger = Workshop(workshop.scripts, tmp_path)
    follow(page, stranger)
    for name in re.findall(r"\]\(pictures/(\S+?)\)", page.read_text(encoding="utf-8")):
        made, shown = tmp_path / name, DOCS / "pictures" / name
        assert made.exists(), name
        assert shown.stat().st_size <= 80_000, name
        if name not in TRAINED:
            assert apart(made, shown) < 1, name


def apart(made: Path, shown: Path) -> float:
    """The mean difference of two pictures' pixels, of 255; the smaller one is enlarged."""
    with Image.open(made) as first, Image.open(shown) as second:
        size = max(first.size, second.size)
        resized = [picture.convert("RGB").resize(size, 0) for picture in (first, second)]
    return sum(ImageStat.Stat(ImageChops.difference(*resized)).mean) / 3


def follow(page: Path, stranger: Workshop) -> None:
    """Do what a lesson says, block by block."""
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        file = stranger.folder / block.file
        if block.language == "console":
            for command, wanted in commands(block):
                done = stranger.run(command)
                assert done.returncode == 0, f"{where}: $ {command}\n{done.stdout}"
                assert shows(done.stdout, wanted), f"{where}: $ {command}\n{done.stdout}"
        elif block.way == "new":
            assert not file.exists(), where
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.way == "add":
            file.write_text(f"{file.read_text().rstrip()}\n\n{block.text}")
        else:
            assert block.text in file.read_text(), where


@pytest.mark.parametrize("page", [*LESSONS, *LONG_LESSONS], ids=lambda page: page.stem)
def test_no_block_of_a_lesson_is_left_out(page: Path) -> None:
    for block in blocks(page):
        runs = block.language == "console" and block.text.startswith("$ ")
        assert runs or block.file, f"{page.name}:{block.line} is neither command nor file"


def test_the_flow_of_the_lesson_is_that_of_the_tests() -> None:
    shown = {block.file: block.text for block in blocks(FAMILIES) if block.file}
    files = [path for path in FLOW.rglob("*") if path.suffix in (".py", ".toml")]
    assert {f"my-flow/{path.relative_to(FLOW)}": path.read_text() for path in files} == {
        name: text for name, text in shown.items() if name.startswith("my-flow/")
    }


@pytest.mark.parametrize("plugin", ["my-flow", "my-vq"])
def test_a_family_takes_fewer_than_150_lines(plugin: str) -> None:
    files = [b for b in blocks(FAMILIES) if b.file.startswith(plugin) and b.file.endswith(".py")]
    assert 100 < sum(block.text.count("\n") for block in files) < 150


def test_a_format_takes_no_more_than_60_lines() -> None:
    (code,) = (b.text for b in blocks(DOCS / "formats.md") if b.file.endswith("format.py"))
    assert code.count("\n") <= 60


def test_links_lead_somewhere() -> None:
    for page in (*DOCS.glob("*.md"), *ROOT.glob("*.md"), ROOT / "tools" / "README.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def sections() -> dict[str, str]:
    """What the page says of each hook."""
    _, *parts = re.split(r"^## (genzoo_\w+)$", HOOKS.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def signature(source: str) -> tuple[str, str]:
    """Arguments and return value of a function, as its source annotates them."""
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert function.returns is not None
    return f"{function.name}({ast.unparse(function.args)})", ast.unparse(function.returns)


def test_every_hook_is_described() -> None:
    assert list(sections()) == list(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_described_as_it_is(name: str) -> None:
    section = sections()[name]
    specification = getattr(hookspecs, name)
    first, *_ = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    assert signature(first) == signature(inspect.getsource(specification))
    assert ("First-result" in section) == SPECS[name]["firstresult"]
    for part in ("**Called**", "**Returns**", "**If it fails**"):
        assert part in section
    for argument in inspect.signature(specification).parameters:
        assert re.search(rf"^ +{argument}: \S", specification.__doc__, re.MULTILINE), argument
    assert "Example:" in specification.__doc__


class Examples:
    """Examples of hooks, each installed as a plugin."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def install(self, hook: str, code: str, package: str) -> None:
        folder = self.site / package
        folder.mkdir()
        (folder / "__init__.py").write_text(code)
        (folder / "genzoo.toml").write_text(f'api = 2\nsummary = "One."\nhooks = ["{hook}"]\n')
        info = self.site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[genzoo]\n{package} = {package}\n")


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examples:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GENZOO_DISABLE", "tensorboard")  # the examples alone hear of trainings
    monkeypatch.chdir(tmp_path)
    return Examples(site)


def output(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    """What `genzoo` prints to stdout."""
    capfd.readouterr()
    code = main(words)
    out, err = capfd.readouterr()
    assert code == 0, err
    assert "Warning" not in err
    return out


def test_the_page_s_examples_do_what_it_says(
    examples: Examples, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, block in enumerate(blocks(HOOKS)):
        if "@hookimpl" in block.text:
            (hook,) = re.findall(r"^def (genzoo_\w+)", block.text, re.MULTILINE)
            examples.install(hook, block.text, f"page_example_{number}")
    weights = Path(genzoo_core.__file__).parents[2] / "plugins/genzoo_vae/weights"
    for folder in ("my-models", "share"):
        (tmp_path / folder).mkdir()
        shutil.copyfile(weights / "vae-mlp-mnist.safetensors", f"{folder}/far.safetensors")

    listed = json.loads(output(capfd, "list", "--dynamic", "--json"))
    assert "far" in {model["name"] for model in listed}

    assert main(["run", "share://far.safetensors", "-n", "2", "--seed", "5", "-o", "a.csv"]) == 0
    assert re.fullmatch(r"seed,brightness\n5,-0\.\d{3}\n6,-0\.\d{3}\n", Path("a.csv").read_text())
    assert "2 pictures of share://far.safetensors" in capfd.readouterr().err
    log = Path("runs.log").read_text()
    assert re.fullmatch(r"share://far\S* \(\S.*\) seed 5\nmade 2 of brightness -0\.\d+\n", log)

    assert re.fullmatch(r"share://far\S*: a\.csv\n", Path("written.log").read_text())

    output(capfd, "run", "share://far.safetensors", "--seed", "5", "-o", "a.png")
    output(capfd, "run", "--replay", "a.png", "-o", "b.png")  # through genzoo_cached_weights

    zoo, folder = genzoo.open_zoo(), tmp_path / "mine"
    folder.mkdir()
    zoo.call_hook("genzoo_before_training", recipe=RECIPE, folder=folder, step=0)
    assert json.loads((folder / "settings.json").read_text())["name"] == "mine"
    zoo.call_hook("genzoo_log_training", **LOGGED | {"folder": folder})
    assert Path("mine.csv").read_text() == "50,0.5\n"
    zoo.call_hook("genzoo_end_training", folder=folder, outcome="finished")
    assert Path("runs.log").read_text().endswith("mine finished\n")
    said = zoo.call_hook("genzoo_after_training", model="mine", data=Path("photos"), seconds=0.0)
    assert ["mine has learnt the pictures in photos"] in said


def example_of(name: str) -> str:
    """The example in a specification's docstring, as a plugin's module."""
    found = doctest.DocTestParser().get_examples(getattr(hookspecs, name).__doc__)
    head = "import sys\nfrom pathlib import Path\nfrom genzoo_core import ModelCard, hookimpl\n"
    return head + "".join(example.source for example in found)


RECORD = Record(model="genzoo/vae-mnist", weights="0" * 64, n=2, seed=0)
PICTURES = Pictures(torch.full((2, 1, 4, 4), 0.5), RECORD)
RECIPE = Recipe(
    "mine",
    CardRecipe("vae", "A test."),
    DataRecipe("d", (1, 4, 4)),
    ModelRecipe("genzoo/vae"),
    (StageRecipe("elbo", steps=1),),
)
LOGGED: dict[str, Any] = {
    "run": "mine",
    "step": 50,
    "values": {"loss": 0.5, "images/s": 100.0},
    "folder": Path("runs/mine"),
    "pictures": None,
    "warnings": (),
}
CALLS: dict[str, tuple[dict[str, Any], Callable[[list[Any], str], bool]]] = {
    "genzoo_models": (
        {},
        lambda results, _: [card.name for card in results[0]] == ["mine"],
    ),
    "genzoo_resolve_weights": (
        {"reference": "share://vae/x.safetensors", "sha256": ""},
        lambda results, _: results == [Path("/mnt/share/vae/x.safetensors")],
    ),
    "genzoo_cached_weights": (
        {"reference": "share://vae/x.safetensors", "sha256": "0" * 64},
        lambda results, _: results == [],  # it is not here
    ),
    "genzoo_source": (
        {"reference": "share://vae"},
        lambda results, _: (results[0].reference, results[0].files) == ("share://vae", {}),
    ),
    "genzoo_write_output": (
        {"path": Path("x.txt"), "pictures": PICTURES},
        lambda results, _: results == [True] and Path("x.txt").read_text() == "2 pictures",
    ),
    "genzoo_before_run": (
        {"record": RECORD},
        lambda _, err: err == f"2 {genzoo.card('vae-mnist').license}\n",
    ),
    "genzoo_after_run": (
        {"record": RECORD, "pictures": PICTURES},
        lambda _, err: err == "brightness +0.50\n",
    ),
    "genzoo_after_write": (
        {"request": RECORD, "paths": [Path("a.png"), Path("b.png")], "seconds": 1.25},
        lambda _, err: err == "genzoo/vae-mnist: 2 in 1.2 s\n",
    ),
    "genzoo_before_training": (
        {"recipe": RECIPE, "folder": Path("runs/mine"), "step": 0},
        lambda _, err: err == "training mine in mine\n",
    ),
    "genzoo_log_training": (LOGGED, lambda _, err: err == "mine 50 0.5\n"),
    "genzoo_end_training": (
        {"folder": Path("runs/mine"), "outcome": "stopped"},
        lambda _, err: err == "mine: stopped\n",
    ),
    "genzoo_after_training": (
        {"model": "mine", "data": Path("photos"), "seconds": 0.0},
        lambda results, _: ["mine has learnt the pictures in photos"] in results,
    ),
}
"""For each hook, what to call its docstring's example with, and whether what it did is right."""


@pytest.mark.parametrize("name", SPECS)
def test_a_docstring_s_example_is_right(
    name: str, examples: Examples, capfd: pytest.CaptureFixture[str]
) -> None:
    examples.install(name, example_of(name), f"docstring_{name}")
    arguments, is_right = CALLS[name]
    results = genzoo.open_zoo().call_hook(name, **arguments)
    assert is_right(results, capfd.readouterr().err)


def test_the_kinds_of_components_are_described_as_they_are() -> None:
    text = COMPONENTS.read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", text, flags=re.MULTILINE)
    for kind, classes, methods in rows:
        assert kind in get_args(Kind)
        # A scheduled noiser is what a diffusion model needs; the base class asks for nothing.
        name = re.findall(r"`(\w+)`", classes)[-1]
        cls = getattr(genzoo_core, name)
        assert inspect.getsourcefile(cls) == str((DOCS / link(classes)).resolve())
        missing = {m for m in dir(cls) if is_abstract(cls, m)}
        assert set(re.findall(r"`(\w+)`", methods)) == missing, kind
    assert {kind for kind, _, _ in rows} == set(get_args(Kind))


def link(cell: str) -> str:
    (target,) = re.findall(r"\]\((.*?)\)", cell)
    return str(target)


def is_abstract(cls: type, name: str) -> bool:
    return getattr(getattr(cls, name, None), "__isabstractmethod__", False)
