"""`genzoo plugins restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genzoo.managing.confirm import TRUST, confirm, constraint_option, yes_option
from genzoo.text import printable
from genzoo_core.errors import GenzooError, PluginError

if TYPE_CHECKING:
    from genzoo.cli.doctor.environment import Installer
    from genzoo.cli.doctor.ledger import Entry


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
    from genzoo.managing.ledger import exactly
    from genzoo.managing.outcome import find_out, report
    from genzoo.managing.snapshot import take_snapshot
    from genzoo.managing.wanted import Wanted, path_of
    from genzoo_core.secrets import without_secrets

    entries = read_ledger()
    if not entries:
        click.echo(f"nothing to restore: {ledger_file()} holds no plugins", err=True)
        return
    before = take_snapshot()
    missing: list[Entry] = []
    lost: set[str] = set()
    for entry in entries:
        path = path_of(entry.url)
        if before.version(entry.distribution) == entry.version:
            plan = "already there"
        elif path is not None and not path.exists():
            plan = f"cannot be restored: it came from {path}, which is not there any more"
            lost.add(entry.distribution)
        else:
            plan = f"install {without_secrets(exactly(entry))}"
            missing.append(entry)
        click.echo(printable(f"{entry.distribution} {entry.version}: {plan}"))
    if missing and not dry_run:
        installer = find_installer()
        message(TRUST)
        confirm("Install them?", yes)
        lost |= _install(missing, installer, constraints)
        # By name: each requirement was exact.
        outcome = find_out(before, Wanted(tuple(entry.distribution for entry in entries)))
        report(outcome, installer.note)
        lost |= outcome.broken
    names = [entry.distribution for entry in entries if entry.distribution in lost]
    if names:
        raise PluginError(
            f"{len(names)} of {len(entries)} cannot be restored: {', '.join(names)}",
            "install another version of it with `genzoo install`",
        )


def _install(entries: list[Entry], installer: Installer, constraints: str | None) -> set[str]:
    """Install one by one, so that one that fails does not keep the others away.

    Returns the distributions that failed.
    """
    from genzoo.cli.reporting import message
    from genzoo.managing.commands import run_all, to_install
    from genzoo.managing.ledger import exactly
    from genzoo.managing.wanted import Wanted, check_wanted

    failed = set()
    for entry in entries:
        wanted = Wanted((exactly(entry),), constraints=constraints)
        if entry.editable:
            wanted = wanted._replace(requirements=(), editable=wanted.requirements)
        try:
            check_wanted(wanted)
            run_all(to_install(installer, wanted), f"{installer.name} could not install it")
        except GenzooError as error:
            message(f"{entry.distribution}: {error}")
            failed.add(entry.distribution)
    return failed
