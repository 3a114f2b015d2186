"""Running a plugin's code so that its faults stay its own, here or in a fresh process."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

from genzoo.text import LONGEST_LINE, as_message, one_line
from genzoo_core.errors import PluginError, did_you_mean
from genzoo_core.plugin import Plugin


def warn(text: str) -> None:
    """Warn the user, in one line on stderr."""
    with contextlib.suppress(OSError, ValueError):  # a closed stderr has no reader
        sys.stderr.write(f"Warning: {as_message(text, LONGEST_LINE)}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def _descriptor_1(number: int) -> Iterator[None]:
    """Let the process's stdout be file `number`: C libraries and child processes write there."""
    sys.stdout.flush()
    before = os.dup(1)
    try:
        os.dup2(number, 1)
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to stderr what is written to stdout meanwhile, so that `--json` stays parseable."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # one of them is closed
            stack.enter_context(_descriptor_1(2))
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


@contextlib.contextmanager
def caught_stdout() -> Iterator[list[str]]:
    """A list that afterwards holds what was written to stdout meanwhile, if anything was."""
    import tempfile

    caught: list[str] = []
    with tempfile.TemporaryFile() as file:
        with (
            _descriptor_1(file.fileno()),
            open(1, "w", closefd=False, encoding="utf-8") as stream,
            contextlib.redirect_stdout(stream),
        ):
            yield caught
        file.seek(0)
        if text := file.read().decode(errors="replace").strip():
            caught.append(text)


def import_module(plugin: Plugin, name: str) -> Any:
    """Import a plugin's module; a `PluginError` where it raises or calls `sys.exit`."""
    if name in sys.modules:
        return sys.modules[name]
    try:
        with stdout_to_stderr():
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        message = f"plugin {plugin} cannot be imported: {name}: {one_line(error)}"
        raise PluginError(message, removal_hint(plugin)) from error


def load_target(plugin: Plugin, target: str) -> Any:
    """What `target`, "module:attribute" in a plugin's manifest, names."""
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


def run_fresh(
    code: str,
    *,
    patience: float,
    stderr: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[bytes, int]:
    """Run Python code in a process of its own: the answer, b"" for none, and the exit code.

    The code writes its answer into the file `sys.argv[1]`, for others write to stdout.

    Raises:
        subprocess.TimeoutExpired: It took more than `patience` seconds.
    """
    import subprocess  # these two cost as much as all the rest of a listing
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        # -P: a file in the current folder must not pass for a module.
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**(environment or os.environ), "PYTHONIOENCODING": "utf-8"},
            timeout=patience,
            check=False,
        )
        return (answer.read_bytes() if answer.is_file() else b""), done.returncode
