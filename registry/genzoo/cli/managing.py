"""What the commands that install and remove have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from genzoo.cli.reporting import message
from genzoo.managing.overview import provides
from genzoo.plugins.guard import warn
from genzoo.plugins.selection import admits
from genzoo.text import printable
from genzoo_core.errors import GenzooError, PluginError

if TYPE_CHECKING:
    from genzoo.managing.aftermath import Outcome
    from genzoo.managing.shown import Command
    from genzoo_core.plugin import Plugin

TRUST = "this runs code of whoever made it, now and when it is used, so install what you trust"


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere, and with `--yes`, go on.

    Raises:
        GenzooError: The answer is no.
    """
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not click.confirm(question, default=True, err=True):
        raise GenzooError("nothing was changed")


def run_all(commands: Sequence[Command], failure: str) -> None:
    """Run commands one after the other; what they print goes to stderr.

    Raises:
        PluginError: One fails: `failure`, and how it ended.
    """
    from genzoo.managing.shown import run_shown

    for command in commands:
        message(f"$ {command}")
        try:
            code = run_shown(command)
        except OSError as error:
            raise PluginError(f"{failure}: {command.words[0]}: {error.strerror}") from error
        if code:
            raise PluginError(f"{failure}: it ended with code {code}", "see what it says above")


def tell_of_what_moved(outcome: Outcome) -> None:
    """Warn of new versions of what genzoo itself needs, and of names that were taken."""
    from genzoo.managing.aftermath import OURS

    for name, old, new in outcome.moved:
        if name == OURS or name not in outcome.asked:
            back = f"; `pip install {name}=={old}` goes back" if old and new else ""
            warn(f"{name} was {old or 'not there'} and is {new or 'gone'} now{back}")
    for conflict in outcome.conflicts:
        warn(conflict)


def show(outcome: Outcome, *, no_plugins: bool) -> None:
    """Print the plugins that came, what each provides, and what is wrong with it."""
    for plugin, problems in outcome.plugins:
        click.echo(printable(str(plugin)) + (" is broken" if problems else ""))
        for line in [*_problems(plugin, problems), *_provides(plugin)]:
            click.echo(f"  {printable(line)}")
        _mention_hidden(plugin, no_plugins)
    others = [d for d in outcome.came if d.name not in {p.distribution for p, _ in outcome.plugins}]
    if others:
        message("also installed: " + ", ".join(f"{d.name} {d.version}" for d in others))


def _problems(plugin: Plugin, problems: Sequence[str]) -> Iterator[str]:
    yield from problems
    if problems:
        yield f"remove it with `genzoo uninstall {plugin.distribution}`"


def _provides(plugin: Plugin) -> Iterator[str]:
    for what, names in provides(plugin).items():
        if names:
            yield f"{what:10}  {', '.join(names)}"


def _mention_hidden(plugin: Plugin, no_plugins: bool) -> None:
    """Warn of a plugin that the user's own variables leave out."""
    if not admits(plugin, no_plugins=no_plugins):
        warn(f"{plugin} is left out by GENZOO_PLUGINS, GENZOO_DISABLE or --no-plugins")
