"""Configs and options: typed, frozen, and refusing what they do not know."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from genzoo_core.testing.report import problem, unexpected

STRANGER = "no_such_field"


def strict_struct(owner: type, attribute: str) -> Iterator[str]:
    """What is wrong with a class's `Config` or `Options`, and with the structs inside it."""
    name = f"{owner.__name__}.{attribute}"
    struct = getattr(owner, attribute, None)
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        mend = f"set `{attribute}` to a class that derives from genzoo_core.Config"
        yield problem(f"{name} to be a msgspec.Struct", repr(struct), mend)
        return
    for inner in dict.fromkeys(_structs(struct)):
        config = inner.__struct_config__
        if not config.frozen:
            yield problem(f"{_path(name, struct, inner)} frozen", "one that can be changed", FROZEN)
        if not config.forbid_unknown_fields:
            found = "one that ignores them"
            yield problem(f"{_path(name, struct, inner)} to refuse unknown fields", found, STRICT)


FROZEN = "derive it from genzoo_core.Config, or declare it with frozen=True"
STRICT = "derive it from genzoo_core.Config, or declare it with forbid_unknown_fields=True"


def strict_options(options: type[msgspec.Struct]) -> Iterator[str]:
    """What is wrong with the options that a user sets by name."""
    for field in msgspec.structs.fields(options):
        info = inspect.type_info(field.type)
        if isinstance(info, inspect.AnyType):
            mend = "give the field a type, so that a wrong value is an error"
            yield problem(f"option {field.name} to refuse wrong types", "one that takes any", mend)
    if any(field.required for field in msgspec.structs.fields(options)):
        return
    try:
        msgspec.convert(msgspec.to_builtins(options()), options)
    except Exception as error:
        mend = "give defaults that the fields' own types and limits allow"
        yield problem("the default options to be valid", unexpected(error), mend)


def _structs(struct: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """A struct and all that its fields can hold, each once."""
    seen: set[type[msgspec.Struct]] = set()
    todo: list[inspect.Type] = [inspect.type_info(struct)]
    while todo:
        info = todo.pop(0)
        if isinstance(info, inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            yield info.cls
            todo += [field.type for field in info.fields]
        elif isinstance(info, inspect.UnionType):
            todo += info.types
        elif isinstance(info, inspect.TupleType):
            todo += info.item_types
        elif isinstance(info, inspect.CollectionType):
            todo.append(info.item_type)
        elif isinstance(info, inspect.DictType):
            todo.append(info.value_type)


def _path(name: str, outer: type, inner: type) -> str:
    return name if inner is outer else f"{inner.__name__} in {name}"
