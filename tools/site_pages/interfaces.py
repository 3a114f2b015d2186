"""The reference of the Python interfaces, which mkdocstrings fills from the docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

CORE = Path(__file__).parents[2] / "core" / "genzoo_core"

GENZOO = """\
# genzoo

What a program imports.

::: genzoo
    options: { show_root_heading: false, members_order: __all__ }

## What `open_zoo` gives

It has the methods of [`genzoo_core.zoo.Zoo`][genzoo_core.zoo.Zoo], which commands of plugins get,
and these.

::: genzoo.zoo.Zoo
    options: { heading_level: 3 }
"""


def pages() -> dict[str, str]:
    """A page for `genzoo`, and one for each module of `genzoo_core`."""
    made = {"reference/genzoo.md": GENZOO}
    exported = _exported()
    rows = ["| module | what is in it | of which `genzoo_core` exports |", "|---|---|---|"]
    for path in sorted([*CORE.glob("*.py"), *CORE.glob("*/__init__.py")]):
        if path == CORE / "__init__.py":
            continue
        name = (path.parent if path.stem == "__init__" else path).stem
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = ", ".join(f"[{n}][genzoo_core.{name}.{n}]" for n in exported.get(name, ()))
        rows.append(f"| [{name}]({name}.md) | {_summary(tree)} | {names} |")
        made[f"reference/genzoo_core/{name}.md"] = _module(name, tree)
    made["reference/genzoo_core/index.md"] = "\n".join([HEAD, *rows, ""])
    return made


HEAD = """\
# genzoo_core

What plugins implement and rely on.
"""


def _module(name: str, tree: ast.Module) -> str:
    options = "show_root_heading: false, show_root_toc_entry: false"
    if members := _all(tree):
        options += f", members: [{', '.join(members)}]"  # else those of its modules are left out
    return f"# genzoo_core.{name}\n\n::: genzoo_core.{name}\n    options: {{ {options} }}\n"


def _exported() -> dict[str, list[str]]:
    """The names of each module that `genzoo_core` exports."""
    tree = ast.parse((CORE / "__init__.py").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genzoo_core."):
            module = str(node.module).removeprefix("genzoo_core.")
            found.setdefault(module, []).extend(alias.name for alias in node.names)
    return found


def _all(tree: ast.Module) -> list[str]:
    """What a module lists in `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def _summary(tree: ast.Module) -> str:
    """The first paragraph of a module's docstring."""
    return " ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split())
