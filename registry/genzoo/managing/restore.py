"""`genzoo plugins restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from genzoo.managing.confirm import TRUST, confirm, constraint_option, yes_option
from genzoo.text import printable
from genzoo_core.errors import PluginError

if TYPE_CHECKING:
    from genzoo.cli.doctor.environment import Installer
    from genzoo.cli.doctor.ledger import Entry
    from genzoo.managing.snapshot import Snapshot


class Step(NamedTuple):
    """What becomes of an entry of the ledger.

    Attributes:
        exactly: The requirement to install; "" where there is nothing to do.
        problem: Why it cannot be installed; "" where it can.
    """

    entry: Entry
    exactly: str = ""
    problem: str = ""

    def __str__(self) -> str:
        text = f"install {self.exactly}" if self.exactly else "already there"
        if self.problem:
            text = f"cannot be restored: {self.problem}"
        return f"{self.entry.distribution} {self.entry.version}: {text}"


@click.command("restore")
@constraint_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would be installed, no more.")
def restore(*, constraints: str | None, yes: bool, dry_run: bool) -> None:
    """Install again what `genzoo install` installed, in the very versions.

    For a new environment. What is there in that version already is left alone; what cannot be
    installed any more is named, and the exit code is 1 then.
    """
    from genzoo.cli.doctor.environment import find_installer
    from genzoo.cli.doctor.ledger import ledger_file, read_ledger
    from genzoo.cli.reporting import message
    from genzoo.managing.outcome import find_out, report
    from genzoo.managing.snapshot import take_snapshot
    from genzoo.managing.wanted import Wanted

    entries = read_ledger()
    if not entries:
        click.echo(f"nothing to restore: {ledger_file()} holds no plugins", err=True)
        return
    before = take_snapshot()
    steps = [_plan(entry, before) for entry in entries]
    for step in steps:
        click.echo(printable(str(step)))
    if not dry_run and any(step.exactly for step in steps):
        installer = find_installer()
        message(TRUST)
        confirm("Install them?", yes)
        # One by one, so that one that fails does not keep the others away.
        steps = [_install(step, installer, constraints) for step in steps]
        # By name: each requirement was exact.
        outcome = find_out(before, Wanted(tuple(entry.distribution for entry in entries)))
        report(outcome, installer.note)
        for position, entry in enumerate(entries):
            if entry.distribution in outcome.broken:
                steps[position] = Step(entry, problem="it is broken")
    lost = [step.entry.distribution for step in steps if step.problem]
    if lost:
        raise PluginError(
            f"{len(lost)} of {len(steps)} cannot be restored: {', '.join(lost)}",
            "install another version of it with `genzoo install`",
        )


def _plan(entry: Entry, installed: Snapshot) -> Step:
    from genzoo.managing.ledger import exactly
    from genzoo.managing.wanted import path_of

    if installed.version(entry.distribution) == entry.version:
        return Step(entry)
    path = path_of(entry.url)
    if path is not None and not path.exists():
        return Step(entry, problem=f"it came from {path}, which is not there any more")
    return Step(entry, exactly(entry))


def _install(step: Step, installer: Installer, constraints: str | None) -> Step:
    """`step` as it went."""
    from genzoo.cli.reporting import message
    from genzoo.managing.commands import run_all, to_install
    from genzoo.managing.wanted import Wanted

    if not step.exactly:
        return step
    wanted = Wanted((step.exactly,), constraints=constraints)
    if step.entry.editable:
        wanted = wanted._replace(requirements=(), editable=wanted.requirements)
    try:
        run_all(to_install(installer, wanted), f"{installer.name} could not install it")
    except PluginError as error:
        message(f"{step.entry.distribution}: {error}")
        return step._replace(problem=str(error))
    return step
