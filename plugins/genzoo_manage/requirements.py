"""What a user wants installed, and which distributions that means."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from genzoo_core.errors import UsageError
from genzoo_core.reading import read_bytes
from genzoo_core.secrets import without_secrets
from genzoo_core.text import shortened

EXTRAS = re.compile(r"\[[^\[\]]*\]\Z")
FILE = re.compile(r"([A-Za-z0-9._-]+?)-\d[^/]*\.(?:whl|tar\.gz|zip)")
"""The file of a wheel or an sdist, with the name that it begins with."""

ADDRESS = re.compile(r"[\w+.-]+://\S+")

LARGEST = 2**20
"""Bytes of the largest direct_url.json that is read."""


class Distribution(NamedTuple):
    """A distribution that is installed.

    Attributes:
        name: Its normalised name.
        folder: Its `.dist-info`.
        stamp: When that was made: tells one installation from a later one of the same version.
    """

    name: str
    version: str
    folder: Path
    stamp: int

    @property
    def requested(self) -> bool:
        """Whether a user named it, and not only another distribution that needs it."""
        return (self.folder / "REQUESTED").is_file()

    @property
    def direct(self) -> dict[str, Any]:
        """The direct_url.json of what came from a path or URL; {} of an index."""
        try:
            found = json.loads(read_bytes(self.folder / "direct_url.json", LARGEST))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("url"), str) else {}


class Wanted(NamedTuple):
    """What is to be installed: requirements as pip reads them, and folders that stay in place.

    Attributes:
        upgrade: Take newer versions of what is there already.
        constraints: A file of versions to keep to, or None.
    """

    requirements: tuple[str, ...]
    editable: tuple[str, ...] = ()
    upgrade: bool = False
    constraints: str | None = None

    def __str__(self) -> str:
        return without_secrets(", ".join((*self.requirements, *self.editable)))


def check_wanted(wanted: Wanted) -> None:
    """Refuse what an installer would take for an option, and nothing at all."""
    if not (wanted.requirements or wanted.editable):
        raise UsageError("nothing to install was named", "give a requirement, a path or a URL")
    for requirement in (*wanted.requirements, *wanted.editable):
        if not requirement.strip() or requirement.startswith("-") or not requirement.isprintable():
            raise UsageError(
                f"{shortened(without_secrets(requirement), 100)!r} is no requirement",
                "give a name as in 'acme-zoo>=1.0', a path or a URL",
            )
        try:
            address = ADDRESS.search(requirement)
            sound = address is None or urlsplit(address[0]).port != 0
        except ValueError:  # what stands for the port is part of a password, or a bracket is open
            sound = False
        if not sound:
            raise UsageError(
                "the address of a requirement cannot be read",
                "write / as %2F, : as %3A and @ as %40 in a password",
            )


def resolve(
    wanted: Wanted, changed: Sequence[Distribution], installed: Collection[str]
) -> dict[str, str]:
    """The distributions that a user named, each with its requirement.

    Those that a path or URL stands for are looked for among the `changed`.
    """
    found: dict[str, str] = {}
    unclear = []
    for requirement in (*wanted.requirements, *wanted.editable):
        name = name_of(requirement)
        file = FILE.fullmatch(os.path.basename(urlsplit(EXTRAS.sub("", requirement)).path))
        if name is None and file:
            name = canonicalize_name(file[1])
        names = [name] if name and name in installed else []
        if name is None:
            names = [d.name for d in changed if d.direct and _is_source(requirement, d.direct)]
        unclear += [] if names else [requirement]
        for each in names:
            found.setdefault(each, requirement)
    # What came by a path or URL that its installer wrote in another way.
    rest = [d.name for d in changed if d.requested and d.direct and d.name not in found]
    if len(unclear) == len(rest) == 1:
        found[rest[0]] = unclear[0]
    return found


def name_of(requirement: str) -> str | None:
    """The name that a requirement begins with; None for a path or URL."""
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        return None


def extras_of(requirement: str) -> str:
    """The extras that a requirement asks for, "[train,eval]"; "" for none."""
    try:
        extras = sorted(Requirement(requirement).extras)
    except InvalidRequirement:
        found = EXTRAS.search(requirement)
        return found[0] if found else ""
    return f"[{','.join(extras)}]" if extras else ""


def path_of(url: str) -> Path | None:
    """The path that a file: URL means; None for another URL."""
    from urllib.request import url2pathname  # slow to import

    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _is_source(requirement: str, direct: Mapping[str, Any]) -> bool:
    """Whether what came from the URL that pip noted is what the requirement means."""
    url: str = direct["url"]
    here = path_of(url)
    if here is not None and "://" not in requirement:
        return os.path.realpath(EXTRAS.sub("", requirement)) == os.path.realpath(here)
    # An installer notes a URL without its credentials, its revision and what "git+" says.
    wanted, got = urlsplit(requirement.partition("+")[2] or requirement), urlsplit(url)
    return wanted.hostname == got.hostname and wanted.path.startswith(got.path)
