"""The commands that install and remove packages: pip's, uv's and pipx's."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
from packaging.utils import canonicalize_name

from genzoo_core.errors import PluginError
from genzoo_core.installer import PIPX, Installer
from genzoo_core.secrets import without_secrets
from genzoo_core.text import printable
from genzoo_manage.requirements import Wanted, name_of

PATIENCE = 30.0
"""Seconds that a program gets to leave things in order after it was interrupted."""


class Command(NamedTuple):
    """A program with its arguments, and variables that it gets beside ours."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = {}

    def __str__(self) -> str:
        """As one would type it, without secrets."""
        words = [*(f"{n}={v}" for n, v in self.environment.items()), *self.words]
        return without_secrets(shlex.join(words))


def message(text: str) -> None:
    """One line on stderr. What a plugin says in it cannot steer the terminal."""
    click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """One line on stderr, of something that does not stop the work."""
    message(f"Warning: {text}")


def to_install(installer: Installer, wanted: Wanted) -> list[Command]:
    """The commands that install, in order."""
    constraints = ["--constraint", wanted.constraints] if wanted.constraints else []
    upgrade = ["--upgrade"] if wanted.upgrade else []
    editable = [word for folder in wanted.editable for word in ("--editable", folder)]
    match installer.name:
        case "pip":
            return [_pip("install", *upgrade, *constraints, *editable, *wanted.requirements)]
        case "uv":
            # Its --upgrade would reach all that they need: torch as well.
            names = filter(None, map(name_of, wanted.requirements if wanted.upgrade else ()))
            upgrade = [word for name in names for word in ("--upgrade-package", name)]
            words = (*constraints, *upgrade, *editable, *wanted.requirements)
            return [_uv(installer, "install", *words)]
        case "pipx":
            options = ["--force"] if wanted.upgrade else []
            if passed := [*upgrade, *constraints]:
                options.append(f"--pip-args={shlex.join(passed)}")
            commands = []
            if wanted.requirements:
                commands.append(_pipx(installer, "inject", *options, named=wanted.requirements))
            if wanted.editable:
                options.append("--editable")
                commands.append(_pipx(installer, "inject", *options, named=wanted.editable))
            return commands


def to_uninstall(installer: Installer, names: Sequence[str]) -> list[Command]:
    """The commands that remove distributions, in order."""
    match installer.name:
        case "pip":
            return [_pip("uninstall", "--yes", *names)]
        case "uv":
            return [_uv(installer, "uninstall", *names)]
        case "pipx":
            injected = _injected()
            own = [name for name in names if name in injected]
            others = [name for name in names if name not in injected]
            commands = [_pipx(installer, "uninject", named=own)] if own else []
            return commands + ([_pip("uninstall", "--yes", *others)] if others else [])


def run_all(commands: Sequence[Command], failure: str) -> None:
    """Run commands one after the other; what they print goes to stderr.

    Raises:
        PluginError: One fails: `failure`, and how it ended.
    """
    for command in commands:
        message(f"$ {command}")
        try:
            code = _run(command)
        except OSError as error:
            raise PluginError(f"{failure}: {command.words[0]}: {error.strerror}") from error
        if code:
            raise PluginError(f"{failure}: it ended with code {code}", "see what it says above")


def _run(command: Command) -> int:
    """Run a program to its end, and return its exit code; what it prints goes to stderr.

    On the way it loses its secrets, of which pip hides some. Where there are none, a terminal is
    left to the program, which may show its progress there.

    An interrupt reaches the program too. It is waited for, so that nothing stays half-installed.
    """
    environment = {**os.environ, **command.environment}
    texts = (*command.words, *environment.values())
    piped = not sys.stderr.isatty() or any(without_secrets(text) != text for text in texts)
    if piped:
        environment["PIP_NO_INPUT"] = "1"
    stdout, stderr = (subprocess.PIPE, subprocess.STDOUT) if piped else (2, None)
    sys.stderr.flush()
    with subprocess.Popen(command.words, stdout=stdout, stderr=stderr, env=environment) as process:
        try:
            for line in process.stdout or ():
                click.echo(without_secrets(line.decode("utf-8", "replace")), err=True, nl=False)
            return process.wait()
        except BaseException as interrupt:
            if type(interrupt) is not KeyboardInterrupt:  # as genzoo makes of SIGTERM
                process.terminate()  # Ctrl-C went to both of us, SIGTERM to us alone
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise


def _pip(*words: str) -> Command:
    # -P: a file in the current folder must not pass for one of pip's modules.
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return Command((sys.executable, "-P", "-m", "pip", *words), quiet)


def _uv(installer: Installer, action: str, *words: str) -> Command:
    return Command((installer.program, "pip", action, "--python", sys.executable, *words))


def _pipx(installer: Installer, *words: str, named: Sequence[str]) -> Command:
    # With its home, or it may look for an environment of this name elsewhere.
    prefix = Path(sys.prefix)
    home = {"PIPX_HOME": str(prefix.parents[1])} if prefix.parent.name == "venvs" else {}
    return Command((installer.program, *words, prefix.name, *named), home)


def _injected() -> set[str]:
    """What pipx itself put into its environment."""
    try:
        found = json.loads((Path(sys.prefix) / PIPX).read_bytes())
        return {canonicalize_name(name) for name in found["injected_packages"]}
    except (OSError, ValueError, LookupError, TypeError):
        return set()
