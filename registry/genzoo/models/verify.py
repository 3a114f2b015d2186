"""Importing all that a plugin's manifest names, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

import click
import msgspec

from genzoo.files.model_file import read_header
from genzoo.models.formats import load_format
from genzoo.models.recipes import read_recipe
from genzoo.models.weights import file_in_package, has_scheme
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.discovery import MANIFEST
from genzoo.plugins.guard import (
    caught_stdout,
    import_module,
    load_target,
    removal_hint,
    run_fresh,
    stdout_to_stderr,
)
from genzoo.text import one_line
from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError, PluginError
from genzoo_core.plugin import Plugin, Verification

PATIENCE = 300.0
"""Seconds that a plugin may take."""

_SYNTAX_PLACE = re.compile(r" \([^()]*, line \d+\)")

SELECTING = ("GENZOO_PLUGINS", "GENZOO_DISABLE")
"""Variables that leave plugins out."""


def verify_plugin(plugin: Plugin) -> Verification:
    """Import a plugin and all that it names in a fresh process, and check its hooks.

    Not in this process: a plugin may end it, or leave things behind that hide another's fault.
    """
    # The same path first, or the child might find other plugins than the parent did. What was
    # installed since the parent began may be on the child's alone.
    code = (
        f"import sys; sys.path[:] = dict.fromkeys([*{sys.path!r}, *sys.path]); "
        "from genzoo.models.verify import report; "
        f"report(sys.argv[1], {plugin.name!r}, {plugin.distribution!r})"
    )
    # Nothing is left out there: who installs a plugin that is left out wants to know as well.
    visible = {name: value for name, value in os.environ.items() if name not in SELECTING}
    started = time.monotonic()
    try:
        answer, ending = run_fresh(code, patience=PATIENCE, environment=visible)
    except subprocess.TimeoutExpired:
        problem = f"its imports take more than {PATIENCE:.0f} s"
        return Verification((problem,), seconds=PATIENCE, importable=False)
    try:
        return msgspec.json.decode(answer, type=Verification)
    except ValueError:
        problem = f"importing it ends the process, with code {ending}"
        return Verification((problem,), seconds=time.monotonic() - started, importable=False)


def report(answer: str, name: str, distribution: str) -> None:
    """What runs in that process: check the plugin, and write the result into a file, as JSON."""
    catalogue = Catalogue.open()
    owners = {(plugin.name, plugin.distribution): plugin for plugin in catalogue.plugins}
    with stdout_to_stderr():
        try:
            found = _Checks(owners[name, distribution]).run(catalogue)
        except Exception as error:  # a check met what it did not foresee: a finding as well
            found = Verification((one_line(error),))
    Path(answer).write_bytes(msgspec.json.encode(found))


class _Checks:
    """The checks of a sound plugin, and what they found."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.problems: list[str] = []
        self.remarks: list[str] = []

    def run(self, catalogue: Catalogue) -> Verification:
        """All of them, those of what must not import torch first."""
        manifest = self.plugin.manifest
        assert manifest is not None  # it is sound
        started = time.perf_counter()
        self._try(self._import_without_torch, self.plugin.module)
        for component in manifest.components:
            if component.options is not None:
                self._try(self._check_options, component.options)
        for command in manifest.commands:
            self._listen(command.target)
            self._try(self._check_command, command.target, command.extra)
        self._try(catalogue.hooks.check, self.plugin)
        for component in manifest.components:
            self._listen(component.target)
            self._try(load_target, self.plugin, component.target)
        for entry in manifest.formats:
            self._listen(entry.target)
            self._try(load_format, self.plugin, entry)
        seconds = time.perf_counter() - started
        for card in manifest.models:
            self._try(self._check_recipe, card)
            self._try(self._check_weights, card)
        return Verification(tuple(self.problems), tuple(self.remarks), round(seconds, 3))

    def _try(self, check: Callable[..., object], *arguments: Any) -> None:
        try:
            check(*arguments)
        except GenzooError as error:
            # Without the owner and the way to remove it: they stand beside the problem.
            text = error.message if error.hint == removal_hint(self.plugin) else str(error)
            text = text.removeprefix(f"plugin {self.plugin}").lstrip(": ")
            where = _raised_in(self.plugin, error.__cause__) or self._named_in(arguments)
            if isinstance(error.__cause__, SyntaxError):  # which says the file without its folder
                text = _SYNTAX_PLACE.sub("", text)
            problem = f"{text} ({where})" if where else text
            if problem not in self.problems:  # several targets may lie in one module
                self.problems.append(problem)

    def _named_in(self, arguments: Sequence[object]) -> str:
        """The line of the manifest that names a target, "genzoo.toml:12", or ""."""
        targets = [each for each in arguments if isinstance(each, str) and ":" in each]
        file = Path(self.plugin.location) / MANIFEST
        if not targets or not file.is_file():
            return ""
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if f'"{targets[0]}"' in line]
        return f"{file}:{numbers[0]}" if numbers else ""

    def _listen(self, target: str) -> None:
        """Import the module of a target, and remark on what it writes to stdout.

        What it raises is reported when the target is loaded.
        """
        module = target.partition(":")[0]
        if module in sys.modules:
            return
        with caught_stdout() as written, contextlib.suppress(Exception, SystemExit):
            importlib.import_module(module)
        if written:
            self.remarks.append(
                f"importing {module} writes {written[0][:80]!r} to stdout, which is for results; "
                "write to stderr, or nothing"
            )

    def _import_without_torch(self, module: str) -> None:
        before = "torch" in sys.modules
        self._listen(module)
        import_module(self.plugin, module)
        if "torch" in sys.modules and not before:
            raise PluginError(f"{module} imports torch, which makes `genzoo` slow")

    def _check_options(self, target: str) -> None:
        self._import_without_torch(target.partition(":")[0])
        options = load_target(self.plugin, target)
        if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
            raise PluginError(f"{target} is no msgspec.Struct")

    def _check_command(self, target: str, extra: str) -> None:
        try:
            command = load_target(self.plugin, target)
        except PluginError as error:
            if extra and isinstance(error.__cause__, ModuleNotFoundError):
                return  # the extra is not installed: the command says so itself
            raise
        if not isinstance(command, click.Command):
            raise PluginError(f"{target} is no click.Command")

    def _check_recipe(self, card: ModelCard) -> None:
        if card.recipe:
            read_recipe(file_in_package(self.plugin, card.recipe, f"recipe of {card.name}"))

    def _check_weights(self, card: ModelCard) -> None:
        if not card.weights or has_scheme(card.weights):
            return
        file = file_in_package(self.plugin, card.weights, f"weights of {card.name}")
        read_header(file)
        with file.open("rb") as stream:
            if card.sha256 and file_digest(stream, "sha256").hexdigest() != card.sha256:
                raise PluginError(f"weights of {card.name}: their sha256 is not the card's")


def _raised_in(plugin: Plugin, error: BaseException | None) -> str:
    """The innermost line of a plugin's own code that raised an error, "…/net.py:5", or ""."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__) if error is not None else ()
    own = [frame for frame in frames if Path(plugin.location) in Path(frame.filename).parents]
    return f"{own[-1].filename}:{own[-1].lineno}" if own and plugin.location else ""
