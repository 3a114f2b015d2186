"""Changes of plain data, of text and of bytes, drawn from a `random.Random`."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from random import Random
from typing import Any

HOSTILE: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63), 10**9),
    *(10**18, 10**40, 10**400, 0.5, -0.0, 5e-324, 1e-300, 1e-9, 1e9, 1e308, 1e999, -1e999),
    *(math.nan, "", " ", "a", "\0", "a\nb", "a\n", "\x1b[31mred\x1b[0m", "\u202eevil", "\ud800"),
    *("😀", "é", "e\u0301", "٣", "½", "-1", "1e5", "nan", "true", "[]", "{}", "%s", "{0}", "`x`"),
    *(".", "..", "/", "../../x", "/etc/passwd", "/dev/zero", "C:\\x", "~", "a/b/c", "*", "[a]"),
    *("file:///etc/passwd", "hf://a/b", "https://127.0.0.1:9/x", "zip://a::b", "x.safetensors"),
    *("trap_module:Trap", "trap_module.Trap", "trap_module", "os.system", "os:system", "-rf"),
    *("genzoo/gan", "genzoo/vae", "genzoo/diffusion", "genzoo/ddpm", "genzoo/edm", "genzoo/ddim"),
    *("genzoo/class-labels", "genzoo/text-embeddings", "genzoo/codec-mnist", "class-labels"),
    *("codec", "model", "noiser", "sampler", "parts.codec.x", "__metadata__", "__class__", "keys"),
    *("trust_remote_code", "training", "label", "image", "random", "inputs", "cpu", "cuda", "meta"),
    *("F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "x" * 300, "é" * 5000, "a\n" * 3000),
    *([], {}, [0], [-1], [0, 0], [1, 8, 8], [2**32, 2**32], [0, 2**63], [1] * 40, [[]], [None]),
    *({"a": {}}, {"": 0}, {"component": "genzoo/gan"}, {"config": {}}, {"type": "conv"}),
    *({"component": "genzoo/vae", "config": {}}, {"model": "codec-mnist"}, [math.inf], ["a", "a"]),
]
"""Values that readers have stumbled over, here or elsewhere."""

TOKENS = [
    *(b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"=", b"#", b"\\", b"\n", b"\r\n", b"\r"),
    *(b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\ud800", b"\\u0000", b'"""'),
    *(b"null", b"true", b"nan", b"inf", b"1e999", b"-0", b"9" * 5000, b"0x", b"1_0", b"1979-05-27"),
    *(b"[" * 500, b'{"a":' * 500, b"[[" * 20_000, b"a=" * 300, b" " * 3000, b"\t", b"\x1b[2J"),
]
"""Pieces that mean something to a parser of JSON, TOML, CSV or mail headers."""

EDGES = sorted({max(0, 2**bits + more) for bits in (0, 4, 7, 8, 15, 16, 24, 31, 32, 63, 64)
                for more in (-2, -1, 0, 1)})  # fmt: skip
"""Numbers at which a reader's counters, sizes and offsets end."""


def hostile(chance: Random) -> Any:
    """A value to put anywhere."""
    match chance.randrange(40):
        case 0:
            return chance.randint(-(2**70), 2**70)
        case 1:
            return chance.uniform(-10, 10)
        case 2:
            return "".join(chr(chance.choice((32, 160, 0xD7F0)) + i) for i in range(9))
        case 3:
            return chance.choice(["x" * 100_000, "x " * 50_000, [0] * 20_000, [[0] * 100] * 100])
        case 4:
            return {str(number): number for number in range(chance.choice([3, 3000]))}
    return copy.deepcopy(chance.choice(HOSTILE))


