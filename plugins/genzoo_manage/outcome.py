"""What an installation did, found by looking before and after."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import NamedTuple

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from genzoo_core.errors import GenzooError
from genzoo_core.plugin import Plugin
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_manage.environment import SELECTING, Distribution, Snapshot, ask_genzoo, take_snapshot
from genzoo_manage.requirements import Wanted, resolve
from genzoo_manage.terminal import message, warn

GENZOO = "genzoo"

PROVIDED = ("models", "components", "commands", "formats", "hooks")


class Moved(NamedTuple):
    """What genzoo needs and has in another version now; None where it was, or is, not there."""

    name: str
    old: str | None
    new: str | None


class Checked(NamedTuple):
    """A plugin that came, what it provides by kind, and what is wrong with it."""

    plugin: Plugin
    provides: Mapping[str, Sequence[str]]
    problems: Sequence[str]


class Outcome(NamedTuple):
    """What an installation did.

    Attributes:
        requested: The distributions that the user named, each with its requirement.
        came: Those that came or were replaced, whoever needs them.
        plugins: The plugins of both.
        moved: What genzoo needs and has in another version now.
        conflicts: Names that several plugins give since then.
        installed: All distributions that are there now.
    """

    requested: Mapping[str, str]
    came: Sequence[Distribution]
    plugins: Sequence[Checked]
    moved: Sequence[Moved]
    conflicts: Sequence[str]
    installed: Mapping[str, Distribution]

    @property
    def broken(self) -> set[str]:
        """The distributions with a plugin that does not work."""
        return {each.plugin.distribution for each in self.plugins if each.problems}


def provided_by(entry: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """What a plugin of `genzoo plugins --json` provides, by kind."""
    return {kind: entry[kind] for kind in PROVIDED if entry[kind]}


def find_out(before: Snapshot, wanted: Wanted, zoo: Zoo) -> Outcome:
    """What an installation did, and whether genzoo still works.

    Imports the plugins that came, each in a process of its own.

    Raises:
        GenzooError: genzoo does not work any more, or lacks something that it requires.
    """
    after = take_snapshot()
    needs = list(map(Requirement, metadata.requires(GENZOO) or []))
    names = {canonicalize_name(n.name) for n in needs if not n.marker or n.marker.evaluate()}
    every = [Moved(n, before.version(n), after.version(n)) for n in sorted({GENZOO, *names})]
    moved = [each for each in every if each.old != each.new]
    if moved:
        _check_genzoo(moved)
    came = [d for n, d in after.distributions.items() if before.distributions.get(n) != d]
    requested = resolve(wanted, came, after.distributions)
    owners = {*requested, *(distribution.name for distribution in came)} - {GENZOO}
    checked = []
    for entry in after.plugins:
        if entry["distribution"] in owners:
            plugin = Plugin(entry["name"], entry["distribution"], entry["version"])
            problems = entry["errors"] or zoo.verify(plugin).problems
            checked.append(Checked(plugin, provided_by(entry), problems))
    conflicts = [line for line in after.conflicts if line not in before.conflicts]
    return Outcome(requested, came, checked, moved, conflicts, after.distributions)


def _check_genzoo(moved: Sequence[Moved]) -> None:
    """Have `genzoo doctor` look at what came in another version."""
    names = {each.name for each in moved}
    pins = shlex.join(f"{each.name}=={each.old}" for each in moved if each.old)
    back = f"go back with `pip install {pins}`" if pins else None
    for finding in ask_genzoo("doctor")["findings"]:
        if finding["state"] != "problem":
            continue
        text = finding["text"]
        if finding["topic"] == "requires" and text.split()[0] in names:
            raise GenzooError(f"genzoo does not have what it requires any more: {text}", back)
        if finding["topic"] == "torch" and names & {"torch", "numpy"}:
            raise GenzooError(f"torch does not work any more: {text}", back)


def report(outcome: Outcome, note: str) -> None:
    """Print the plugins that came, what each provides and what is wrong with it.

    Messages and warnings tell of the rest, and of the installer's `note`.
    """
    if note:
        message(note)
    for name, old, new in outcome.moved:
        if name == GENZOO or name not in outcome.requested:
            again = shlex.quote(f"{name}=={old}")
            back = f"; `pip install {again}` goes back" if old and new else ""
            warn(f"{name} was {old or 'not there'} and is {new or 'gone'} now{back}")
    for conflict in outcome.conflicts:
        warn(conflict)
    left_out = _left_out()
    for plugin, provides, problems in outcome.plugins:
        click.echo(printable(str(plugin)) + (" is broken" if problems else ""))
        lines = list(problems)
        if problems and plugin.removal:
            lines.append(f"remove it with `{plugin.removal}`")
        lines += [f"{kind:10}  {', '.join(names)}" for kind, names in provides.items()]
        for line in lines:
            click.echo(f"  {printable(line)}")
        if (plugin.name, plugin.distribution) in left_out:
            warn(f"{plugin} is left out by GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins")
    owners = {each.plugin.distribution for each in outcome.plugins}
    others = [f"{d.name} {d.version}" for d in outcome.came if d.name not in owners]
    if others:
        message("also installed: " + ", ".join(others))


def _left_out() -> set[tuple[str, str]]:
    """Name and distribution of the plugins that the user leaves out."""
    root = click.get_current_context().find_root()
    option = ["--no-plugins"] if root.params.get("no_plugins") else []
    if not option and not any(name in os.environ for name in SELECTING):
        return set()
    plugins = ask_genzoo(*option, "plugins")["plugins"]
    return {(p["name"], p["distribution"]) for p in plugins if p["status"] == "disabled"}
