"""Mutations of bytes, drawn by hypothesis; those of the fuzzer are in `fuzzing.mutations`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

BYTE_KINDS = ("flip", "put", "remove", "insert", "repeat", "truncate", "extend")

BYTE_EDITS = st.lists(
    st.tuples(st.sampled_from(BYTE_KINDS), st.integers(0, 10**6), st.binary(max_size=8)),
    max_size=2,
)
"""Up to two changes of a text or of a file."""


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """The settings of a fuzz test: the same examples in each run.

    `GENZOO_FUZZ=100000` asks for as many, and for other ones each time.
    """
    more = int(os.environ.get("GENZOO_FUZZ", "0"))
    return settings(
        max_examples=more or examples,
        derandomize=not more,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def changed_bytes(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    """`data` after the changes."""
    for kind, where, value in edits:
        at = where % (len(data) + 1)
        end = at + 1 + where % 50
        match kind:
            case "flip" if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << where % 8)]) + data[at + 1 :]
            case "put":
                data = data[:at] + value + data[at + len(value) :]
            case "remove":
                data = data[:at] + data[end:]
            case "insert":
                data = data[:at] + value + data[at:]
            case "repeat":
                data = data[:end] + data[at:]
            case "truncate":
                data = data[:at]
            case "extend":
                data += value
    return data
