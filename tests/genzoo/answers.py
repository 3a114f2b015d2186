"""What genzoo answers, asked in this process; and what it opens for that."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from genzoo.cli import main

T = TypeVar("T")


def answer(*words: str) -> Any:
    """What `genzoo … --json` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main([*words, "--json"]) == 0
    return json.loads(out.getvalue())


def plugins(*options: str) -> list[dict[str, Any]]:
    """All plugins, as `genzoo plugins` tells of them; `options` stand before the command."""
    found: list[dict[str, Any]] = answer(*options, "plugins")["plugins"]
    return found


def plugin(name: str, *options: str) -> dict[str, Any]:
    """The plugin with this entry point, as `genzoo plugins` tells of it."""
    [found] = [entry for entry in plugins(*options) if entry["name"] == name]
    return found


def error_of(name: str) -> str:
    """The one line that says what is wrong with a broken plugin."""
    found = plugin(name)
    assert found["status"] == "broken"
    [error] = found["errors"]
    assert "\n" not in error
    return str(error)


def full_name(model: str) -> str:
    """The `distribution/name` of a model, by any name that it has."""
    return str(answer("info", model)["name"])


def opened(work: Callable[[], T]) -> tuple[T, list[str]]:
    """What `work` gives, and the files that it opens."""
    files: list[str] = []
    recording = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if recording and event == "open":
            files.append(str(arguments[0]))

    sys.addaudithook(hook)  # it stays for good, hence the switch
    try:
        return work(), files
    finally:
        recording = False


def reads_manifests(work: Callable[[], object]) -> bool:
    """Whether `work` reads a plugin's manifest."""
    return any(file.endswith("genzoo.toml") for file in opened(work)[1])
