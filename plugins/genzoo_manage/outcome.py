"""What is installed, and what an installation changed, as a fresh process finds it."""

from __future__ import annotations

import json
import os
import shlex
import site
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_manage.installers import message, warn
from genzoo_manage.requirements import Distribution

GENZOO = "genzoo"

PATIENCE = 900.0
"""Seconds that a fresh process may take to answer."""

SELECTING = ("GENZOO_PLUGINS", "GENZOO_DISABLE")
"""Variables that leave plugins out."""

PROVIDED = ("models", "components", "commands", "formats", "hooks")


class Snapshot(NamedTuple):
    """What is installed.

    Attributes:
        distributions: By normalised name.
        plugins: All of them, as `genzoo plugins --json` shows each.
        conflicts: A line for each name that several plugins give.
    """

    distributions: dict[str, Distribution]
    plugins: list[dict[str, Any]]
    conflicts: list[str]

    def version(self, name: str) -> str | None:
        """The version of a distribution, or None where it is not installed."""
        found = self.distributions.get(name)
        return found.version if found else None


def take_snapshot() -> Snapshot:
    """What is installed now, whatever the environment's variables leave out.

    Raises:
        GenzooError: genzoo does not work in a fresh process.
    """
    everything = {name: value for name, value in os.environ.items() if name not in SELECTING}
    found = ask_genzoo("plugins", environment=everything)
    return Snapshot(_distributions(), found["plugins"], found["conflicts"])


def ask_genzoo(*words: str, environment: dict[str, str] | None = None) -> Any:
    """What `genzoo WORDS --json` prints in a fresh process, which sees what was installed just now.

    Raises:
        GenzooError: It prints no JSON; says how it ended.
    """
    # -P: a file in the current folder must not pass for a module.
    command = [sys.executable, "-P", "-m", "genzoo", *words, "--json"]
    environment = {**(environment or os.environ), "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GenzooError(f"genzoo did not answer within {PATIENCE:.0f} s") from None
    text = done.stdout.decode(errors="replace")
    try:
        # What starts with the interpreter may print before it and after it.
        return json.JSONDecoder().raw_decode(text, text.index("{\n"))[0]
    except ValueError:
        lines = done.stderr.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        why = last[:300] or f"it ended with code {done.returncode}"
        raise GenzooError(f"genzoo does not work any more: {why}") from None


def _distributions() -> dict[str, Distribution]:
    """Those on the path, and in the user's folder, which pip may have just made.

    The first on the path counts, and within a folder the newest: an older one is what a removal
    left behind that was cut short.
    """
    found: dict[str, Distribution] = {}
    for place in [*sys.path, *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]:
        here = []
        for folder in Path(place).glob("[!~]*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
            with suppress(OSError):
                stamp = folder.stat().st_mtime_ns
                if name and (folder / "METADATA").is_file():
                    here.append(Distribution(canonicalize_name(name), version, folder, stamp))
        for distribution in sorted(here, key=lambda each: each.stamp, reverse=True):
            found.setdefault(distribution.name, distribution)
    return found


class Outcome(NamedTuple):
    """What an installation changed.

    Attributes:
        after: What is installed now.
        came: The distributions that came or were replaced.
        moved: What genzoo needs and has in another version now: name, version before and after;
            None where it was, or is, not there.
        conflicts: Names that several plugins give since then.
    """

    after: Snapshot
    came: Sequence[Distribution]
    moved: Sequence[tuple[str, str | None, str | None]]
    conflicts: Sequence[str]


def compare(before: Snapshot) -> Outcome:
    """What has changed since `before`, with genzoo still at work.

    Raises:
        GenzooError: genzoo does not work any more, or lacks something that it requires.
    """
    after = take_snapshot()
    needs = list(map(Requirement, metadata.requires(GENZOO) or []))
    needed = {canonicalize_name(n.name) for n in needs if not n.marker or n.marker.evaluate()}
    every = ((n, before.version(n), after.version(n)) for n in sorted({GENZOO, *needed}))
    moved = [(name, old, new) for name, old, new in every if old != new]
    names = {name for name, _, _ in moved}
    pins = shlex.join(f"{name}=={old}" for name, old, _ in moved if old)
    back = f"go back with `pip install {pins}`" if pins else None
    for finding in ask_genzoo("doctor")["findings"] if moved else ():
        topic, text = finding["topic"], finding["text"]
        if finding["state"] != "problem":
            continue
        if topic == "requires" and text.split()[0] in names:
            raise GenzooError(f"genzoo does not have what it requires any more: {text}", back)
        if topic == "torch" and names & {"torch", "numpy"}:
            raise GenzooError(f"torch does not work any more: {text}", back)
    installed = after.distributions
    came = [d for name, d in installed.items() if before.distributions.get(name) != d]
    conflicts = [line for line in after.conflicts if line not in before.conflicts]
    return Outcome(after, came, moved, conflicts)


def report(
    outcome: Outcome, requested: Mapping[str, str], zoo: Zoo, note: str
) -> list[dict[str, Any]]:
    """Check and print the plugins that came, what each provides and what is wrong with it.

    Each is imported in a process of its own. Of the rest there are messages and warnings.

    Args:
        requested: The distributions that the user named, each with its requirement.
        note: What the installer's users should know; "" for nothing.

    Returns:
        The plugins, as `genzoo plugins --json` shows each, with what is wrong as `errors`.
    """
    if note:
        message(note)
    for name, old, new in outcome.moved:
        if name == GENZOO or name not in requested:
            again = shlex.quote(f"{name}=={old}")
            back = f"; `pip install {again}` goes back" if old and new else ""
            warn(f"{name} was {old or 'not there'} and is {new or 'gone'} now{back}")
    for conflict in outcome.conflicts:
        warn(conflict)
    owners = {*requested, *(distribution.name for distribution in outcome.came)} - {GENZOO}
    plugins = [each for each in outcome.after.plugins if each["distribution"] in owners]
    left_out = _left_out()
    for each in plugins:
        plugin = Plugin(each["name"], each["distribution"], each["version"])
        each["errors"] = each["errors"] or list(zoo.verify(plugin).problems)
        lines = list(each["errors"])
        if lines and plugin.removal:
            lines.append(f"remove it with `{plugin.removal}`")
        click.echo(printable(str(plugin)) + (" is broken" if lines else ""))
        lines += [f"{kind:10}  {', '.join(each[kind])}" for kind in PROVIDED if each[kind]]
        for line in lines:
            click.echo(f"  {printable(line)}")
        if str(plugin) in left_out:
            warn(f"{plugin} is left out by GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins")
    owners = {each["distribution"] for each in plugins}
    others = [f"{d.name} {d.version}" for d in outcome.came if d.name not in owners]
    if others:
        message("also installed: " + ", ".join(others))
    return plugins


def named(plugin: Mapping[str, Any]) -> str:
    """A plugin of `genzoo plugins --json` as messages name it."""
    return f"{plugin['name']} ({plugin['distribution']} {plugin['version']})"


def _left_out() -> set[str]:
    """The plugins that the user leaves out."""
    root = click.get_current_context().find_root()
    option = ["--no-plugins"] if root.params.get("no_plugins") else []
    if not option and not any(name in os.environ for name in SELECTING):
        return set()
    plugins = ask_genzoo(*option, "plugins")["plugins"]
    return {named(each) for each in plugins if each["status"] == "disabled"}
