"""Whether what is installed can be imported: a wheel for another machine is installed as well."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution
from pathlib import Path

from genzoo.plugins.guard import run_fresh
from genzoo.text import one_line

PATIENCE = 300.0
"""Seconds that all imports may take."""

BESIDE = {"benchmarks", "docs", "examples", "test", "tests"}
"""What some distributions leave beside their packages."""


def module_of(distribution: Distribution) -> str:
    """The package, or module, that a distribution is imported as; "" where it cannot be told."""
    parts = (path.parts for path in distribution.files or ())
    names = set()
    for path in parts:
        if len(path) == 1 and path[0].endswith(".py"):
            names.add(path[0].removesuffix(".py"))
        elif len(path) == 2 and path[1] == "__init__.py":
            names.add(path[0])
    own = str(distribution.metadata["Name"]).lower().replace("-", "_").replace(".", "_")
    public = sorted(name for name in names - BESIDE if name.isidentifier() and name[0] != "_")
    return own if own in names else next(iter(public), "")


def failing(modules: Iterable[str]) -> dict[str, str]:
    """Why modules cannot be imported, by their names, in a process of its own.

    Nothing is said of any where torch cannot be imported.

    Where one of them ends the process, the rest are imported in the next.
    """
    left, found = list(modules), dict[str, str]()
    while left:
        code = f"from genzoo.cli.doctor.imports import try_all; try_all({left!r})"
        try:
            answer, ending = run_fresh(code, patience=PATIENCE)
        except subprocess.TimeoutExpired:
            return found | {left[0]: f"all imports take more than {PATIENCE:.0f} s"}
        lines = [json.loads(line) for line in answer.splitlines()]
        found |= {line["module"]: line["error"] for line in lines if line.get("error")}
        tried = [line["module"] for line in lines]
        if len(tried) == len(left):
            break
        found[left[len(tried)]] = f"importing it ends the process, with code {ending}"
        left = left[len(tried) + 1 :]
    return found


def try_all(modules: Iterable[str]) -> None:
    """What runs in that process: import one after the other, and write down what happens."""
    import sys

    sound = True
    try:
        importlib.import_module("genzoo_core.libraries").mend_torchvision()
    except (
        Exception,
        SystemExit,
    ):  # most of the others import torch, and a look of its own says it
        sound = False
    with Path(sys.argv[1]).open("a", encoding="utf-8", buffering=1) as answer:
        for name in modules:
            line: Mapping[str, str] = {"module": name}
            try:
                if sound:
                    importlib.import_module(name)
            except (Exception, SystemExit) as error:
                line = {"module": name, "error": one_line(error)}
            answer.write(json.dumps(line) + "\n")
