"""`genzoo search`."""

from __future__ import annotations

import json
from typing import Any

import click

from genzoo_core.errors import UsageError
from genzoo_core.table import write_table
from genzoo_hub.client import ask
from genzoo_hub.failures import About, no_hub
from genzoo_hub.readme import TAG
from genzoo_hub.reference import NAME_LENGTH, SCHEME, check_repo

MOST_TAGS = 20
"""Tags of a model that a search shows."""


@click.command("search")
@click.argument("text", required=False, default="")
@click.option(
    "-n",
    "limit",
    type=click.IntRange(1, 500),
    default=20,
    show_default=True,
    help="Repositories at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(text: str, *, limit: int, as_json: bool) -> None:
    """Look for models on the Hub: those tagged genzoo whose name holds TEXT.

    \b
    genzoo search mnist
    genzoo run hf://someone/vae-mnist -n 16
    """
    found = ask(lambda seconds: _request(text, limit, seconds), About())
    if not isinstance(found, list):
        raise no_hub("answers a search with something else")
    hits = [_hit(entry) for entry in found if isinstance(entry, dict)]
    models = [hit for hit in hits if hit is not None][:limit]
    if as_json:
        click.echo(json.dumps(models, indent=2))
        return
    if not models:
        click.echo("No model on the Hub matches.", err=True)
        return
    fields = ("reference", "license", "downloads", "updated")
    rows = [[*(str(hit[field]) for field in fields), ", ".join(hit["tags"])] for hit in models]
    header = ["reference", "licence", "downloads", "updated", "tags"]
    write_table(header, rows, drop=("updated", "downloads", "licence"))


def _request(text: str, limit: int, seconds: float) -> object:
    """One request, and no other: the client's own search asks a failing Hub for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    response = get_session().get(
        f"{constants.ENDPOINT}/api/models",
        params={"search": text, "filter": TAG, "limit": limit, "sort": "downloads", "full": "true"},
        headers=build_hf_headers(library_name=TAG),
        timeout=seconds,
    )
    hf_raise_for_status(response)
    found: object = response.json()
    return found


def _hit(entry: dict[str, object]) -> dict[str, Any] | None:
    """What the Hub says of a model; None where that cannot be used."""
    try:
        repo = check_repo(str(entry.get("id") or entry.get("modelId") or ""))
    except UsageError:
        return None
    found = entry.get("tags")
    tags = [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
    licenses = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    own = [tag[:NAME_LENGTH] for tag in tags if ":" not in tag and tag != TAG]
    return {
        "reference": f"{SCHEME}{repo}",
        "tags": own[:MOST_TAGS],
        "license": licenses[0][:NAME_LENGTH] if licenses else "",
        "downloads": _count(entry.get("downloads")),
        "likes": _count(entry.get("likes")),
        "updated": str(entry.get("lastModified") or "")[:10],
    }


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**12 else 0
