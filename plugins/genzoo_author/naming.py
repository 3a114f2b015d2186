"""Names for a new plugin, which follow from the one that its author chooses."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from genzoo_core.errors import UsageError
from genzoo_core.plugin import DISTRIBUTION

LONGEST = 36
"""Characters of the longest name: twice as many still fit into a line of code."""

_PREFIX = "genzoo-"


@dataclass(frozen=True)
class Names:
    """The names of a plugin.

    Attributes:
        distribution: For `pip install`, normalised as PEP 503 says ("genzoo-acme").
        package: For Python's `import` ("genzoo_acme").
        name: The name of its components and commands, and the beginning of its models' names:
            the distribution without a leading "genzoo-" ("acme").
    """

    distribution: str
    package: str
    name: str


def names_of(text: str) -> Names:
    """The names that follow from the one that a user types.

    Raises:
        UsageError: Not the name of a distribution, or nothing that Python can import.
    """
    quoted = f"{text[:80]!r}"
    if len(text) > LONGEST:
        raise UsageError(f"{quoted} has {len(text)} characters", f"use at most {LONGEST}")
    if not DISTRIBUTION.fullmatch(text):
        raise UsageError(
            f"{quoted} is no name for a distribution",
            "use letters, digits and hyphens, and begin and end with a letter or digit",
        )
    distribution = re.sub(r"[-_.]+", "-", text).lower()
    package = distribution.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        raise UsageError(
            f"{quoted} gives a package {package!r}, which Python cannot import",
            f"try 'genzoo-{distribution}'"
            if len(distribution) <= LONGEST - len(_PREFIX)
            else "begin with a letter",
        )
    return Names(distribution, package, distribution.removeprefix(_PREFIX))


def check_free(names: Names, taken: Iterable[str]) -> None:
    """Check that names are free: in genzoo (`taken`), in Python, and in this environment.

    Raises:
        UsageError: One of them is taken.
    """
    other = "choose another name"
    if names.name in set(taken):
        raise UsageError(f"{names.name!r} is a name that genzoo or one of its plugins has", other)
    if names.package in sys.stdlib_module_names:
        raise UsageError(f"{names.package!r} is a module of Python's own", other)
    with suppress(metadata.PackageNotFoundError):
        version = metadata.version(names.distribution)
        raise UsageError(f"{names.distribution} {version} is installed already", other)
    if find_spec(names.package) is not None:
        raise UsageError(f"there is a package {names.package!r} in this environment", other)
