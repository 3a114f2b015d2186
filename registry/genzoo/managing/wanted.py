"""Which distributions a user's requirements mean."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from genzoo.managing.installers import Wanted
from genzoo.managing.snapshot import Distribution
from genzoo.text import quoted
from genzoo_core.errors import UsageError

EXTRAS = re.compile(r"^(?P<path>.*?)(?P<extras>\[[^\[\]]*\])?$", re.DOTALL)


def check_wanted(wanted: Wanted) -> None:
    """Refuse what an installer would take for an option.

    Raises:
        UsageError: There is nothing to install, or something that names no distribution.
    """
    if not (wanted.requirements or wanted.editable):
        raise UsageError("nothing to install was named", "give a requirement, a path or a URL")
    for requirement in (*wanted.requirements, *wanted.editable):
        if not requirement.strip() or requirement.startswith("-") or not requirement.isprintable():
            raise UsageError(
                f"{quoted(requirement)} is no requirement",
                "give a name as in 'acme-zoo>=1.0', a path or a URL",
            )


def meant(
    wanted: Wanted, changed: Sequence[Distribution], installed: dict[str, Distribution]
) -> dict[str, str]:
    """The distributions that were asked for, with the requirement that did.

    Args:
        wanted: What was asked for.
        changed: The distributions that came or were replaced.
        installed: All that are there now, by name.
    """
    found: dict[str, str] = {}
    unclear = []
    for requirement in (*wanted.requirements, *wanted.editable):
        names = [name for name in _names(requirement, changed) if name in installed]
        found.update((name, requirement) for name in names if name not in found)
        unclear += [] if names else [requirement]
    # What came by a path or URL that its installer wrote in another way.
    rest = [d.name for d in changed if d.requested and d.direct and d.name not in found]
    if len(unclear) == len(rest) == 1:
        found[rest[0]] = unclear[0]
    return found


def extras_of(requirement: str) -> str:
    """The extras that a requirement asks for, "[train,eval]"; "" for none."""
    try:
        extras = sorted(Requirement(requirement).extras)
    except InvalidRequirement:
        match = EXTRAS.match(requirement)
        return (match and match["extras"]) or ""
    return f"[{','.join(extras)}]" if extras else ""


def path_of(url: str) -> Path | None:
    """The path that a file: URL means; None for another URL."""
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _names(requirement: str, changed: Sequence[Distribution]) -> Iterator[str]:
    named = _name(requirement)
    if named is not None:
        yield named
        return
    for distribution in changed:
        if distribution.direct and _is_source(requirement, str(distribution.direct["url"])):
            yield distribution.name


def _name(requirement: str) -> str | None:
    """The distribution's name as far as the requirement itself says it."""
    try:
        return canonicalize_name(Requirement(requirement).name)
    except InvalidRequirement:
        pass
    file = os.path.basename(unquote(urlsplit(_bare(requirement)).path))
    try:
        if file.endswith(".whl"):
            return parse_wheel_filename(file)[0]
        if file.endswith((".tar.gz", ".zip")):
            return parse_sdist_filename(file)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        pass
    return None


def _is_source(requirement: str, url: str) -> bool:
    """Whether a distribution that came from `url` is what the requirement asked for."""
    here = path_of(url)
    if here is not None and "://" not in requirement:
        return os.path.realpath(_bare(requirement)) == os.path.realpath(here)
    # An installer notes a URL without its credentials, its revision and what "git+" says.
    asked, got = urlsplit(requirement.partition("+")[2] or requirement), urlsplit(url)
    return asked.hostname == got.hostname and asked.path.startswith(got.path)


def _bare(requirement: str) -> str:
    """A path or URL without extras."""
    match = EXTRAS.match(requirement)
    return match["path"] if match else requirement
