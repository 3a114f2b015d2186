"""`genzoo push`."""

from __future__ import annotations

import json
import shlex

import click

from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_hub.reference import MAIN, check_repo, check_revision


@click.command("push")
@click.argument("model", metavar="MODEL|FILE")
@click.argument("repo", metavar="OWNER/REPO")
@click.option("--private", is_flag=True, help="Make a new repository seen by its owner alone.")
@click.option("--revision", default=MAIN, show_default=True, metavar="BRANCH", help="Where to.")
@click.option("-m", "--message", default="", metavar="TEXT", help="What the commit says.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@click.pass_obj
def push(
    zoo: Zoo, model: str, repo: str, *, private: bool, revision: str, message: str, as_json: bool
) -> None:
    """Share a model on the Hub, with a model card made from its card.

    What is uploaded is the model file bit for bit, README.md and config.json, in one commit. Log
    in first with `hf auth login`, or set HF_TOKEN. A repository that is not there is made.

    \b
    genzoo push my-model.safetensors me/my-model
    genzoo run hf://me/my-model -n 16
    """
    check_repo(repo)
    check_revision(revision)
    from genzoo_hub.client import is_offline
    from genzoo_hub.failures import About, offline

    if is_offline():
        raise offline(About())
    from genzoo_hub.pushing import pack, share

    package = pack(zoo, model)
    for role, part in package.spec.parts.items():
        if part.inline is None:
            whole = f"genzoo export {shlex.quote(model)} --whole -o whole{package.path.suffix}"
            stays = printable(f"its part {role} stays in {part.model}")
            click.echo(f"{stays}; `{whole}` makes one file", err=True)
    if not package.card.license:
        click.echo("Warning: the model's card states no licence", err=True)
    shared, keeps_readme = share(package, repo, private=private, revision=revision, message=message)
    if keeps_readme:
        click.echo(f"{repo} has a README.md of its own, which was kept", err=True)
    click.echo(json.dumps(shared) if as_json else f"{shared['url']}\n{shared['reference']}")
