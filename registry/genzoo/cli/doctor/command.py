"""`genzoo doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial

import click

from genzoo.cli.doctor import Finding, packages, system
from genzoo.cli.table import wrapped
from genzoo.text import many, one_line
from genzoo_core.errors import GenzooError
from genzoo_core.secrets import without_secrets

Look = Callable[[], Iterable[Finding]]


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
    no_plugins = bool(ctx.find_root().params.get("no_plugins"))
    needed = packages.Packages()
    looks: dict[str, Look] = {
        "python": system.look_at_python,
        "environment": system.look_at_environment,
        "command": system.look_at_path,
        "completion": system.look_at_completion,
        "genzoo": partial(packages.look_at_packages, needed),
        "torch": packages.look_at_torch,
        "extra": partial(packages.look_at_extras, needed, no_plugins),
        "cache": system.look_at_cache,
        "config": system.look_at_ledger,
        "settings": system.look_at_settings,
        "models": system.look_at_models,
        "plugins": partial(packages.look_at_plugins, no_plugins, check),
        "variable": system.look_at_variables,
    }
    found: list[Finding] = []
    for topic, look in looks.items():
        for raw in _guarded(topic, look):
            text, advice = without_secrets(raw.text), without_secrets(raw.advice)
            finding = replace(raw, text=text, advice=advice)
            found.append(finding)
            if not as_json:
                then = f"; {advice}" if advice else ""
                for line in wrapped(text + then, f"{finding.state:7}  {finding.topic:11}  "):
                    click.echo(line)
    problems, notes = (sum(each.state == state for each in found) for state in ("problem", "note"))
    if as_json:
        report = {"problems": problems, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(report, indent=2))
    else:
        counts = [many(n, what) for n, what in ((problems, "problem"), (notes, "note")) if n]
        click.echo(f"\n{' and '.join(counts) or 'all is well'}", err=True)
    if problems:
        ctx.exit(1)


def _guarded(topic: str, look: Look) -> Iterator[Finding]:
    """What `look` finds; any failure of it is a problem.

    So that it can be one, a look itself imports what genzoo's other commands do without.
    """
    try:
        yield from look()
    except GenzooError as error:
        yield Finding(topic, error.message, "problem", error.hint or "")
    except (Exception, SystemExit) as error:
        yield Finding(topic, f"it cannot be looked at: {one_line(error)}", "problem")
