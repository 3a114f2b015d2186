"""`genzoo uninstall`."""

from __future__ import annotations

import shlex

import click

from genzoo.cli.context import catalogue_of
from genzoo.cli.doctor.environment import find_installer
from genzoo.cli.overview import provides
from genzoo.cli.reporting import message
from genzoo.managing.commands import run_all, to_uninstall
from genzoo.managing.confirm import confirm, yes_option
from genzoo.managing.ledger import update_ledger
from genzoo.managing.snapshot import Snapshot, take_snapshot
from genzoo.plugins.names import normalise
from genzoo.text import quoted
from genzoo_core.errors import PluginError, UsageError, did_you_mean
from genzoo_core.plugin import DISTRIBUTION
from genzoo_core.secrets import without_secrets


def _complete_distributions(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    owners = {plugin.distribution for plugin in catalogue_of(ctx).plugins if plugin.removal}
    return sorted(name for name in owners if name.startswith(incomplete))


@click.command("uninstall")
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete_distributions
)
@yes_option
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
def uninstall(*, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove plugins. NAME is the distribution that `genzoo plugins` shows beside each.

    What the plugins needed stays: other packages may need it too.
    """
    before = take_snapshot()
    doomed = list(dict.fromkeys(_find(name, before) for name in names))
    installer = find_installer()
    commands = to_uninstall(installer, doomed)
    if dry_run:
        for command in commands:
            click.echo(str(command))
        return
    plugins = [plugin for plugin in before.plugins if plugin.distribution in doomed]
    for plugin in plugins:
        provided = provides(plugin)
        lost = ", ".join((*provided["models"], *provided["commands"]))
        message(f"removing {plugin}" + (f", and with it {lost}" if lost else ""))
    confirm("Remove it?", yes)
    run_all(commands, f"{installer.name} could not remove {', '.join(doomed)}")
    left = take_snapshot().distributions
    update_ledger(remove=[name for name in doomed if name not in left])
    for name in doomed:
        if name in left:
            raise PluginError(
                f"{name} is still there, in {left[name].place}",
                "what put it there can remove it; GENZOO_DISABLE leaves it out meanwhile",
            )
    for plugin in plugins:
        click.echo(f"removed {plugin}")


def _find(name: str, installed: Snapshot) -> str:
    """The distribution of plugins that is meant, which is not genzoo itself."""
    distribution = normalise(name)
    if distribution == "genzoo":
        raise UsageError("genzoo itself is no plugin", "`pip uninstall genzoo` removes it")
    owners = {plugin.distribution for plugin in installed.plugins if plugin.removal}
    if distribution in owners:
        return distribution
    for plugin in installed.plugins:
        if plugin.name == name:
            owner = "genzoo itself" if plugin.builtin else plugin.distribution
            hint = (
                f"`{plugin.removal}`"
                if plugin.removal
                else f"GENZOO_DISABLE={shlex.quote(name)} leaves it out"
            )
            raise UsageError(f"plugin {name} is part of {owner}", hint)
    if distribution in installed.distributions and DISTRIBUTION.fullmatch(distribution):
        hint = f"`pip uninstall {distribution}` removes it"
        raise UsageError(f"{distribution} is installed, but no plugin of genzoo is in it", hint)
    near = did_you_mean(distribution, sorted(owners)) or "`genzoo plugins` shows what is installed"
    raise UsageError(f"no plugin's distribution is named {quoted(without_secrets(name))}", near)
