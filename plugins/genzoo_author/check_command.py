"""The `genzoo check` command."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from genzoo_core.table import wrapped
from genzoo_core.zoo import Zoo

if TYPE_CHECKING:
    from genzoo_core.testing import Report


@click.command()
@click.argument("subject", metavar="PACKAGE|FILE|FOLDER|MODEL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(context: click.Context, *, subject: str, as_json: bool) -> None:
    """Check that a plugin, a model or a recipe conforms to genzoo's interfaces.

    PACKAGE is an installed distribution or plugin, or the folder of its source. FILE is a model
    file (.safetensors), a recipe (.toml) or a plugin's manifest (genzoo.toml). FOLDER is a model in
    a format that a plugin reads. MODEL is a name that `genzoo list` shows.

    The plugin's code is run: its models are built, trained for a few steps, saved, loaded and
    sampled from. No dataset is read. The exit code is 1 where a check failed.

    \b
    genzoo check my-plugin
    genzoo check ./my-plugin
    genzoo check runs/mine/mine.safetensors
    """
    zoo: Zoo = context.obj
    from genzoo_author.checking.subjects import find_subject

    found = find_subject(zoo, subject)
    click.echo(f"checking runs the code of {subject}, and of what it is made of", err=True)
    from genzoo_author.checking.examining import examine

    reports = []
    for report in examine(zoo, found):
        reports.append(report)
        if not as_json:
            _print(report)
    statuses = Counter(finding.status for report in reports for finding in report.findings)
    counts = {status: statuses[status] for status in ("ok", "failed", "skipped")}
    if as_json:
        result = {"subject": subject, "ok": not counts["failed"], "counts": counts}
        click.echo(json.dumps(result | {"reports": [asdict(r) for r in reports]}, indent=2))
    else:
        click.echo(", ".join(f"{count} {status}" for status, count in counts.items()))
    if counts["failed"]:
        context.exit(1)


def _print(report: Report) -> None:
    """Print a line for each check, and one for each thing to mend."""
    click.echo(report.subject)
    for finding in report.findings:
        lines = wrapped(finding.check, f"  {finding.status:7}  ")
        for text in finding.lines:
            lines += wrapped(text, " " * 11)
        click.echo("\n".join(lines))
