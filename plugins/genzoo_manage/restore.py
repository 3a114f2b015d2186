"""`genzoo plugins restore`."""

from __future__ import annotations

import click

from genzoo_core.errors import GenzooError, PluginError
from genzoo_core.installer import Installer, find_installer
from genzoo_core.secrets import without_secrets
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_manage.environment import take_snapshot
from genzoo_manage.installers import run_all, to_install
from genzoo_manage.ledger import Entry, ledger_file, read_ledger
from genzoo_manage.outcome import find_out, report
from genzoo_manage.requirements import Wanted, check_wanted
from genzoo_manage.terminal import TRUST, confirm, constraint_option, message, yes_option


@click.command("restore")
@constraint_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would be installed, no more.")
@click.pass_obj
def restore(zoo: Zoo, *, constraints: str | None, yes: bool, dry_run: bool) -> None:
    """Install again what `genzoo install` installed, in the very versions.

    For a new environment. What is there in that version already is left alone; what cannot be
    installed any more is named, and the exit code is 1 then.
    """
    file = ledger_file(zoo)
    entries = [entry for _, entry in read_ledger(file) if entry]
    if not entries:
        message(f"nothing to restore: {file} holds no plugins")
        return
    before = take_snapshot()
    missing: list[Entry] = []
    lost: set[str] = set()
    for entry in entries:
        there = before.version(entry.name)
        if there is not None and entry.version in ("", there):
            plan = "already there"
        elif entry.path is not None and not entry.path.exists():
            plan = f"cannot be restored: it came from {entry.path}, which is not there any more"
            lost.add(entry.name)
        else:
            plan = f"install {without_secrets(entry.argument)}"
            missing.append(entry)
        click.echo(printable(f"{entry.name} {entry.version}".rstrip() + f": {plan}"))
    if missing and not dry_run:
        installer = find_installer()
        message(TRUST)
        confirm("Install them?", yes)
        lost |= _install(missing, installer, constraints)
        # By name: each requirement was exact.
        outcome = find_out(before, Wanted(tuple(entry.name for entry in entries)), zoo)
        report(outcome, installer.note)
        lost |= outcome.broken
    names = [entry.name for entry in entries if entry.name in lost]
    if names:
        raise PluginError(
            f"{len(names)} of {len(entries)} cannot be restored: {', '.join(names)}",
            "install another version of it with `genzoo install`",
        )


def _install(entries: list[Entry], installer: Installer, constraints: str | None) -> set[str]:
    """Install one by one, so that one that fails does not keep the others away.

    Returns the names of those that failed.
    """
    failed = set()
    for entry in entries:
        words = (entry.argument,)
        wanted = Wanted(() if entry.editable else words, words if entry.editable else ())
        try:
            check_wanted(wanted)
            commands = to_install(installer, wanted._replace(constraints=constraints))
            run_all(commands, f"{installer.name} could not install it")
        except GenzooError as error:
            message(f"{entry.name}: {error}")
            failed.add(entry.name)
    return failed
