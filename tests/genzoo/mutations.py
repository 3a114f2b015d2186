"""Mutations of plain data and of bytes: what the fuzz tests feed to those that read them."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

HOSTILE: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63), 10**9),
    *(10**18, 10**40, 0.5, -0.0, 1e-300, 1e308, math.nan, math.inf, -math.inf),
    *("", " ", "a", "\0", "a\nb", "\x1b[31mred\x1b[0m", "\u202eevil", "\ud800", "😀", "é", "٣"),
    *("../../x", "/etc/passwd", "C:\\x", "~", "a/b/c", "file:///etc/passwd", "trap_module:Trap"),
    *("trap_module.Trap", "trap_module", "os.system", "os:system", "genzoo/gan", "genzoo/vae"),
    *("genzoo/diffusion", "genzoo/ddpm", "class-labels", "codec", "model", "parts.codec.x"),
    *("genzoo/codec-mnist", "codec-mnist", "__metadata__", "__class__", "trust_remote_code"),
    *("F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "keys", "training", "label", "x" * 5000),
    *([], {}, [0], [-1], [0, 0], [2**32, 2**32], [0, 2**63], [1] * 40, [[]], {"a": {}}, {"": 0}),
    *({"component": "genzoo/gan"}, {"config": {}}, {"model": "codec-mnist"}, [1e999]),
]
"""Values that readers have stumbled over, here or elsewhere."""

_ANYTHING = st.one_of(
    st.sampled_from(HOSTILE),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=12),
)

DATA_KINDS = ("replace", "remove", "rename", "add", "swap", "wrap", "deepen")
BYTE_KINDS = ("flip", "put", "remove", "insert", "repeat", "truncate", "extend")

DATA_EDITS = st.lists(
    st.tuples(st.sampled_from(DATA_KINDS), st.integers(0, 10**6), _ANYTHING), max_size=3
)
"""Up to three changes of a tree of lists and mappings."""

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


def changed(tree: Any, edits: list[tuple[str, int, Any]]) -> Any:
    """A copy of `tree` after the changes."""
    top = [copy.deepcopy(tree)]
    for kind, where, value in edits:
        places = list(_places(top))
        if not places:
            break
        box, key = places[where % len(places)]
        _change(kind, box, key, copy.deepcopy(value), places[(where // 7) % len(places)])
    return top[0] if top else None


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as its mapping or list and the key in it."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _change(kind: str, box: Any, key: Any, value: Any, other: tuple[Any, Any]) -> None:
    match kind:
        case "replace":
            box[key] = value
        case "remove":
            del box[key]
        case "rename" if isinstance(box, dict):
            box[value if isinstance(value, str) else "renamed"] = box.pop(key)
        case "add" if isinstance(box, dict):
            box[value if isinstance(value, str) else "added"] = value
        case "add":
            box.append(value)
        case "swap":
            box[key] = copy.deepcopy(other[0][other[1]])
        case "wrap":
            box[key] = [box[key]]
        case "deepen":
            for _ in range(100):
                box[key] = [box[key]]


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


def as_toml(tree: Any) -> str:
    """A mapping as a TOML document; anything else as a document that is none."""
    if not isinstance(tree, dict):
        return _toml_value(tree)
    return "\n".join(f"{json.dumps(str(key))} = {_toml_value(v)}" for key, v in tree.items())


def _toml_value(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{json.dumps(str(key))} = {_toml_value(v)}" for key, v in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
        case bool() | None:
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return json.dumps(str(value))
