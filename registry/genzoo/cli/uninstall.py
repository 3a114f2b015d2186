"""`genzoo uninstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.cli.context import catalogue_of
from genzoo.cli.managing import confirm, run_all
from genzoo.cli.reporting import message
from genzoo.text import quoted
from genzoo_core.errors import PluginError, UsageError, did_you_mean

if TYPE_CHECKING:
    from genzoo.managing.snapshot import Snapshot


def _complete_distributions(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    owners = {plugin.distribution for plugin in catalogue_of(ctx).plugins if not plugin.builtin}
    return sorted(name for name in owners if name.startswith(incomplete))


@click.command("uninstall")
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete_distributions
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
def uninstall(*, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove plugins. NAME is the distribution that `genzoo plugins` shows beside each.

    What the plugins needed stays: other packages may need it too.
    """
    from genzoo.managing import ledger
    from genzoo.managing.environment import Environment, find_installer
    from genzoo.managing.overview import provides
    from genzoo.managing.snapshot import look

    before = look()
    doomed = list(dict.fromkeys(_find(name, before) for name in names))
    installer = find_installer(Environment.current())
    commands = installer.uninstall(doomed)
    if dry_run:
        for command in commands:
            click.echo(str(command))
        return
    plugins = before.plugins_of(doomed)
    for plugin in plugins:
        provided = provides(plugin)
        lost = ", ".join((*provided["models"], *provided["commands"]))
        message(f"removing {plugin}" + (f", and with it {lost}" if lost else ""))
    confirm("Remove it?", yes)
    run_all(commands, f"{installer.name} could not remove {', '.join(doomed)}")
    after = look()
    ledger.forget(*(name for name in doomed if name not in after.distributions))
    for name in doomed:
        if name in after.distributions:
            place = after.distributions[name].place
            raise PluginError(
                f"{name} is still there, in {place}",
                "what put it there can remove it; GENZOO_DISABLE leaves it out meanwhile",
            )
    for plugin in plugins:
        click.echo(f"removed {plugin}")


def _find(name: str, installed: Snapshot) -> str:
    """The distribution of plugins that is meant.

    Raises:
        UsageError: There is none, or it is genzoo itself.
    """
    from genzoo.plugins.names import normalise

    asked = normalise(name)
    if asked == "genzoo":
        raise UsageError("genzoo itself is no plugin", "`pip uninstall genzoo` removes it")
    owners = {plugin.distribution for plugin in installed.plugins if not plugin.builtin}
    if asked in owners:
        return asked
    for plugin in installed.plugins:
        if plugin.name == name and not plugin.builtin:
            hint = f"`genzoo uninstall {plugin.distribution}`"
            raise UsageError(f"plugin {name} is part of {plugin.distribution}", hint)
        if plugin.name == name:
            hint = f"GENZOO_DISABLE={name} leaves it out"
            raise UsageError(f"plugin {name} is part of genzoo itself", hint)
    if asked in installed.distributions:
        hint = f"`pip uninstall {asked}` removes it"
        raise UsageError(f"{asked} is installed, but no plugin of genzoo is in it", hint)
    near = did_you_mean(asked, sorted(owners)) or "`genzoo plugins` shows what is installed"
    raise UsageError(f"no plugin's distribution is named {quoted(name)}", near)
