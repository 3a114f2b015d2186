"""TOML as a stranger may write it: parsed only where that takes time in proportion to it."""

from __future__ import annotations

import tomllib
from typing import Any

_DOTS = 100
"""Dots in a line from which on it may be one long key; a manifest's keys have two."""
_MOST = 10**6
"""Of such lines, the sum of the squares of their dots: what the parser's time grows with."""


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML document.

    Raises:
        ValueError: It is no TOML, holds a number that no int can be made of, or a key with
            thousands of parts, which would take the parser hours.
        RecursionError: It is nested too deep.
    """
    counts = (line.count(".") for line in text.splitlines())
    if sum(count * count for count in counts if count > _DOTS) > _MOST:
        raise ValueError("it has keys of thousands of parts")
    return tomllib.loads(text)
