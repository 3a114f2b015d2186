"""The `genzoo check` command."""

from __future__ import annotations

import json

import click

from genzoo_core.zoo import Zoo


@click.command()
@click.argument("subject", metavar="PACKAGE|FILE|FOLDER|MODEL")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(context: click.Context, *, subject: str, as_json: bool) -> None:
    """Check that a plugin, a model or a recipe keeps to genzoo's interfaces.

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
    from genzoo_author.checking import showing
    from genzoo_author.checking.examining import examine

    reports = []
    for report in examine(zoo, found):
        reports.append(report)
        if not as_json:
            for line in showing.lines(report):
                click.echo(line)
    if as_json:
        click.echo(json.dumps(showing.as_json(subject, reports), indent=2))
    else:
        counts = showing.counts(reports)
        click.echo(", ".join(f"{count} {status}" for status, count in counts.items()))
    if any(report.problems for report in reports):
        context.exit(1)
