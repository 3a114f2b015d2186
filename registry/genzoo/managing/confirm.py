"""What the commands that install and remove take and ask."""

from __future__ import annotations

import sys

import click

from genzoo_core.errors import GenzooError

TRUST = "this runs code of whoever made it, now and when it is used, so install what you trust"

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
constraint_option = click.option(
    *("-c", "--constraint", "constraints"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Keep to the versions in FILE.",
)


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere, and with `--yes`, go on. A no is an error."""
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not click.confirm(question, default=True, err=True):
        raise GenzooError("nothing was changed")
