"""The ledger, written, so that `genzoo plugins restore` can install the same again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec
from filelock import FileLock, Timeout

from genzoo.cli.doctor.ledger import FORMAT, Entry, ledger_file, read_ledger
from genzoo.managing.snapshot import Distribution
from genzoo.managing.wanted import extras_of, path_of
from genzoo.plugins.guard import warn
from genzoo_core.atomic import write_atomically
from genzoo_core.errors import GenzooError
from genzoo_core.secrets import without_secrets

PATIENCE = 10.0
"""Seconds to wait for another genzoo that writes the ledger."""


def entry_of(distribution: Distribution, requirement: str) -> Entry:
    """What the ledger says of a distribution that `requirement` brought."""
    direct = distribution.direct or {}
    url = without_secrets(direct.get("url", ""), account="")
    kind: Literal["index", "folder", "archive", "repository"] = "index"
    revision = sha256 = ""
    if repository := direct.get("vcs_info"):
        kind, url = "repository", f"{repository['vcs']}+{url}"
        revision = repository["commit_id"]
    elif "archive_info" in direct:
        kind = "archive"
        sha256 = ((direct["archive_info"] or {}).get("hashes") or {}).get("sha256", "")
    elif direct:
        kind = "folder"
    return Entry(
        requirement=without_secrets(requirement, account=""),
        distribution=distribution.name,
        version=distribution.version,
        kind=kind,
        url=url,
        revision=revision,
        sha256=sha256,
        subdirectory=direct.get("subdirectory") or "",
        editable=kind == "folder" and bool((direct.get("dir_info") or {}).get("editable")),
        extras=extras_of(requirement),
    )


def exactly(entry: Entry) -> str:
    """The requirement that gives this version again."""
    named = f"{entry.distribution}{entry.extras}"
    if entry.kind == "index":
        return f"{named}=={entry.version}"
    if entry.kind == "folder":
        return f"{path_of(entry.url)}{entry.extras}"
    url = f"{entry.url}@{entry.revision}" if entry.kind == "repository" else entry.url
    digest = entry.sha256 if entry.kind == "archive" else ""
    parts = {"sha256": digest, "subdirectory": entry.subdirectory}
    fragment = "&".join(f"{name}={value}" for name, value in parts.items() if value)
    return f"{named} @ {url}#{fragment}".removesuffix("#")


def update_ledger(*, add: Collection[Entry] = (), remove: Collection[str] = ()) -> None:
    """Add entries to the ledger, in place of those of the same distributions, or remove some.

    That it cannot be written is a warning: the plugin is there, or gone, all the same.
    """
    replaced = {*remove, *(entry.distribution for entry in add)}
    file = ledger_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=PATIENCE):
            old = read_ledger()
            new = [*(entry for entry in old if entry.distribution not in replaced), *add]
            if new != old:
                content = msgspec.json.encode({"version": FORMAT, "installed": new})
                write_atomically(file, msgspec.json.format(content, indent=2) + b"\n")
    except (OSError, Timeout, GenzooError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        warn(f"`genzoo plugins restore` will not know of this: {file}: {why}")
