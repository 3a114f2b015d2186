"""Running a plugin's code so that its faults stay its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from genzoo.text import one_line, printable
from genzoo_core.errors import PluginError, did_you_mean
from genzoo_core.plugin import Plugin


def warn(text: str) -> None:
    """Tell the user of something that does not stop the work, in one line on stderr."""
    with contextlib.suppress(OSError, ValueError):  # a closed stderr has no reader
        sys.stderr.write(f"Warning: {printable(text)}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to stderr what is written to stdout meanwhile, so that `--json` stays parseable.

    The process's file descriptor is turned as well: C libraries and child processes write there.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # one of them is closed
            sys.stdout.flush()
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


@contextlib.contextmanager
def caught_stdout() -> Iterator[list[str]]:
    """Keep what is written to stdout meanwhile, by C libraries and child processes too.

    Gives:
        A list that afterwards holds the text, or nothing where nothing was written.
    """
    import tempfile  # it costs as much as all the rest of a listing

    caught: list[str] = []
    with tempfile.TemporaryFile() as file:
        sys.stdout.flush()
        kept = os.dup(1)
        try:
            os.dup2(file.fileno(), 1)
            stream = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            with contextlib.redirect_stdout(stream):
                try:
                    yield caught
                finally:
                    stream.flush()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        if text := file.read().decode(errors="replace").strip():
            caught.append(text)


def import_module(plugin: Plugin, name: str) -> Any:
    """Import a plugin's module.

    Raises:
        PluginError: It raised or called `sys.exit`. The cause is kept as `__cause__`.
    """
    if name in sys.modules:
        return sys.modules[name]
    try:
        with stdout_to_stderr():
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"plugin {plugin} cannot be imported: {name}: {one_line(error)}", removal_hint(plugin)
        ) from error


def load_target(plugin: Plugin, target: str) -> Any:
    """What `target`, "module:attribute" in a plugin's manifest, names.

    Raises:
        PluginError: The module cannot be imported, or lacks the attribute.
    """
    module_name, _, attribute = target.partition(":")
    module = import_module(plugin, module_name)
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        near = did_you_mean(attribute, vars(module))
        message = f"plugin {plugin}: module {module_name} has no {attribute!r}"
        raise PluginError(message, near or removal_hint(plugin)) from error


def removal_hint(plugin: Plugin) -> str | None:
    """How to be rid of a plugin, or None where it belongs to genzoo itself."""
    return f"remove it with `{plugin.removal}`" if plugin.removal else None
