"""What a user wants installed, and which distributions that means."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from genzoo_core.errors import UsageError
from genzoo_core.secrets import without_secrets
from genzoo_core.text import shortened
from genzoo_manage.environment import Distribution

EXTRAS = re.compile(r"\[[^\[\]]*\]\Z")
ADDRESS = re.compile(r"[\w+.-]+://\S+")


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
        if (address := ADDRESS.search(requirement)) and not _is_well_formed(address[0]):
            raise UsageError(
                "the address of a requirement cannot be read",
                "write / as %2F, : as %3A and @ as %40 in a password",
            )


def _is_well_formed(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:  # what stands for the port is part of a password, or a bracket is open
        return False


def resolve(
    wanted: Wanted, changed: Sequence[Distribution], installed: Mapping[str, Distribution]
) -> dict[str, str]:
    """The distributions that a user named, each with its requirement.

    Those that a path or URL stands for are looked for among the `changed`.
    """
    found: dict[str, str] = {}
    unclear = []
    for requirement in (*wanted.requirements, *wanted.editable):
        if name := name_of(requirement) or _name_in_file(requirement):
            names = [name] if name in installed else []
        else:
            names = [d.name for d in changed if d.direct and _is_source(requirement, d.direct)]
        unclear += [] if names else [requirement]
        for name in names:
            found.setdefault(name, requirement)
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


def _name_in_file(requirement: str) -> str | None:
    """The name that the file of a wheel or an sdist begins with; None for what is none."""
    file = os.path.basename(unquote(urlsplit(EXTRAS.sub("", requirement)).path))
    try:
        if file.endswith(".whl"):
            return parse_wheel_filename(file)[0]
        return parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _is_source(requirement: str, direct: Mapping[str, Any]) -> bool:
    """Whether what came from the URL that pip noted is what the requirement asked for."""
    url: str = direct["url"]
    here = path_of(url)
    if here is not None and "://" not in requirement:
        return os.path.realpath(EXTRAS.sub("", requirement)) == os.path.realpath(here)
    # An installer notes a URL without its credentials, its revision and what "git+" says.
    asked, got = urlsplit(requirement.partition("+")[2] or requirement), urlsplit(url)
    return asked.hostname == got.hostname and asked.path.startswith(got.path)
