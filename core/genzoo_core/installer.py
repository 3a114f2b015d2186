"""The kind of this environment, and the program that installs packages into it."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from genzoo_core.errors import PluginError

PIPX = "pipx_metadata.json"
UV_TOOL = "uv-receipt.toml"

AFTER_UPGRADE = "after `uv tool upgrade genzoo`, `genzoo plugins restore` brings plugins back"
"""An upgrade by `uv tool` builds the environment anew, without what was installed later."""


class Installer(NamedTuple):
    """The program that installs packages into this environment.

    Attributes:
        program: Its executable; Python's for pip, which is a module.
        note: What its users should know of what they install; "" for nothing.
    """

    name: Literal["pip", "uv", "pipx"]
    program: str
    note: str = ""


def environment() -> str:
    """The kind of this process's environment, in a few words."""
    if _has(PIPX):
        return "an environment of pipx"
    if _has(UV_TOOL):
        return "an environment of uv tool"
    if sys.prefix != sys.base_prefix:
        return "a virtual environment"
    if _has("conda-meta"):
        return "a conda environment"
    return "managed by the system" if _managed() else "not a virtual environment"


def find_installer() -> Installer:
    """The installer here: pipx or uv where the environment is theirs, else pip.

    Raises:
        PluginError: None may or can install here; says what to do.
    """
    uv = shutil.which("uv")
    if _has(PIPX) and (pipx := shutil.which("pipx")):
        return Installer("pipx", pipx)
    if _managed() and not _breaking():
        raise PluginError(
            f"{sys.executable} is managed by the system, which lets nothing be installed into it",
            f"install genzoo into an environment of its own: `pipx install genzoo`, or "
            f"`{shlex.quote(sys.executable)} -m venv ENV` and `ENV/bin/pip install genzoo`",
        )
    if uv and _has(UV_TOOL):
        return Installer("uv", uv, AFTER_UPGRADE)
    if find_spec("pip"):
        return Installer("pip", sys.executable)
    if uv:
        return Installer("uv", uv)
    raise PluginError(
        f"the environment {sys.prefix} has no pip, and uv is not on PATH",
        f"`{sys.executable} -m ensurepip` gives it pip",
    )


def _has(name: str) -> bool:
    return (Path(sys.prefix) / name).exists()


def _managed() -> bool:
    """Whether the system's own package manager claims the environment (PEP 668)."""
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    return sys.prefix == sys.base_prefix and marker.is_file()


def _breaking() -> bool:
    """Whether the user's settings of pip or uv allow installing into a managed environment."""
    named = ("PIP_BREAK_SYSTEM_PACKAGES", "UV_BREAK_SYSTEM_PACKAGES")
    return any(os.environ.get(name, "").lower() in {"1", "true", "yes", "on"} for name in named)
