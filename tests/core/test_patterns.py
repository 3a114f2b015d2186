"""What a pattern of a core struct accepts ends where the text does."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import msgspec
import pytest

import genzoo_core
from genzoo_core.manifest import CommandEntry, ComponentEntry

SAMPLES = ("a", "a-b", "a.b:c", "a/b", "train", "")


def structs() -> Iterator[type[msgspec.Struct]]:
    """Every struct of the core."""
    for module in pkgutil.walk_packages(genzoo_core.__path__, "genzoo_core."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, msgspec.Struct):
                yield value


def schemas() -> Iterator[dict[str, Any]]:
    """What may be in a file, of those that are read from files: these have types alone."""
    for struct in structs():
        with suppress(NameError, TypeError):
            yield msgspec.json.schema(struct)


def patterns(schema: Any) -> Iterator[str]:
    """Every pattern in a JSON schema."""
    match schema:
        case dict():
            if isinstance(schema.get("pattern"), str):
                yield schema["pattern"]
            for value in schema.values():
                yield from patterns(value)
        case list():
            for value in schema:
                yield from patterns(value)


def test_no_pattern_accepts_a_newline_at_the_end() -> None:
    found = set(patterns(list(schemas())))
    assert len(found) >= 6
    for pattern in found:
        accepted = [sample for sample in SAMPLES if re.search(pattern, sample)]
        assert accepted, f"no sample fits {pattern}"
        for sample in accepted:
            assert not re.search(pattern, f"{sample}\n"), pattern


@pytest.mark.parametrize(
    ("struct", "fields"),
    [
        (CommandEntry, {"name": "do\n", "help": "x", "target": "a:b"}),
        (CommandEntry, {"name": "do", "help": "x", "target": "a:b\n"}),
        (CommandEntry, {"name": "do", "help": "x", "target": "a:b", "extra": "train\n"}),
        (ComponentEntry, {"kind": "model", "name": "net\n", "target": "a:b"}),
    ],
)
def test_a_name_with_a_newline_is_refused(struct: type, fields: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError, match="matching regex"):
        msgspec.convert(fields, struct)
