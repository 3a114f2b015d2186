"""`genzoo doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from genzoo.text import printable

if TYPE_CHECKING:
    from genzoo.managing.doctor.findings import Finding, Look


@click.command("doctor")
@click.option("--check", is_flag=True, help="Import the plugins too, and all that they name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(ctx: click.Context, *, check: bool, as_json: bool) -> None:
    """Look whether genzoo works here, and say what to do where it does not.

    Python, torch and what else genzoo needs, the plugins, the cache and the variables in force.
    No plugin's code runs without --check. The exit code is 1 where there is a problem; a note may
    be meant to be so.
    """
    from dataclasses import asdict

    from genzoo.managing.doctor.findings import guarded

    found: list[Finding] = []
    no_plugins = bool(ctx.find_root().params.get("no_plugins"))
    for topic, look in _looks(no_plugins, check):
        for finding in guarded(topic, look):
            found.append(finding)
            if not as_json:
                _print(finding)
    problems = sum(finding.state == "problem" for finding in found)
    if as_json:
        shown = {"problems": problems, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        click.echo("", err=True)
        click.echo(_sum(problems, found), err=True)
    if problems:
        ctx.exit(1)


def _looks(no_plugins: bool, check: bool) -> Iterator[tuple[str, Look]]:
    """What is looked at, in order."""
    from genzoo.managing.doctor import folders, installed, interpreter, packages, variables

    yield "python", interpreter.look_at_python
    yield "environment", interpreter.look_at_environment
    yield "command", interpreter.look_at_path
    yield "completion", interpreter.look_at_completion
    yield "genzoo", packages.look_at_packages
    yield "torch", packages.look_at_torch
    yield "extra", partial(packages.look_at_extras, no_plugins)
    yield "cache", folders.look_at_cache
    yield "config", folders.look_at_ledger
    look = partial(installed.look_at_plugins, no_plugins=no_plugins, check=check)
    yield "plugins", look
    yield "variable", variables.look_at_variables


def _print(finding: Finding) -> None:
    advice = f"; {finding.advice}" if finding.advice else ""
    click.echo(printable(f"{finding.state:7}  {finding.topic:11}  {finding.text}{advice}"))


def _sum(problems: int, found: list[Finding]) -> str:
    notes = sum(finding.state == "note" for finding in found)
    counts = [
        f"{count} {what if count == 1 else what + 's'}"
        for count, what in ((problems, "problem"), (notes, "note"))
        if count
    ]
    return " and ".join(counts) or "all is well"
