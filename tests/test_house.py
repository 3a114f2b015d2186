"""The house: who may import whom, and what an import may cost."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from circles import circles

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(p.name for p in (ROOT / "plugins").iterdir() if (p / "__init__.py").exists())
HOMES = {
    "genzoo_core": ROOT / "core" / "genzoo_core",
    "genzoo": ROOT / "registry" / "genzoo",
    **{name: ROOT / "plugins" / name for name in PLUGINS},
}

WITHOUT_CIRCLES = ("core", "plugins", "registry")
"""The folders of packages in which no circle of modules may be."""


def required(package: str) -> set[str]:
    """Packages of the plugins whose `api` module `package` may import, as its manifest says."""
    if package not in PLUGINS:
        return set()
    manifest = tomllib.loads((HOMES[package] / "genzoo.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entry_points = project["entry-points"]["genzoo"]
    return {entry_points[name.removeprefix("genzoo/")] for name in manifest.get("requires", ())}


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports from, also inside functions and for types alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            assert node.module is not None
            yield node.module


@pytest.mark.parametrize("package", HOMES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    strangers = set(HOMES) - {package, "genzoo_core"}
    interfaces = {f"{other}.api" for other in required(package)}
    files = sorted(HOMES[package].rglob("*.py"))
    assert files
    for path in files:
        for module in imports(path):
            fine = module.partition(".")[0] not in strangers or module in interfaces
            assert fine, f"{path.relative_to(ROOT)} imports {module}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = circles(ROOT / folder for folder in WITHOUT_CIRCLES)
    assert not found, "circles of imports:\n" + "\n".join(" → ".join(circle) for circle in found)


def test_the_finder_of_circles_sees_what_a_reader_sees(tmp_path: Path) -> None:
    for name, text in {
        "__init__": "from house.far import thing",
        "far": "import house.hall",
        "hall": "def later():\n    from house import NAME",
        "east": "from house import west",
        "west": "from house.wing.inner import x",
        "wing/__init__": "import json",
        "wing/inner": "import house.east as e",
        "types": "if TYPE_CHECKING:\n    from house.typed import T\nelse:\n    import json",
        "typed": "import house.types",
        "leaf": "from house import east\nfrom house.west import y",
        "self": "from house.self import z",
    }.items():
        path = tmp_path / "house" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert circles([tmp_path]) == [
        ("house", "house.far", "house.hall", "house"),
        ("house.east", "house.west", "house.wing.inner", "house.east"),
        ("house.self", "house.self"),
    ]


def without_encoding(tree: ast.AST) -> Iterator[int]:
    """The lines of calls that read or write text as the locale says."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        # `open(path, "w")`, and `path.open("w")`; but not `Catalogue.open()`.
        before = isinstance(call.func, ast.Name)
        mode = call.args[before:] or [named.get("mode", ast.Constant("r"))]
        is_text = isinstance(mode[0], ast.Constant) and re.fullmatch(
            "[rwaxt+]+", str(mode[0].value)
        )
        is_class = ast.unparse(call.func)[0].isupper()
        flags = [named[flag] for flag in ("text", "universal_newlines") if flag in named]
        text = (
            name == "write_text"
            or (name == "read_text" and not call.args)
            or (name == "open" and is_text and not is_class)
            or any(isinstance(flag, ast.Constant) and flag.value is True for flag in flags)
        )
        if text and "encoding" not in named:
            yield call.lineno


def test_text_is_utf_8_whatever_the_locale_says() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in (*WITHOUT_CIRCLES, "tools", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in without_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []
    calls = [
        "open(p)",
        "open(p, 'w')",
        "p.open()",
        "p.open('a')",
        "p.read_text()",
        "r(x, text=True)",
    ]
    assert [len(list(without_encoding(ast.parse(call)))) for call in calls] == [1] * len(calls)


@pytest.mark.parametrize("package", ["genzoo", "genzoo_core", *PLUGINS])
def test_importing_a_package_imports_neither_torch_nor_numpy(package: str) -> None:
    code = f"import sys, {package}; print({{'torch', 'numpy'}} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_the_core_exports_what_it_says_and_type_checkers_see_the_same() -> None:
    import genzoo_core

    tree = ast.parse((HOMES["genzoo_core"] / "__init__.py").read_text())
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genzoo_core.")
        for alias in node.names
    }
    assert typed == set(genzoo_core.__all__)
    for name in genzoo_core.__all__:
        assert getattr(genzoo_core, name) is not None


@pytest.mark.parametrize("package", HOMES)
def test_every_package_is_typed(package: str) -> None:
    assert (HOMES[package] / "py.typed").exists()


def test_the_weights_that_ship_are_small() -> None:
    sizes = {
        path.name: path.stat().st_size for path in ROOT.glob("plugins/*/weights/*.safetensors")
    }
    assert len(sizes) > 20
    assert {name: size for name, size in sizes.items() if size > 8e6} == {}
    assert sum(sizes.values()) <= 80e6


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest imports them by their names alone, and fails at the second of a pair."""
    files = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert {name for name in files if files.count(name) > 1} == set()
