"""The commands that install and remove packages: pip's, uv's and pipx's."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from genzoo.managing.shown import Command
from genzoo.plugins.names import normalise


class Wanted(NamedTuple):
    """What is to be installed.

    Attributes:
        requirements: Names with versions, paths and URLs, as pip reads them.
        editable: Folders that are to stay where they are, for who works on them.
        upgrade: Take newer versions of what is there already.
        constraints: A file of versions to keep to, or None.
    """

    requirements: tuple[str, ...]
    editable: tuple[str, ...] = ()
    upgrade: bool = False
    constraints: str | None = None

    def __str__(self) -> str:
        return ", ".join((*self.requirements, *self.editable))


class Installer(Protocol):
    """Who installs packages into an environment."""

    @property
    def name(self) -> str:
        """What its users call it."""

    @property
    def note(self) -> str:
        """What its users should know of what they install; "" for nothing."""

    def install(self, wanted: Wanted) -> list[Command]:
        """The commands that install, in order."""

    def uninstall(self, names: Sequence[str]) -> list[Command]:
        """The commands that remove distributions, in order."""


@dataclass(frozen=True)
class Pip:
    """pip, as a module of the environment's Python."""

    python: str
    name: str = "pip"
    note: str = ""

    def install(self, wanted: Wanted) -> list[Command]:
        """One `pip install`."""
        return [self._command("install", *_options(wanted), *_all(wanted))]

    def uninstall(self, names: Sequence[str]) -> list[Command]:
        """One `pip uninstall`."""
        return [self._command("uninstall", "--yes", *names)]

    def _command(self, *words: str) -> Command:
        # -P: a file in the current folder must not pass for one of pip's modules.
        return Command(
            (self.python, "-P", "-m", "pip", *words), {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        )


@dataclass(frozen=True)
class Uv:
    """uv, for an environment without pip, or one that `uv tool` made."""

    uv: str
    python: str
    tool: bool = False
    name: str = "uv"

    @property
    def note(self) -> str:
        """`uv tool` makes its environments anew, and then knows nothing of what came later."""
        if not self.tool:
            return ""
        return "after `uv tool upgrade genzoo`, `genzoo plugins restore` brings plugins back"

    def install(self, wanted: Wanted) -> list[Command]:
        """One `uv pip install`."""
        # Its --upgrade would reach all that they need: torch as well.
        words = _options(wanted._replace(upgrade=False))
        for name in filter(None, map(_name, wanted.requirements if wanted.upgrade else ())):
            words += ["--upgrade-package", name]
        return [self._command("install", *words, *_all(wanted))]

    def uninstall(self, names: Sequence[str]) -> list[Command]:
        """One `uv pip uninstall`."""
        return [self._command("uninstall", *names)]

    def _command(self, action: str, *words: str) -> Command:
        return Command((self.uv, "pip", action, "--python", self.python, *words))


@dataclass(frozen=True)
class Pipx:
    """pipx, for an environment of its own: it keeps what is injected when it upgrades.

    Attributes:
        pipx: Its executable.
        prefix: Folder of the environment, which has the environment's name.
        python: Its Python.
    """

    pipx: str
    prefix: Path
    python: str
    name: str = "pipx"
    note: str = ""

    def install(self, wanted: Wanted) -> list[Command]:
        """A `pipx inject` of the requirements, and one of the editable folders."""
        words = ["--force"] if wanted.upgrade else []
        if passed := _options(wanted):
            words.append(f"--pip-args={shlex.join(passed)}")
        commands = []
        if wanted.requirements:
            commands.append(self._command("inject", *words, named=wanted.requirements))
        if wanted.editable:
            commands.append(self._command("inject", *words, "--editable", named=wanted.editable))
        return commands

    def uninstall(self, names: Sequence[str]) -> list[Command]:
        """`pipx uninject` of what pipx injected, and `pip uninstall` of what came otherwise."""
        injected = self._injected()
        own = [name for name in names if name in injected]
        others = [name for name in names if name not in injected]
        commands = [self._command("uninject", named=own)] if own else []
        return commands + (Pip(self.python).uninstall(others) if others else [])

    def _command(self, action: str, *words: str, named: Sequence[str]) -> Command:
        # Its home is said, or it may look for an environment of this name elsewhere.
        home = {"PIPX_HOME": str(self.prefix.parent.parent)}
        words = (self.pipx, action, *words, self.prefix.name, *named)
        return Command(words, home if self.prefix.parent.name == "venvs" else {})

    def _injected(self) -> set[str]:
        try:
            found = json.loads((self.prefix / "pipx_metadata.json").read_bytes())
            return {normalise(name) for name in found["injected_packages"]}
        except (OSError, ValueError, LookupError, TypeError):
            return set()


def _options(wanted: Wanted) -> list[str]:
    upgrade = ["--upgrade"] if wanted.upgrade else []
    return upgrade + (["--constraint", wanted.constraints] if wanted.constraints else [])


def _name(requirement: str) -> str | None:
    """The name that a requirement begins with; None for a path or URL."""
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None


def _all(wanted: Wanted) -> list[str]:
    editable = [word for path in wanted.editable for word in ("--editable", path)]
    return [*editable, *wanted.requirements]
