"""`genzoo plugins restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo_core.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genzoo.managing.restoring import Step
    from genzoo.managing.snapshot import Snapshot


@click.command("restore")
@click.option(
    *("-c", "--constraint", "constraints"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Keep to the versions in FILE.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
@click.option("--dry-run", is_flag=True, help="Show what would be installed, no more.")
@click.pass_context
def restore(ctx: click.Context, *, constraints: str | None, yes: bool, dry_run: bool) -> None:
    """Install again what `genzoo install` installed, in the very versions.

    For a new environment. What is there in that version already is left alone; what cannot be
    installed any more is named, and the exit code is 1 then.
    """
    from genzoo.managing.ledger import ledger_file, read_ledger
    from genzoo.managing.restoring import plan_restore
    from genzoo.managing.snapshot import look

    entries = read_ledger()
    if not entries:
        click.echo(f"nothing to restore: {ledger_file()} holds no plugins", err=True)
        return
    before = look()
    steps = plan_restore(entries, before, constraints)
    for step in steps:
        click.echo(_line(step))
    if not dry_run and any(step.wanted for step in steps):
        steps = _install(ctx, steps, before, yes)
    lost = [step for step in steps if step.problem]
    if lost:
        names = ", ".join(step.entry.distribution for step in lost)
        raise PluginError(
            f"{len(lost)} of {len(steps)} cannot be restored: {names}",
            "install another version of it with `genzoo install`",
        )


def _line(step: Step) -> str:
    from genzoo.text import printable

    entry = step.entry
    text = f"{entry.distribution} {entry.version}: "
    if step.problem:
        return printable(f"{text}cannot be restored: {step.problem}")
    return printable(text + (f"install {entry.exactly}" if step.wanted else "already there"))


def _install(ctx: click.Context, steps: Sequence[Step], before: Snapshot, yes: bool) -> list[Step]:
    """Install one by one, so that one that fails does not keep the others away."""
    from genzoo.cli.managing import TRUST, confirm, run_all, show, tell_of_what_moved
    from genzoo.cli.reporting import message
    from genzoo.managing.aftermath import find_out
    from genzoo.managing.environment import Environment, find_installer
    from genzoo.managing.installers import Wanted

    installer = find_installer(Environment.current())
    message(TRUST)
    confirm("Install them?", yes)
    done: list[Step] = []
    for step in steps:
        if step.wanted is None:
            done.append(step)
            continue
        try:
            run_all(installer.install(step.wanted), f"{installer.name} could not install it")
            done.append(step)
        except PluginError as error:
            message(f"{step.entry.distribution}: {error}")
            done.append(step._replace(problem=str(error)))
    # By name: each requirement was exact.
    outcome = find_out(before, Wanted(tuple(step.entry.distribution for step in done)))
    if installer.note:
        message(installer.note)
    tell_of_what_moved(outcome)
    show(outcome, no_plugins=bool(ctx.find_root().params.get("no_plugins")))
    broken = {plugin.distribution for plugin, problems in outcome.plugins if problems}
    return [
        step._replace(problem="it is broken") if step.entry.distribution in broken else step
        for step in done
    ]
