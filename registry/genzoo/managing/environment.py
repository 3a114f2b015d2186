"""What kind of environment genzoo runs in, and who installs packages into it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from genzoo.managing.installers import Installer, Pip, Pipx, Uv
from genzoo_core.errors import PluginError

PIPX = "pipx_metadata.json"
UV_TOOL = "uv-receipt.toml"
MANAGED = "EXTERNALLY-MANAGED"


@dataclass(frozen=True)
class Environment:
    """An interpreter and what surrounds it.

    Attributes:
        python: Its executable.
        prefix: Folder of its environment.
        virtual: Whether that is a virtual environment.
        stdlib: Folder of its standard library.
        has_pip: Whether it can import pip.
    """

    python: str
    prefix: Path
    virtual: bool
    stdlib: Path
    has_pip: bool

    @classmethod
    def current(cls) -> Environment:
        """That of this process."""
        return cls(
            python=sys.executable,
            prefix=Path(sys.prefix),
            virtual=sys.prefix != sys.base_prefix,
            stdlib=Path(sysconfig.get_path("stdlib")),
            has_pip=find_spec("pip") is not None,
        )

    @property
    def kind(self) -> str:
        """What it is, in a few words."""
        if (self.prefix / PIPX).is_file():
            return "an environment of pipx"
        if (self.prefix / UV_TOOL).is_file():
            return "an environment of uv tool"
        if self.virtual:
            return "a virtual environment"
        if (self.prefix / "conda-meta").is_dir():
            return "a conda environment"
        return "managed by the system" if self.managed else "not a virtual environment"

    @property
    def managed(self) -> bool:
        """Whether the system's own package manager claims it (PEP 668)."""
        return not self.virtual and (self.stdlib / MANAGED).is_file()


def find_installer(environment: Environment) -> Installer:
    """Who installs packages into `environment`: pipx or uv where it is theirs, else pip.

    Raises:
        PluginError: Nobody may or can; says what to do.
    """
    uv = shutil.which("uv")
    if (environment.prefix / PIPX).is_file() and (pipx := shutil.which("pipx")):
        return Pipx(pipx, environment.prefix, environment.python)
    if environment.managed and not _breaking():
        raise PluginError(
            f"{environment.python} is managed by the system, which lets nothing be installed "
            "into it",
            f"install genzoo into an environment of its own: `pipx install genzoo`, or "
            f"`{environment.python} -m venv ENV` and `ENV/bin/pip install genzoo`",
        )
    tool = (environment.prefix / UV_TOOL).is_file()
    if tool and uv:
        return Uv(uv, environment.python, tool=True)
    if environment.has_pip:
        return Pip(environment.python)
    if uv:
        return Uv(uv, environment.python)
    raise PluginError(
        f"the environment {environment.prefix} has no pip, and uv is not on PATH",
        f"`{environment.python} -m ensurepip` gives it pip",
    )


def _breaking() -> bool:
    """Whether the user lets pip and uv install into a managed environment, as these ask it."""
    named = ("PIP_BREAK_SYSTEM_PACKAGES", "UV_BREAK_SYSTEM_PACKAGES")
    return any(os.environ.get(name, "").lower() in {"1", "true", "yes", "on"} for name in named)
