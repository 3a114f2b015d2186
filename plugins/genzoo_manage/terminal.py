"""What the commands print on stderr, and the question they ask before they change anything."""

from __future__ import annotations

import sys

import click

from genzoo_core.errors import GenzooError
from genzoo_core.text import printable

TRUST = "this runs code of whoever made it, now and when it is used, so install what you trust"

yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask; asked only at a terminal.")
constraint_option = click.option(
    *("-c", "--constraint", "constraints"),
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Keep to the versions in FILE.",
)


def message(text: str) -> None:
    """One line on stderr. What a plugin says in it cannot steer the terminal."""
    click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """One line on stderr, of something that does not stop the work."""
    message(f"Warning: {text}")


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere, and with `--yes`, go on.

    Raises:
        GenzooError: The answer is no.
    """
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    if not click.confirm(question, default=True, err=True):
        raise GenzooError("nothing was changed")
