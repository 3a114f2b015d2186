"""Importing all that a plugin's manifest names, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from genzoo.models.find import file_in_package
from genzoo.plugins.catalogue import Catalogue
from genzoo.plugins.guard import caught_stdout, import_module, load_target, removal_hint
from genzoo.text import one_line
from genzoo_core.errors import GenzooError, PluginError
from genzoo_core.plugin import Plugin, Verification

PATIENCE = 300.0
"""Seconds that a plugin may take."""


def verify_plugin(plugin: Plugin) -> Verification:
    """Import a plugin and all that it names in a fresh process, and check its hooks.

    Not in this process: a plugin may end it, or leave things behind that hide another's fault.
    """
    # The same path, or the child might find other plugins than the parent did.
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from genzoo.models.verify import report; "
        f"report({plugin.name!r}, {plugin.distribution!r})"
    )
    command = [sys.executable, "-c", code]
    started = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        problem = f"its imports take more than {PATIENCE:.0f} s"
        return Verification((problem,), seconds=PATIENCE, importable=False)
    try:
        return msgspec.json.decode(done.stdout, type=Verification)
    except msgspec.MsgspecError:
        problem = f"importing it ends the process, with code {done.returncode}"
        return Verification((problem,), seconds=time.monotonic() - started, importable=False)


def check_here(catalogue: Catalogue, plugin: Plugin) -> Verification:
    """As `verify_plugin`, in this process."""
    remarks: list[str] = []
    started = time.perf_counter()
    imported = tuple(_problems(plugin, _imports(catalogue, plugin, remarks)))
    seconds = time.perf_counter() - started
    files = tuple(_problems(plugin, _files(plugin)))
    return Verification((*imported, *files), tuple(remarks), round(seconds, 3))


def _problems(plugin: Plugin, checks: Iterator[Callable[[], object]]) -> Iterator[str]:
    for check in checks:
        try:
            check()
        except GenzooError as error:
            # Without the owner and the way to remove it: they are shown beside the problem.
            text = error.message if error.hint == removal_hint(plugin) else str(error)
            yield text.removeprefix(f"plugin {plugin}").lstrip(": ")


def _imports(
    catalogue: Catalogue, plugin: Plugin, remarks: list[str]
) -> Iterator[Callable[[], object]]:
    """Checks that import, those of what must not import torch first."""
    manifest = plugin.manifest
    assert manifest is not None  # it is sound
    yield partial(_without_torch, plugin, plugin.module, remarks)
    for component in manifest.components:
        if component.options is not None:
            yield partial(_check_options, plugin, component.options, remarks)
    for command in manifest.commands:
        _listen(command.target, remarks)
        yield partial(_check_command, plugin, command.target, command.extra)
    yield partial(catalogue.hooks.check, plugin)
    for component in manifest.components:
        _listen(component.target, remarks)
        yield partial(load_target, plugin, component.target)


def _listen(target: str, remarks: list[str]) -> None:
    """Import the module of a target, and remark on what it writes to stdout.

    What it raises is met again, and told, when it is imported for its own sake.
    """
    module = target.partition(":")[0]
    if module in sys.modules:
        return
    with caught_stdout() as written, contextlib.suppress(Exception, SystemExit):
        importlib.import_module(module)
    if written:
        remarks.append(
            f"importing {module} writes {written[0][:80]!r} to stdout, which is for results; "
            "write to stderr, or nothing"
        )


def _without_torch(plugin: Plugin, module: str, remarks: list[str]) -> Any:
    before = "torch" in sys.modules
    _listen(module, remarks)
    imported = import_module(plugin, module)
    if "torch" in sys.modules and not before:
        raise PluginError(f"plugin {plugin}: {module} imports torch, which makes `genzoo` slow")
    return imported


def _check_options(plugin: Plugin, target: str, remarks: list[str]) -> None:
    _without_torch(plugin, target.partition(":")[0], remarks)
    options = load_target(plugin, target)
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        raise PluginError(f"plugin {plugin}: {target} is no msgspec.Struct")


def _check_command(plugin: Plugin, target: str, extra: str) -> None:
    import click

    try:
        command = load_target(plugin, target)
    except PluginError as error:
        if extra and isinstance(error.__cause__, ModuleNotFoundError):
            return  # the extra is not installed: the command says so itself
        raise
    if not isinstance(command, click.Command):
        raise PluginError(f"plugin {plugin}: {target} is no click.Command")


def _files(plugin: Plugin) -> Iterator[Callable[[], object]]:
    """Checks that the files that cards name are there, and are what was promised."""
    for card in plugin.manifest.models if plugin.manifest else ():
        if card.recipe:
            yield partial(_check_recipe, plugin, card.recipe, card.name)
        if card.weights and "://" not in card.weights:
            yield partial(_check_weights, plugin, card.weights, card.name, card.sha256)


def _check_recipe(plugin: Plugin, path: str, model: str) -> None:
    from genzoo.models.recipes import read_recipe

    read_recipe(file_in_package(plugin, path, f"recipe of {model}"))


def _check_weights(plugin: Plugin, path: str, model: str, sha256: str) -> None:
    from hashlib import file_digest

    from genzoo.files.model_file import read_header

    file = file_in_package(plugin, path, f"weights of {model}")
    read_header(file)
    with file.open("rb") as stream:
        if sha256 and file_digest(stream, "sha256").hexdigest() != sha256:
            raise PluginError(f"weights of {model}: their sha256 is not the card's")


def report(name: str, distribution: str) -> None:
    """Check the plugin of that entry point and distribution; print the report as JSON."""
    from genzoo.plugins.guard import stdout_to_stderr

    catalogue = Catalogue.open()
    owners = {(plugin.name, plugin.distribution): plugin for plugin in catalogue.plugins}
    with stdout_to_stderr():
        try:
            found = check_here(catalogue, owners[name, distribution])
        except Exception as error:  # a check met what it did not foresee: a finding as well
            found = Verification((one_line(error),))
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
