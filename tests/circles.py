"""Circles of modules: found by reading the imports, nothing is imported.

An import inside a function counts: it hides a circle from Python, not from a reader. One under
`if TYPE_CHECKING` does not. `from package import module` imports the module, and the package's
own `__init__` only where a name is taken that is no module of it.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def circles(folders: Iterable[Path]) -> list[tuple[str, ...]]:
    """A shortest circle through each module that lies on one, each circle once.

    A circle begins with the first of its names and names it again at its end.
    """
    paths = {name: path for folder in folders for name, path in _modules(folder)}
    graph = {name: sorted(_imports(path, paths)) for name, path in paths.items()}
    found = {_turned(way) for name in graph if (way := _way_back(name, graph))}
    return sorted((*way, way[0]) for way in found)


def _modules(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def _imports(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """The names among `modules` that a file imports."""
    found: set[str] = set()
    for node in _executed(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in modules else node.module or "")
    return found & modules.keys()


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, without what only a type checker reads."""
    yield node
    only_types = isinstance(node, ast.If) and ast.unparse(node.test) in {
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    }
    below = node.orelse if isinstance(node, ast.If) and only_types else ast.iter_child_nodes(node)
    for child in below:
        yield from _executed(child)


def _way_back(start: str, graph: Mapping[str, list[str]]) -> tuple[str, ...] | None:
    """A shortest way from a module over its imports to itself."""
    ways = deque([(start,)])
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        for name in graph[way[-1]]:
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return None


def _turned(way: tuple[str, ...]) -> tuple[str, ...]:
    """The same circle, told from the first of its names."""
    first = way.index(min(way))
    return way[first:] + way[:first]
