"""`genzoo install`."""

from __future__ import annotations

import shlex

import click

from genzoo.cli.doctor.environment import find_installer
from genzoo.cli.reporting import message
from genzoo.managing.commands import run_all, to_install
from genzoo.managing.confirm import TRUST, confirm, constraint_option, yes_option
from genzoo.managing.ledger import entry_of, update_ledger
from genzoo.managing.outcome import OURS, find_out, report
from genzoo.managing.snapshot import take_snapshot
from genzoo.managing.wanted import Wanted, check_wanted
from genzoo.text import listed
from genzoo_core.errors import PluginError


@click.command("install")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("-e", "--editable", multiple=True, metavar="FOLDER", help="A plugin you work on.")
@click.option("-U", "--upgrade", is_flag=True, help="Take a newer version of what is there.")
@constraint_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
def install(
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
    outcome = find_out(before, wanted)
    came = {distribution.name for distribution in outcome.came}
    for name in outcome.requested:
        if name not in came:
            message(f"{name} {outcome.installed[name].version} was there already")
    report(outcome, installer.note)
    sound = {plugin.distribution for plugin, _ in outcome.plugins} - outcome.broken
    update_ledger(
        add=[
            entry_of(outcome.installed[name], requirement)
            for name, requirement in outcome.requested.items()
            if name in sound
        ]
    )
    broken = [plugin for plugin, problems in outcome.plugins if problems]
    if broken:
        names = sorted({plugin.distribution for plugin in broken if plugin.removal})
        raise PluginError(
            f"{listed([*map(str, broken)])} came and {'is' if len(broken) == 1 else 'are'} broken",
            f"remove it with `genzoo uninstall {' '.join(names)}`" if names else None,
        )
    idle = [name for name in outcome.requested if name not in sound and name != OURS]
    if idle or not (outcome.requested or sound):
        removal = f"; `pip uninstall {shlex.join(idle)}` removes it" if idle else ""
        raise PluginError(
            f"{', '.join(idle) or wanted} brought no plugin of genzoo",
            f"a plugin has an entry point in the group `genzoo`{removal}",
        )
