"""JSON from strangers: parsed only where it means one thing."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
"""Deepest nesting that is accepted; a model's description needs less than ten levels."""

MAX_DIGITS = 100
"""Most digits of an integer; sizes and offsets have at most twenty."""

# Possessive, and content with a string that never ends: it takes time in proportion to the text.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_json(text: str, *, infinite: bool = False) -> Any:
    """Parse JSON without duplicate keys, NaN, infinity, half characters or deep nesting.

    With `infinite` there may be Infinity and -Infinity, which Python writes.

    Raises:
        ValueError: What is wrong, in a few words.
    """
    _check_depth(text)

    def constant(name: str) -> float:
        if infinite and name != "NaN":
            return float(name)
        raise ValueError(f"holds {name}")

    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.pos}") from None
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("holds half a character, a surrogate on its own") from None
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > MAX_DEPTH:
            raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"has the key {key[:80]!r} twice")
        values[key] = value
    return values


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"holds a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"holds the number {digits[:20]}, which is too large")
    return number
