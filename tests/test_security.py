"""SECURITY.md is true: what it names is there, and every kind of hostile input has its tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = range(1, 48)

SOURCES = sorted(
    path for folder in ("core", "registry", "plugins") for path in (ROOT / folder).rglob("*.py")
)
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN = {"torch.load", "torch.hub.load", "os.system", "os.popen", "yaml.load"}


@cache
def files_by_test() -> dict[str, list[str]]:
    """The files in which there is a test of a name, relative to tests/."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found[name].append(path.relative_to(ROOT / "tests").as_posix())
    return found


def files_of_row(row: int) -> set[str]:
    """The files with tests of a row of hostile inputs."""
    start = f"test_hostile_{row:02}_"
    return {f for name, files in files_by_test().items() if name.startswith(start) for f in files}


def table() -> dict[int, set[str]]:
    """The files that the page's table gives for each row."""
    lines = re.findall(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
    return {int(row): set(re.findall(r"`([^`]+)`", files)) for row, files in lines}


@pytest.mark.parametrize("row", ROWS)
def test_every_hostile_input_has_tests_and_the_page_says_where(row: int) -> None:
    listed = table()[row]
    assert listed
    assert listed <= files_of_row(row)


def test_the_table_has_each_row_once() -> None:
    rows = [int(row) for row in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert rows == list(ROWS)


def test_ranks_send_nothing_that_is_unpickled() -> None:
    # torch.distributed pickles what its functions on objects send.
    pattern = re.compile(r"\b\w*_object(?:_list)?\(|\bfabric\.(?:broadcast|all_gather)\(")
    texts = {path: path.read_text(encoding="utf-8") for path in SOURCES}
    rooms = [path for path, text in texts.items() if "distributed" in text]
    assert any(path.name == "ranks.py" for path in rooms)
    assert [path for path in rooms if pattern.search(texts[path])] == []


def test_what_the_page_names_is_there() -> None:
    names = set(re.findall(r"`(test_\w+)`", PAGE)) - {"test_hostile_NN_"}
    assert len(names) >= 20
    assert names <= set(files_by_test())
    for path in re.findall(r"`((?:registry|core|plugins|tests)/[\w./]+)`", PAGE):
        assert (ROOT / path).exists(), path


def test_nothing_unpickles_or_evaluates() -> None:
    assert SOURCES
    found = {
        str(path.relative_to(ROOT)): list(suspicious(ast.parse(path.read_text(encoding="utf-8"))))
        for path in SOURCES
    }
    assert {path: what for path, what in found.items() if what} == {}


def suspicious(tree: ast.AST) -> Iterator[str]:
    """What in a module could run what data says."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"import {a.name}" for a in names if a.name.split(".")[0] in UNPICKLERS)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in UNPICKLERS:
                yield f"from {module}"
            case ast.Call(func=ast.Name(id=name)) if name in EVALUATORS:
                yield f"{name}()"
            case ast.Call(func=ast.Attribute() as called, keywords=keywords):
                name = ast.unparse(called)
                given = {word.arg: ast.unparse(word.value) for word in keywords}
                if name in FORBIDDEN or given.get("shell") == "True":
                    yield name
                if name in {"np.load", "numpy.load"} and given.get("allow_pickle") != "False":
                    yield f"{name} without allow_pickle=False"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(x)",
        "torch.load(p, weights_only=True)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "subprocess.run(x, shell=True)",
    ],
)
def test_what_is_looked_for_is_found(code: str) -> None:
    assert list(suspicious(ast.parse(code)))
