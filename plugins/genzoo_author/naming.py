"""Names for a new plugin: what it may be called, and what follows from that."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from genzoo_core.errors import UsageError

LONGEST = 36
"""Characters of a name that still fits into a line of code twice."""

_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PREFIX = "genzoo-"


@dataclass(frozen=True)
class Names:
    """What a plugin is called, in each place that it has a name.

    Attributes:
        distribution: What `pip install` takes, normalised as PEP 503 says ("genzoo-acme").
        package: What Python imports ("genzoo_acme").
        name: What its components and commands are called, and what the names of its models
            begin with: the distribution without a leading "genzoo-" ("acme").
    """

    distribution: str
    package: str
    name: str


def names_of(text: str) -> Names:
    """The names that follow from what a user calls a plugin.

    Raises:
        UsageError: Not the name of a distribution, or nothing that Python can import.
    """
    shown = f"{text[:80]!r}"
    if not _DISTRIBUTION.fullmatch(text):
        raise UsageError(
            f"{shown} is no name for a distribution",
            "use letters, digits and hyphens, and begin and end with a letter or digit",
        )
    if len(text) > LONGEST:
        raise UsageError(f"{shown} has {len(text)} characters", f"use at most {LONGEST}")
    distribution = re.sub(r"[-_.]+", "-", text).lower()
    package = distribution.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        raise UsageError(
            f"{shown} gives a package {package!r}, which Python cannot import",
            f"try 'genzoo-{distribution}'"
            if len(distribution) <= LONGEST - len(_PREFIX)
            else "begin with a letter",
        )
    return Names(distribution, package, distribution.removeprefix(_PREFIX))


def check_free(names: Names, taken: Iterable[str]) -> None:
    """Check that nobody has these names yet.

    Args:
        names: Those of the new plugin.
        taken: Names of models, components, commands and plugins.

    Raises:
        UsageError: Somebody has one of them.
    """
    other = "choose another name"
    if names.name in set(taken):
        raise UsageError(f"{names.name!r} is a name that genzoo or one of its plugins has", other)
    if names.package in sys.stdlib_module_names:
        raise UsageError(f"{names.package!r} is a module of Python's own", other)
    try:
        version = metadata.version(names.distribution)
    except metadata.PackageNotFoundError:
        version = ""
    if version:
        raise UsageError(f"{names.distribution} {version} is installed already", other)
    if find_spec(names.package) is not None:
        raise UsageError(f"there is a package {names.package!r} in this environment", other)
