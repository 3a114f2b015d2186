"""The ledger: what `genzoo install` installed, so that `genzoo plugins restore` can do it again.

One file for each user, not for each environment: a new environment is what it is there for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from filelock import FileLock, Timeout

from genzoo.files.folders import config_folder
from genzoo.managing.snapshot import Distribution
from genzoo.managing.wanted import extras_of, path_of
from genzoo.plugins.guard import warn
from genzoo_core.atomic import write_atomically
from genzoo_core.errors import ConfigError, GenzooError

FORMAT = 1
"""Version of the ledger's form. One of a later version is neither read nor written."""

FILE = "installed.json"
PATIENCE = 10.0
"""Seconds to wait for another genzoo that writes the ledger."""

Kind = Literal["index", "folder", "archive", "repository"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A distribution that was installed.

    Attributes:
        requirement: What the user asked for.
        distribution: Its normalised name.
        version: Its version.
        kind: Where it came from: a package index, a folder, a wheel or other archive, or a
            repository.
        url: Where that is, for all but an index.
        revision: Commit of a repository.
        sha256: Digest of an archive.
        subdirectory: Where in a repository or archive the project lies.
        editable: Whether a folder was installed to stay where it is.
        extras: Extras that were asked for, "[train]".
    """

    requirement: str
    distribution: str
    version: str
    kind: Kind
    url: str = ""
    revision: str = ""
    sha256: str = ""
    subdirectory: str = ""
    editable: bool = False
    extras: str = ""

    @property
    def path(self) -> Path | None:
        """The folder or archive on this machine, or None where it is elsewhere."""
        return path_of(self.url)

    @property
    def exactly(self) -> str:
        """The requirement that gives this version again."""
        named = f"{self.distribution}{self.extras}"
        if self.kind == "index":
            return f"{named}=={self.version}"
        if self.kind == "folder":
            return f"{self.path}{self.extras}"
        url, fragments = self.url, []
        if self.kind == "repository":
            url = f"{url}@{self.revision}"
        elif self.sha256:
            fragments.append(f"sha256={self.sha256}")
        if self.subdirectory:
            fragments.append(f"subdirectory={self.subdirectory}")
        return f"{named} @ {url}" + (f"#{'&'.join(fragments)}" if fragments else "")


def entry_of(distribution: Distribution, requirement: str) -> Entry:
    """What the ledger says of a distribution that `requirement` brought."""
    direct = distribution.direct
    entry = Entry(_open(requirement), distribution.name, distribution.version, "index")
    entry = msgspec.structs.replace(entry, extras=extras_of(requirement))
    if direct is None:
        return entry
    url, subdirectory = _open(direct["url"]), direct.get("subdirectory") or ""
    entry = msgspec.structs.replace(entry, url=url, subdirectory=subdirectory)
    if repository := direct.get("vcs_info"):
        url = f"{repository['vcs']}+{url}"
        revision = repository["commit_id"]
        return msgspec.structs.replace(entry, kind="repository", url=url, revision=revision)
    if "archive_info" in direct:
        sha256 = ((direct["archive_info"] or {}).get("hashes") or {}).get("sha256", "")
        return msgspec.structs.replace(entry, kind="archive", sha256=sha256)
    editable = bool((direct.get("dir_info") or {}).get("editable"))
    return msgspec.structs.replace(entry, kind="folder", editable=editable)


def _open(url: str) -> str:
    """A URL without a password or token in it: the ledger is no place for these."""
    url = re.sub(r"(https?://)[^/@]*@", r"\1", url)
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1@", url)


def ledger_file() -> Path:
    """Where the ledger is."""
    return Path(config_folder() or Path.home() / ".genzoo") / FILE


def read_ledger() -> tuple[Entry, ...]:
    """What was installed, in the order in which that was. Malformed entries are a warning.

    Raises:
        ConfigError: The file cannot be read at all, or a newer genzoo wrote it.
    """
    file = ledger_file()
    try:
        data = msgspec.json.decode(file.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(f"the ledger {file} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"the ledger {file} is damaged: {error}", _aside(file)) from error
    if not isinstance(data, dict) or not isinstance(data.get("installed"), list):
        raise ConfigError(f"the ledger {file} is damaged: no list `installed`", _aside(file))
    version = data.get("version")
    if version != FORMAT:
        raise ConfigError(
            f"the ledger {file} is of version {version!r}; this genzoo knows {FORMAT}",
            "upgrade genzoo with `pip install -U genzoo`",
        )
    return tuple(_sound(data["installed"], file))


def record(*entries: Entry) -> None:
    """Add entries to the ledger, in place of those of the same distributions."""
    names = {entry.distribution for entry in entries}
    _change(lambda kept: [*(e for e in kept if e.distribution not in names), *entries])


def forget(*distributions: str) -> None:
    """Remove distributions from the ledger."""
    _change(lambda kept: [entry for entry in kept if entry.distribution not in distributions])


def _sound(entries: list[Any], file: Path) -> Iterator[Entry]:
    for position, fields in enumerate(entries):
        try:
            yield msgspec.convert(fields, Entry)
        except msgspec.ValidationError as error:
            warn(f"the ledger {file}: entry {position} is left out: {error}")


def _change(change: Callable[[tuple[Entry, ...]], list[Entry]]) -> None:
    """Write the ledger anew. That it cannot be written is a warning: the plugin is there."""
    file = ledger_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=PATIENCE):
            old = read_ledger()
            new = change(old)
            if new != list(old):
                content = msgspec.json.encode({"version": FORMAT, "installed": new})
                write_atomically(file, msgspec.json.format(content, indent=2) + b"\n")
    except (OSError, Timeout, GenzooError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        warn(f"`genzoo plugins restore` will not know of this: {file}: {why}")


def _aside(file: Path) -> str:
    return f"repair it, or put it aside with `mv {file} {file}.old`"