def changed(chance: Random, tree: Any) -> Any:
    """A copy of a tree of lists and mappings after one to three changes, seldom after none."""
    top = [copy.deepcopy(tree)]
    for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 2, 3))):
        places = list(_places(top))
        if not places:
            break
        box, key = chance.choice(places)
        _change(chance, box, key, places)
    return top[0] if top else None


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree, as its mapping or list and the key in it."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def _change(chance: Random, box: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    common = ("replace", "exchange", "nudge")
    match chance.choice((*common * 3, "remove", "rename", "add", "swap", "wrap", "deepen")):
        case "replace":
            box[key] = hostile(chance)
        case "exchange":  # by one of its type, which a reader's first look does not refuse
            its = type(box[key])
            number = its in (int, float)
            alike = [v for v in HOSTILE if type(v) is its or (number and type(v) in (int, float))]
            box[key] = copy.deepcopy(chance.choice(alike))
        case "nudge":
            box[key] = _nudged(chance, box[key])
        case "remove":
            del box[key]
        case "rename" if isinstance(box, dict):
            box[_key(chance)] = box.pop(key)
        case "add" if isinstance(box, dict):
            box[_key(chance)] = hostile(chance)
        case "add":
            box.insert(key, hostile(chance))
        case "swap":
            other, its = chance.choice(places)
            box[key] = copy.deepcopy(other[its])
        case "wrap":
            box[key] = chance.choice([[box[key]], {"a": box[key]}, [box[key]] * 3])
        case "deepen":
            for _ in range(chance.choice([5, 100])):
                box[key] = [box[key]]


def _key(chance: Random) -> str:
    value = hostile(chance)
    return value[:5000] if isinstance(value, str) else "added"


def _nudged(chance: Random, value: Any) -> Any:
    """A value near another: those that a reader may take, and stumble over later."""
    near = [hostile(chance)]
    match value:
        case bool():
            near = [not value]
        case int() if abs(value) < 2**70:
            near = [-value, value + 1, value - 1, 2 * value, value + 0.5, str(value)]
        case float():
            near = [-value, 2 * value, value / 1e6, int(value) if abs(value) < 1e9 else 0]
        case str():
            near = [f"{value}\n", f" {value}", value[:-1], value.upper(), value * 2, f"{value}\0"]
            near += [f"{value}/..", f"../{value}", f"/{value}", f"{value}\u0301"]
        case list():
            near = [value[:-1], value[::-1], value * 2]
        case dict():
            near = [dict(list(value.items())[::-1])]
    return chance.choice(near)


def changed_bytes(chance: Random, data: bytes) -> bytes:
    """`data` after one to three changes, most of them near its ends, where headers are."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        reach = min(len(data), chance.choice([16, 64, 600, len(data), len(data)]))
        at = chance.randrange(reach + 1)
        at = len(data) - at if chance.random() < 0.2 else at
        end = at + chance.choice([1, 2, 4, 8, 50])
        match chance.randrange(8):
            case 0 if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
            case 1 | 2:
                size = chance.choice([1, 1, 2, 4, 8])
                number = chance.choice([*EDGES, len(data)]) % 256**size
                raw = number.to_bytes(size, chance.choice(["little", "big"]))
                data = data[:at] + raw + data[at + size :]
            case 3:
                data = data[:at] + data[end:]
            case 4:
                data = data[:at] + chance.randbytes(chance.choice([1, 2, 8])) + data[at:]
            case 5:
                data = data[:end] + data[at:]
            case 6:
                data = data[:at]
            case 7:
                data += chance.choice([b"\0", b"\n", b"\0" * 4096, data[:100]])
    return data


def changed_text(chance: Random, text: bytes) -> bytes:
    """The bytes of a text after up to two changes of its tokens."""
    for _ in range(chance.choice((0, 0, 1, 2))):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(5):
            case 0 | 1:
                text = text[:at] + chance.choice(TOKENS) + text[at:]
            case 2:
                text = text[:at] + chance.choice(TOKENS) + text[at + 1 :]
            case 3:
                lines = text.split(b"\n")
                lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
                text = b"\n".join(lines)
            case 4:
                text = changed_bytes(chance, text)
    return text


def as_json(tree: Any) -> bytes:
    """A tree as JSON, NaN and infinity as Python writes them."""
    return json.dumps(tree).encode()


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
        case list() | tuple():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
        case bool() | None:
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return json.dumps(str(value), ensure_ascii=False)
