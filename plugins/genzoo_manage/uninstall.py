"""`genzoo uninstall`."""

from __future__ import annotations

import shlex

import click
from packaging.utils import canonicalize_name

from genzoo_core.errors import PluginError, UsageError, did_you_mean
from genzoo_core.installer import find_installer
from genzoo_core.plugin import DISTRIBUTION
from genzoo_core.secrets import without_secrets
from genzoo_core.text import shortened
from genzoo_core.zoo import Zoo
from genzoo_manage.environment import Snapshot, take_snapshot
from genzoo_manage.installers import run_all, to_uninstall
from genzoo_manage.ledger import update_ledger
from genzoo_manage.outcome import GENZOO
from genzoo_manage.terminal import confirm, message, yes_option


def _complete_distributions(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    owners = {plugin.distribution for plugin in ctx.obj.plugins() if plugin.removal}
    return sorted(name for name in owners if name.startswith(incomplete))


@click.command("uninstall")
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete_distributions
)
@yes_option
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
@click.pass_obj
def uninstall(zoo: Zoo, *, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
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
    removed = []
    for each in before.plugins:
        if each["distribution"] in doomed:
            removed.append(f"{each['name']} ({each['distribution']} {each['version']})")
            lost = ", ".join((*each["models"], *each["commands"]))
            message(f"removing {removed[-1]}" + (f", and with it {lost}" if lost else ""))
    confirm("Remove it?", yes)
    run_all(commands, f"{installer.name} could not remove {', '.join(doomed)}")
    left = take_snapshot().distributions
    update_ledger(zoo, remove=[name for name in doomed if name not in left])
    for name in doomed:
        if name in left:
            raise PluginError(
                f"{name} is still there, in {left[name].folder.parent}",
                "what put it there can remove it; GENZOO_DISABLE leaves it out meanwhile",
            )
    for plugin in removed:
        click.echo(f"removed {plugin}")


def _find(name: str, installed: Snapshot) -> str:
    """The distribution of plugins that is meant, which is not genzoo itself."""
    distribution = canonicalize_name(name)
    if distribution == GENZOO:
        raise UsageError("genzoo itself is no plugin", "`pip uninstall genzoo` removes it")
    owners = {each["distribution"] for each in installed.plugins if each["removal"]}
    if distribution in owners:
        return distribution
    for each in installed.plugins:
        if each["name"] == name:
            owner = "genzoo itself" if each["builtin"] else each["distribution"]
            otherwise = f"GENZOO_DISABLE={shlex.quote(name)} leaves it out"
            hint = f"`{each['removal']}`" if each["removal"] else otherwise
            raise UsageError(f"plugin {name} is part of {owner}", hint)
    if distribution in installed.distributions and DISTRIBUTION.fullmatch(distribution):
        hint = f"`pip uninstall {distribution}` removes it"
        raise UsageError(f"{distribution} is installed, but no plugin of genzoo is in it", hint)
    near = did_you_mean(distribution, sorted(owners)) or "`genzoo plugins` shows what is installed"
    meant = repr(shortened(without_secrets(name), 100))
    raise UsageError(f"no plugin's distribution is named {meant}", near)
