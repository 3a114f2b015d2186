"""Python, the environment, and what the shell knows of genzoo."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from genzoo.managing.doctor.findings import Finding
from genzoo_core.errors import PluginError

STARTUP = {
    "bash": (".bashrc", ".bash_profile", ".profile", ".bash_completion"),
    "zsh": (".zshrc", ".zprofile", ".zshenv"),
    "fish": (".config/fish/completions/genzoo.fish", ".config/fish/config.fish"),
}
"""Where a shell would be told of completion, below the home folder."""


def look_at_python() -> Iterator[Finding]:
    """The interpreter and the machine."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    wanted = str(metadata.metadata("genzoo").json.get("requires_python", ""))
    text = f"{platform.python_implementation()} {version}, {sys.executable}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        yield Finding("python", text)
    else:
        advice = f"genzoo requires Python {wanted}"
        yield Finding("python", text, "problem", advice)
    yield Finding("platform", f"{platform.platform()}, {os.cpu_count()} processors")


def look_at_environment() -> Iterator[Finding]:
    """The environment, and who installs plugins into it."""
    from genzoo.managing.environment import Environment, find_installer

    here = Environment.current()
    text = f"{here.kind}, {here.prefix}"
    try:
        installer = find_installer(here)
    except PluginError as error:
        yield Finding("environment", f"{text}: {error.message}", "note", error.hint or "")
        return
    yield Finding("environment", f"{text}; `genzoo install` uses {installer.name}")


def look_at_path() -> Iterator[Finding]:
    """Which genzoo a shell would run."""
    found = shutil.which("genzoo")
    scripts = sysconfig.get_path("scripts")
    own = os.path.join(scripts, "genzoo")
    if found is None:
        yield Finding(
            "command",
            "no genzoo is on PATH",
            "note",
            f"put {scripts} there, or run `{sys.executable} -m genzoo`",
        )
    elif os.path.realpath(found) == os.path.realpath(own) or _interpreter(found) == sys.executable:
        yield Finding("command", f"{found} is this genzoo")
    else:
        yield Finding(
            "command",
            f"{found} comes first on PATH, and is another genzoo than this one, of {sys.prefix}",
            "note",
            f"put {scripts} before it, or uninstall the other",
        )


def look_at_completion() -> Iterator[Finding]:
    """Whether the user's shell completes genzoo's words, as far as its files tell."""
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell not in STARTUP:
        return
    for name in STARTUP[shell]:
        file = Path.home() / name
        try:
            text = file.read_text(errors="replace")
        except OSError:
            continue
        if "genzoo completion" in text or "_GENZOO_COMPLETE" in text:
            yield Finding("completion", f"set up for {shell} in {file}")
            return
    advice = "`genzoo completion --help` shows how"
    yield Finding("completion", f"not set up for {shell}", "note", advice)


def _interpreter(script: str) -> str:
    """The Python that a script is run by, or ""."""
    try:
        with open(script, "rb") as file:
            first = file.readline(1000)
    except OSError:
        return ""
    return os.fsdecode(first[2:].strip()) if first.startswith(b"#!") else ""
