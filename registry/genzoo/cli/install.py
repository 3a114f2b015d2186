"""`genzoo install`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.cli.managing import TRUST, confirm, run_all, show, tell_of_what_moved
from genzoo.cli.reporting import message
from genzoo_core.errors import PluginError

if TYPE_CHECKING:
    from genzoo.managing.aftermath import Outcome
    from genzoo.managing.installers import Wanted


@click.command("install")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("-e", "--editable", multiple=True, metavar="FOLDER", help="A plugin you work on.")
@click.option("-U", "--upgrade", is_flag=True, help="Take a newer version of what is there.")
@click.option(
    *("-c", "--constraint", "constraints"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Keep to the versions in FILE.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
@click.option("--dry-run", is_flag=True, help="Print the command that would be run, no more.")
@click.pass_context
def install(
    ctx: click.Context,
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
    from genzoo.managing.environment import Environment, find_installer
    from genzoo.managing.installers import Wanted
    from genzoo.managing.wanted import check_wanted

    wanted = Wanted(requirements, editable, upgrade, constraints)
    check_wanted(wanted)
    installer = find_installer(Environment.current())
    commands = installer.install(wanted)
    if dry_run:
        for command in commands:
            click.echo(str(command))
        return
    message(f"{TRUST}: {wanted}")
    confirm("Install it?", yes)
    from genzoo.managing.aftermath import find_out
    from genzoo.managing.snapshot import look

    before = look()
    run_all(commands, f"{installer.name} could not install {wanted}")
    message("looking whether it works …")
    outcome = find_out(before, wanted)
    if installer.note:
        message(installer.note)
    _report(ctx, wanted, outcome)


def _report(ctx: click.Context, wanted: Wanted, outcome: Outcome) -> None:
    from genzoo.managing import ledger
    from genzoo.managing.aftermath import OURS

    tell_of_what_moved(outcome)
    came = {distribution.name for distribution in outcome.came}
    for name in outcome.asked:
        if name not in came:
            version = outcome.after.distributions[name].version
            message(f"{name} {version} was there already")
    show(outcome, no_plugins=bool(ctx.find_root().params.get("no_plugins")))
    broken = [plugin for plugin, problems in outcome.plugins if problems]
    faulty = {plugin.distribution for plugin in broken}
    sound = {plugin.distribution for plugin in outcome.sound} - faulty
    ledger.record(
        *(
            ledger.entry_of(outcome.after.distributions[name], requirement)
            for name, requirement in outcome.asked.items()
            if name in sound
        )
    )
    if broken:
        names = ", ".join(map(str, broken))
        raise PluginError(
            f"{names} came and {'is' if len(broken) == 1 else 'are'} broken",
            f"remove it with `genzoo uninstall {' '.join(sorted(faulty))}`",
        )
    idle = [name for name in outcome.asked if name not in sound and name != OURS]
    if idle or not (outcome.asked or sound):
        removal = f"; `pip uninstall {' '.join(idle)}` removes it" if idle else ""
        raise PluginError(
            f"{', '.join(idle) or wanted} brought no plugin of genzoo",
            f"a plugin has an entry point in the group `genzoo`{removal}",
        )
