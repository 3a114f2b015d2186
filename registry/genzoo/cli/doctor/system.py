"""Python, the environment and its variables, the shell, and the user's folders."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from genzoo.cli.doctor import Finding, State
from genzoo.cli.settings import Settings, read_settings, settings_file, variable
from genzoo.cli.table import size
from genzoo.files.folders import cache_folder, config_folder, models_file
from genzoo.plugins.added import read_added
from genzoo.plugins.distributions import installed, installed_version
from genzoo.plugins.manifests import REFERENCE
from genzoo.text import many
from genzoo_core.errors import ConfigError, PluginError, did_you_mean
from genzoo_core.installer import environment, find_installer
from genzoo_core.reading import read_bytes

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
    *map(variable, Settings.__struct_fields__),
)
"""Those that genzoo itself knows; a plugin may have more."""

PREFIXES = ("GENZOO_", "HF_", "HUGGING_FACE_", "HUGGINGFACE_")
SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|BEARER|COOKIE", re.IGNORECASE)

LITTLE, NONE = 1_000_000_000, 50_000_000
"""Free bytes below which a download or a training may not fit, or nothing does."""

LARGEST = 2**25
"""Bytes of the largest requirements file that is read."""

REQUIRED = re.compile(r"^(?:-e .*# )?([A-Za-z0-9][\w.-]*)", re.MULTILINE)
"""A name in such a file: where a line begins, or in the comment behind a folder."""


def look_at_python() -> Iterator[Finding]:
    """The interpreter and the machine."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    genzoo = installed("genzoo")
    wanted = genzoo.metadata["Requires-Python"] if genzoo else ""
    advice = f"genzoo requires Python {wanted}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        advice = ""
    text = f"{platform.python_implementation()} {version}, {sys.executable}"
    yield Finding("python", text, "problem" if advice else "ok", advice)
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
        advice = f"put {scripts} there, or run `{quote(sys.executable)} -m genzoo`"
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
            yield Finding("variable", f"{text}: genzoo has no such variable itself", "note", near)
        else:
            yield Finding("variable", text)


def look_at_cache() -> Iterator[Finding]:
    """The cache: whether it can be written, its index, and how much room there is."""
    found = cache_folder()
    if found is None:
        yield Finding("cache", "there is no place for it", "note", "set GENZOO_CACHE to a folder")
        return
    folder = Path(found)
    yield _written("cache", folder, "GENZOO_CACHE", "a listing reads all manifests each time")
    indexes = [file.stat() for file in (folder / "index").glob("*.index")]
    room = size(sum(each.st_size for each in indexes))
    there = room if indexes else "none yet; `genzoo list` writes them"
    yield Finding("manifests", f"of plugins, in the cache: {there}")
    free = shutil.disk_usage(_nearest(folder)).free
    state: State = "ok" if free >= LITTLE else "note" if free >= NONE else "problem"
    advice = "" if state == "ok" else f"make room on the disk of {_nearest(folder)}"
    yield Finding("disk", f"{size(free) or '0 B'} are free", state, advice)


def look_at_settings() -> Iterator[Finding]:
    """The user's defaults, and whether they can be read."""
    file = settings_file()
    try:
        chosen = read_settings()
    except ConfigError as error:
        yield Finding("settings", error.message, "problem", error.hint or f"repair {file}")
        return
    text = ", ".join(f"{name} = {each.value}" for name, each in chosen.items())
    yield Finding("settings", f"{file}: {text or 'nothing is set'}")


def look_at_ledger() -> Iterator[Finding]:
    """The configuration, and in it the requirements file of `genzoo install`."""
    folder = config_folder()
    yield _written("config", folder, "GENZOO_CONFIG", "`genzoo install` remembers nothing")
    file = folder / "installed.txt"
    try:
        names = REQUIRED.findall(read_bytes(file, LARGEST).decode()) if file.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"not UTF-8: {error}"
        advice = f"repair it, or put it aside with `mv {quote(str(file))} {quote(f'{file}.old')}`"
        yield Finding("installed", f"{file} cannot be read: {why}", "problem", advice)
        return
    missing = [name for name in names if installed_version(name) is None]
    if missing:
        text = f"not in this environment: {', '.join(missing)}"
        advice = "`genzoo plugins restore` installs what is missing"
        yield Finding("installed", text, "note", advice)
    else:
        count = many(len(names), "plugin") if names else "nothing"
        yield Finding("installed", f"{count} by `genzoo install`")


def look_at_models() -> Iterator[Finding]:
    """The user's own list of models, and which of its files are gone."""
    file = models_file()
    if file is None:
        advice = "set GENZOO_MODELS to a folder"
        yield Finding("models", "there is no place for a list of your own", "note", advice)
        return
    cards = [model.card for model in read_added()]
    content = many(len(cards), "model") if cards else "empty"
    yield Finding("models", f"your own list is {file}: {content}")
    for card in cards:
        if not (REFERENCE.match(card.weights) or os.path.lexists(card.weights)):
            text = f"{card.name}: {card.weights} is gone"
            yield Finding("models", text, "note", f"put it back, or `genzoo rm {card.name}`")


def _written(topic: str, folder: Path, variable: str, otherwise: str) -> Finding:
    """Whether files can be made in `folder`, by making one."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return Finding(topic, str(folder))
    except OSError as error:
        text = f"{folder} cannot be written ({error.strerror}): {otherwise}"
        return Finding(topic, text, "note", f"set {variable} to a folder that can be")


def _nearest(folder: Path) -> Path:
    """`folder`, or the nearest one above that is there."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _interpreter(script: str) -> str:
    """The Python that a script is run by, or ""."""
    try:
        with open(script, "rb") as file:
            first = file.readline(1000)
    except OSError:
        return ""
    return os.fsdecode(first[2:].strip()) if first.startswith(b"#!") else ""
