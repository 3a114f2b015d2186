"""`genzoo install`."""

from __future__ import annotations

import shlex

import click

from genzoo_core.errors import PluginError
from genzoo_core.installer import find_installer
from genzoo_core.zoo import Zoo
from genzoo_manage.environment import take_snapshot
from genzoo_manage.installers import run_all, to_install
from genzoo_manage.ledger import entry_of, update_ledger
from genzoo_manage.outcome import GENZOO, find_out, report
from genzoo_manage.requirements import Wanted, check_wanted
from genzoo_manage.terminal import TRUST, confirm, constraint_option, message, yes_option

MOST = 20
"""Plugins that an error names."""


@click.command("install")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("-e", "--editable", multiple=True, metavar="FOLDER", help="A plugin you work on.")
@click.option("-U", "--upgrade", is_flag=True, help="Take a newer version of what is there.")
@constraint_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
@click.pass_obj
def install(
    zoo: Zoo,
    *,
    requirements: tuple[str, ...],
    editable: tuple[str, ...],
    upgrade: bool,
    constraints: str | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Install plugins, look whether they work, and remember them for `genzoo plugins restore`.

    A REQUIREMENT is what pip reads: a name with a version or without, a path or a URL. It is
    installed by pip, or by uv or pipx where the environment is theirs.

    \b
    genzoo install acme-zoo
    genzoo install 'acme-zoo[train]>=1.2' ./another-plugin
    genzoo install -e ./my-plugin
    """
    wanted = Wanted(requirements, editable, upgrade, constraints)
    check_wanted(wanted)
    installer = find_installer()
    commands = to_install(installer, wanted)
    if dry_run:
        for command in commands:
            click.echo(str(command))
        return
    message(f"{TRUST}: {wanted}")
    confirm("Install it?", yes)
    before = take_snapshot()
    run_all(commands, f"{installer.name} could not install {wanted}")
    message("looking whether it works …")
    outcome = find_out(before, wanted, zoo)
    came = {distribution.name for distribution in outcome.came}
    for name in outcome.requested:
        if name not in came:
            message(f"{name} {outcome.installed[name].version} was there already")
    report(outcome, installer.note)
    sound = {each.plugin.distribution for each in outcome.plugins} - outcome.broken
    entries = [
        entry_of(outcome.installed[name], requirement)
        for name, requirement in outcome.requested.items()
        if name in sound
    ]
    update_ledger(zoo, add=entries)
    broken = [each.plugin for each in outcome.plugins if each.problems]
    if broken:
        names = sorted({plugin.distribution for plugin in broken if plugin.removal})
        listed = ", ".join([*map(str, broken[:MOST]), *(["…"] if len(broken) > MOST else [])])
        raise PluginError(
            f"{listed} came and {'is' if len(broken) == 1 else 'are'} broken",
            f"remove it with `genzoo uninstall {' '.join(names)}`" if names else None,
        )
    idle = [name for name in outcome.requested if name not in sound and name != GENZOO]
    if idle or not (outcome.requested or sound):
        removal = f"; `pip uninstall {shlex.join(idle)}` removes it" if idle else ""
        raise PluginError(
            f"{', '.join(idle) or wanted} brought no plugin of genzoo",
            f"a plugin has an entry point in the group `genzoo`{removal}",
        )
