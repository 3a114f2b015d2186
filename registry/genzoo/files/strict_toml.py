"""TOML from strangers: parsed only where that takes time in proportion to it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from genzoo_core.reading import read_bytes

MAX_BYTES = 2**20
"""Size of the largest file that is read; genzoo's largest manifest has 24 kB."""

MAX_PARTS = 16
"""Parts of the longest dotted key. The parser's time grows with their number for each line below
a table, and a recipe's deepest key has five."""

# Possessive, and content with a string that never ends: it takes time in proportion to the text.
_STRINGS = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+|'
    r"'''(?:[^']|'(?!''))*+|"
    r'"(?:[^"\\\n]|\\.)*+"?|'
    r"'[^'\n]*+'?|#[^\n]*+",
    re.DOTALL,
)
_BETWEEN_DOTS = re.compile(r"[^.,=\n\[\]{}]++")


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        OSError: It cannot be read, is no regular file, or has more than `MAX_BYTES`.
        ValueError: It is no TOML in UTF-8, or a number or key in it is too long.
        RecursionError: It is nested too deep.
    """
    text = read_bytes(path, MAX_BYTES).decode("utf-8")
    if "." * MAX_PARTS in _BETWEEN_DOTS.sub("", _STRINGS.sub("", text)):
        raise ValueError(f"it has a key of more than {MAX_PARTS} parts")
    return tomllib.loads(text)
