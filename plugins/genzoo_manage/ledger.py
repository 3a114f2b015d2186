"""The ledger: a requirements file of what `genzoo install` installed, for `restore`.

One file for each user, not for each environment: a new environment is what it is there for.
Each line is what an installer reads, and names in a comment what it gave:

    acme-zoo[train]==1.2  # acme-zoo 1.2
    -e file:///home/me/my-zoo  # my-zoo 0.1
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import ConfigError, GenzooError
from genzoo_core.reading import read_bytes
from genzoo_core.secrets import without_secrets
from genzoo_core.text import printable
from genzoo_core.zoo import Zoo
from genzoo_manage.installers import warn
from genzoo_manage.requirements import EXTRAS, Distribution, extras_of, path_of

HEAD = "# What `genzoo install` installed. `genzoo plugins restore` installs it again."

LINE = re.compile(r"(-e )?(\S.*?)\s+# (\S+) (\S+)")

LARGEST = 2**25
"""Bytes of the ledger at most."""

PATIENCE = 10.0
"""Seconds to wait for another genzoo that writes the ledger."""


class Entry(NamedTuple):
    """A distribution that was installed.

    Attributes:
        requirement: What gives this version again; of an editable one the URL of its folder.
        name: Its normalised name.
        version: Its version; "" where a user wrote the line, and any will do.
        editable: Whether it was installed to stay where it is.
    """

    requirement: str
    name: str
    version: str
    editable: bool = False

    @property
    def path(self) -> Path | None:
        """The file or folder that it came from; None of an index or a server."""
        return path_of(EXTRAS.sub("", self.requirement).rpartition(" @ ")[2])

    @property
    def argument(self) -> str:
        """The requirement as an installer gets it."""
        if not self.editable or self.path is None:
            return self.requirement
        return f"{self.path}{extras_of(self.requirement)}"

    def __str__(self) -> str:
        line = f"{self.requirement}  # {self.name} {self.version}"
        return printable(f"-e {line}" if self.editable else line)


def entry_of(distribution: Distribution, requirement: str) -> Entry:
    """What the ledger says of a distribution that `requirement` brought."""
    name, version, direct = distribution.name, distribution.version, distribution.direct
    extras = extras_of(requirement)
    if not direct:
        return Entry(f"{name}{extras}=={version}", name, version)
    url = without_secrets(direct["url"], account="")
    if (direct.get("dir_info") or {}).get("editable"):
        return Entry(f"{url}{extras}", name, version, editable=True)
    if repository := direct.get("vcs_info"):
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    hashes = (direct.get("archive_info") or {}).get("hashes") or {}
    parts = {"sha256": hashes.get("sha256"), "subdirectory": direct.get("subdirectory")}
    fragment = "&".join(f"{part}={value}" for part, value in parts.items() if value)
    return Entry(f"{name}{extras} @ {url}#{fragment}".removesuffix("#"), name, version)


def ledger_file(zoo: Zoo) -> Path:
    """Where the ledger is."""
    return zoo.config() / "installed.txt"


def read_ledger(file: Path) -> list[tuple[str, Entry | None]]:
    """The lines of a ledger, each with its entry; None for a comment.

    A line that cannot be read has none either, and is a warning.

    Raises:
        ConfigError: The file cannot be read.
    """
    try:
        text = read_bytes(file, LARGEST).decode()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"not UTF-8: {error}"
        raise ConfigError(f"the ledger {file} cannot be read: {why}") from error
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = None
        try:
            entry = _read_line(line.strip())
        except InvalidRequirement as error:
            warn(f"the ledger {file}: line {number} is left out: {str(error).splitlines()[0]}")
        lines.append((line, entry))
    return lines


def _read_line(line: str) -> Entry | None:
    if not line or line.startswith("#"):
        return None
    if match := LINE.fullmatch(line):
        editable, requirement, name, version = match.groups()
        return Entry(requirement, name, version, bool(editable))
    written = Requirement(line)  # by a user
    exact = [each.version for each in written.specifier if each.operator == "=="]
    return Entry(line, canonicalize_name(written.name), exact[0] if len(exact) == 1 else "")


def update_ledger(zoo: Zoo, *, add: Collection[Entry] = (), remove: Collection[str] = ()) -> None:
    """Add entries to the ledger, in place of those of the same distributions, or remove some.

    That it cannot be written is a warning: the plugin is there, or gone, all the same.
    """
    replaced = {*remove, *(entry.name for entry in add)}
    file = ledger_file(zoo)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=PATIENCE):
            old = read_ledger(file)
            others = [line for line, entry in old if not entry or entry.name not in replaced]
            if add or len(others) < len(old):
                lines = [*(others or [HEAD]), *map(str, add)]
                write_atomically(file, "".join(f"{line}\n" for line in lines).encode())
    except (OSError, Timeout, GenzooError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        warn(f"`genzoo plugins restore` will not know of this: {file}: {why}")
