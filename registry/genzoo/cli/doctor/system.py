"""Python, the environment and its variables, and genzoo in the shell."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from genzoo.cli.doctor import Finding
from genzoo.plugins.distributions import installed
from genzoo_core.errors import PluginError, did_you_mean
from genzoo_core.installer import environment, find_installer

STARTUP = {
    "bash": (".bashrc", ".bash_profile", ".profile", ".bash_completion"),
    "zsh": (".zshrc", ".zprofile", ".zshenv"),
    "fish": (".config/fish/completions/genzoo.fish", ".config/fish/config.fish"),
}
"""Where a shell's completion is set up, below the home folder."""

OURS = (
    "GENZOO_CACHE",
    "GENZOO_CONFIG",
    "GENZOO_DATA",
    "GENZOO_DEBUG",
    "GENZOO_DISABLE",
    "GENZOO_INCEPTION",
    "GENZOO_MODELS",
    "GENZOO_PLUGINS",
)
"""Those that genzoo itself knows; a plugin may have more."""

PREFIXES = ("GENZOO_", "HF_", "HUGGING_FACE_", "HUGGINGFACE_")
SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|BEARER|COOKIE", re.IGNORECASE)


def look_at_python() -> Iterator[Finding]:
    """The interpreter and the machine."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    genzoo = installed("genzoo")
    wanted = genzoo.metadata["Requires-Python"] if genzoo else ""
    text = f"{platform.python_implementation()} {version}, {sys.executable}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        yield Finding("python", text)
    else:
        yield Finding("python", text, "problem", f"genzoo requires Python {wanted}")
    yield Finding("platform", f"{platform.platform()}, {os.cpu_count()} processors")


def look_at_environment() -> Iterator[Finding]:
    """The environment, and who installs plugins into it."""
    text = f"{environment()}, {sys.prefix}"
    try:
        yield Finding("environment", f"{text}; `genzoo install` uses {find_installer().name}")
    except PluginError as error:
        yield Finding("environment", f"{text}: {error.message}", "note", error.hint or "")


def look_at_path() -> Iterator[Finding]:
    """Which genzoo a shell would run."""
    found = shutil.which("genzoo")
    scripts = sysconfig.get_path("scripts")
    own = os.path.join(scripts, "genzoo")
    if found is None:
        advice = f"put {scripts} there, or run `{shlex.quote(sys.executable)} -m genzoo`"
        yield Finding("command", "no genzoo is on PATH", "note", advice)
    elif os.path.realpath(found) == os.path.realpath(own) or _interpreter(found) == sys.executable:
        yield Finding("command", f"{found} is this genzoo")
    else:
        text = f"{found} comes first on PATH, and is another genzoo than this one, of {sys.prefix}"
        yield Finding("command", text, "note", f"put {scripts} before it, or uninstall the other")


def look_at_completion() -> Iterator[Finding]:
    """Whether the user's shell completes genzoo's words, according to its startup files."""
    shell = os.path.basename(os.environ.get("SHELL", ""))
    if shell not in STARTUP:
        return
    for name in STARTUP[shell]:
        file = Path.home() / name
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if "genzoo completion" in text or "_GENZOO_COMPLETE" in text:
            yield Finding("completion", f"set up for {shell} in {file}")
            return
    advice = "`genzoo completion --help` shows how"
    yield Finding("completion", f"not set up for {shell}", "note", advice)


def look_at_variables() -> Iterator[Finding]:
    """Each variable in force. What may be a secret is not shown."""
    for name in sorted(filter(lambda name: name.startswith(PREFIXES), os.environ)):
        is_secret = SECRET.search(name) and name != "HF_TOKEN_PATH"
        text = f"{name}={'(set, and not shown)' if is_secret else os.environ[name]}"
        near = did_you_mean(name, OURS) if name.startswith("GENZOO_") else None
        if near and name not in OURS:
            yield Finding("variable", f"{text}: genzoo itself knows no such one", "note", near)
        else:
            yield Finding("variable", text)


def _interpreter(script: str) -> str:
    """The Python that a script is run by, or ""."""
    try:
        with open(script, "rb") as file:
            first = file.readline(1000)
    except OSError:
        return ""
    return os.fsdecode(first[2:].strip()) if first.startswith(b"#!") else ""
