"""What `genzoo` and `genzoo_core` export is typed, and described whole for the reference."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import genzoo
import genzoo_core

EXPORTED = [
    (module, name)
    for module in (genzoo, genzoo_core)
    for name in module.__all__
    if name != "__version__"
]


def described(name: str, text: str) -> bool:
    """Whether a line of a section of Google's style begins with a name, or a sentence quotes it."""
    return bool(re.search(rf"^ +{name}: \S|`{name}`", text, re.MULTILINE))


def own_doc(value: object) -> str:
    return vars(value).get("__doc__") or "" if isinstance(value, type) else value.__doc__ or ""


def docs_of(cls: type) -> str:
    """What a class and those above it say of themselves."""
    return "\n".join(each.__doc__ or "" for each in cls.__mro__ if each is not object)


def constants(module: Any) -> dict[str, str]:
    """The text below each assignment of a module or class, by the name that is assigned."""
    body = ast.parse(textwrap.dedent(inspect.getsource(module))).body
    if isinstance(module, type):
        body = body[0].body  # type: ignore[attr-defined]
    found = {}
    for node, after in pairwise(body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[getattr(target, "id", "")] = str(after.value.value)
    return found


def home(name: str) -> Any:
    """The module that defines what `genzoo_core` exports."""
    return sys.modules[f"genzoo_core.{genzoo_core._HOME_OF[name]}"]


def methods(cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def untyped(function: Callable[..., object]) -> list[str]:
    """The arguments of a function, and "return", that have no annotation."""
    signature = inspect.signature(function)
    found = [p.name for p in signature.parameters.values() if p.annotation is p.empty]
    return [*found, *["return"] * (signature.return_annotation is signature.empty)]


@pytest.mark.parametrize(("module", "name"), EXPORTED, ids=[name for _, name in EXPORTED])
def test_what_is_exported_is_described(module: Any, name: str) -> None:
    value = getattr(module, name)
    if isinstance(value, type):
        assert own_doc(value), name
        fields = [each for each in vars(value).get("__annotations__", {}) if each[0] != "_"]
        beside = constants(value)
        assert [f for f in fields if f not in beside and not described(f, docs_of(value))] == []
        properties = {k: v for k, v in vars(value).items() if isinstance(v, property)}
        text = docs_of(value)
        assert [k for k, v in properties.items() if not v.__doc__ and not described(k, text)] == []
    elif inspect.isfunction(value):
        assert own_doc(value), name
    else:
        assert constants(home(name)).get(name), name


@pytest.mark.parametrize(("module", "name"), EXPORTED, ids=[name for _, name in EXPORTED])
def test_each_argument_is_typed_and_described(module: Any, name: str) -> None:
    value = getattr(module, name)
    functions = {name: value} if inspect.isfunction(value) else {}
    if isinstance(value, type):
        functions |= {f"{name}.{each}": function for each, function in methods(value)}
    for where, function in functions.items():
        missing = untyped(function)
        inherited = inspect.getdoc(getattr(value, where.partition(".")[2], value)) or ""
        arguments = list(inspect.signature(function).parameters)
        if "." in where:
            missing = [each for each in missing if each not in ("self", "cls")]
            arguments = arguments[1:] if arguments[:1] in (["self"], ["cls"]) else arguments
        assert missing == [], where
        assert inherited, where
        assert [a for a in arguments if not described(a, inherited)] == [], where


@pytest.mark.parametrize(
    "value",
    [genzoo.encode, genzoo.generate, genzoo.load, genzoo_core.Pictures.save],
    ids=lambda value: value.__name__,
)
def test_an_example_does_what_it_shows(
    value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENZOO_CACHE", str(tmp_path / "cache"))
    for name in ("a.png", "b.png"):
        genzoo.generate("vae-mnist", seed=0).save(name)
    finder = doctest.DocTestFinder(recurse=False)
    (found,) = finder.find(value, value.__name__, globs={"genzoo": genzoo})
    assert found.examples
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found).failed == 0


SCRIPT = '''\
"""A program of a user's."""

from pathlib import Path

import genzoo
from genzoo_core import Codec, Latents, ModelCard, Pictures, UsageError


def sevens(names: list[str]) -> list[Path]:
    saved = []
    for name in names:
        model = genzoo.load(name, device="cpu", precision="fp32")
        pictures: Pictures = genzoo.generate(
            model, ["7"], n=4, seed=0, on_progress=lambda done, total: print(done / total)
        )
        saved.append(pictures.save(Path("made") / f"{name}.png"))
        print(len(pictures), pictures.images.shape, pictures.record.seed, pictures.pil()[0].size)
    return saved


zoo = genzoo.open_zoo()
card: ModelCard = genzoo.card(genzoo.list_models("vae*", family="vae")[0])
latents: Latents = genzoo.encode(zoo.open(card.name), [Path("a.png"), b"..."])
print(latents.save("z.npz"), latents.posterior.mean, genzoo.__version__)
codec = genzoo.load("codec-mnist")
assert isinstance(codec, Codec)
print(codec.latent_shape)
try:
    genzoo.generate(Path("mine.safetensors"), "3")
except UsageError as error:
    print(error.message, error.hint)
'''


WRONG = """\
import genzoo
genzoo.generate(7)
x: int = genzoo.generate("vae-mnist")
genzoo.generate("vae-mnist").save(3)
genzoo.encode("vae-mnist", 3.5)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "faults"),
    [(SCRIPT, []), (WRONG, ["arg-type", "assignment", "arg-type", "arg-type"])],
    ids=["right", "wrong"],
)
def test_a_type_checker_knows_what_python_users_get(
    tmp_path: Path, script: str, faults: list[str]
) -> None:
    """mypy, strict, on a program outside of the repository."""
    (tmp_path / "program.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert re.findall(r"error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE) == faults, done.stdout
