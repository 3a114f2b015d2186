"""What an installation did, found by looking before and after."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from genzoo.cli.doctor.requirements import requirements
from genzoo.cli.doctor.torchcheck import try_torch
from genzoo.cli.overview import provides
from genzoo.cli.reporting import message
from genzoo.managing.snapshot import Checked, Distribution, Snapshot, check, take_snapshot
from genzoo.managing.wanted import Wanted, resolve
from genzoo.plugins.guard import removal_hint, warn
from genzoo.plugins.selection import admits
from genzoo.text import printable
from genzoo_core.errors import GenzooError

OURS = "genzoo"


class Moved(NamedTuple):
    """What genzoo needs and has in another version now; None where it was, or is, not there."""

    name: str
    old: str | None
    new: str | None


class Outcome(NamedTuple):
    """What an installation did.

    Attributes:
        requested: The distributions that were asked for, each with its requirement.
        came: Those that came or were replaced, whoever asked for them.
        plugins: The plugins of both, with what is wrong with each.
        moved: What genzoo needs and has in another version now.
        conflicts: Names that several plugins give since then.
        installed: All distributions that are there now.
    """

    requested: Mapping[str, str]
    came: Sequence[Distribution]
    plugins: Checked
    moved: Sequence[Moved]
    conflicts: Sequence[str]
    installed: Mapping[str, Distribution]

    @property
    def broken(self) -> set[str]:
        """The distributions with a plugin that does not work."""
        return {plugin.distribution for plugin, problems in self.plugins if problems}


def find_out(before: Snapshot, wanted: Wanted) -> Outcome:
    """What an installation did, and whether genzoo still works.

    Imports the plugins that came, each in a process of its own.

    Raises:
        GenzooError: genzoo does not work any more, or lacks something that it requires.
    """
    after = take_snapshot()
    needed = sorted({OURS, *(need.name for need in requirements())})
    every = [Moved(name, before.version(name), after.version(name)) for name in needed]
    moved = [each for each in every if each.old != each.new]
    pins = shlex.join(f"{name}=={old}" for name, old, _ in moved if old)
    back = f"go back with `pip install {pins}`" if pins else None
    lost = [problem for problem in after.unmet if problem not in before.unmet]
    if lost:
        raise GenzooError(f"genzoo does not have what it requires any more: {lost[0]}", back)
    if any(each.name in ("torch", "numpy") for each in moved):
        try:
            try_torch()
        except GenzooError as error:
            raise GenzooError(f"torch does not work any more: {error}", back) from error
    installed = after.distributions
    came = [d for name, d in installed.items() if before.distributions.get(name) != d]
    requested = resolve(wanted, came, installed)
    names = {*requested, *(distribution.name for distribution in came)} - {OURS}
    conflicts = [line for line in after.conflicts if line not in before.conflicts]
    return Outcome(requested, came, check(names), moved, conflicts, installed)


def report(outcome: Outcome, note: str) -> None:
    """Print the plugins that came, what each provides and what is wrong with it.

    Messages and warnings tell of the rest, and of the installer's `note`.
    """
    no_plugins = bool(click.get_current_context().find_root().params.get("no_plugins"))
    if note:
        message(note)
    for name, old, new in outcome.moved:
        if name == OURS or name not in outcome.requested:
            again = shlex.quote(f"{name}=={old}")
            back = f"; `pip install {again}` goes back" if old and new else ""
            warn(f"{name} was {old or 'not there'} and is {new or 'gone'} now{back}")
    for conflict in outcome.conflicts:
        warn(conflict)
    for plugin, problems in outcome.plugins:
        click.echo(printable(str(plugin)) + (" is broken" if problems else ""))
        removal = removal_hint(plugin)
        lines = [*problems, *([removal] if problems and removal else [])]
        provided = provides(plugin).items()
        lines += [f"{what:10}  {', '.join(names)}" for what, names in provided if names]
        for line in lines:
            click.echo(f"  {printable(line)}")
        if not admits(plugin, no_plugins=no_plugins):
            warn(f"{plugin} is left out by GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins")
    owners = {plugin.distribution for plugin, _ in outcome.plugins}
    others = [f"{d.name} {d.version}" for d in outcome.came if d.name not in owners]
    if others:
        message("also installed: " + ", ".join(others))
