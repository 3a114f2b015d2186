"""Configs and options: typed, frozen, and without unknown fields."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import inspect

from genzoo_core.specs import ComponentSpec
from genzoo_core.testing.report import Recorder, problem, unexpected

MEND = "derive it from genzoo_core.Config, or declare it with {}=True"
LENGTHY = (inspect.StrType, inspect.BytesType, inspect.CollectionType, inspect.DictType)


def check_config(record: Recorder, owner: type) -> None:
    record.check("its config is strict and frozen", strict_struct, owner, "Config")


def strict_struct(owner: type, attribute: str) -> Iterator[str]:
    """What is wrong with a class's `Config` or `Options`, and with the structs inside it."""
    name = f"{owner.__name__}.{attribute}"
    struct = getattr(owner, attribute, None)
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        mend = f"set `{attribute}` to a class that derives from genzoo_core.Config"
        yield problem(f"{name} to be a msgspec.Struct", repr(struct), mend)
        return
    infos = [info for _, info in _types(inspect.type_info(struct))]
    structs = (info.cls for info in infos if isinstance(info, inspect.StructType))
    for inner in dict.fromkeys(structs):
        config = inner.__struct_config__
        where = name if inner is struct else f"{inner.__name__} in {name}"
        if not config.frozen:
            yield problem(f"{where} frozen", "one that can be changed", MEND.format("frozen"))
        if not config.forbid_unknown_fields:
            mend = MEND.format("forbid_unknown_fields")
            yield problem(f"{where} to refuse unknown fields", "one that ignores them", mend)


def strict_options(options: type[msgspec.Struct]) -> Iterator[str]:
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


def unbounded(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Fields of a config or of options, and of the structs inside it, without bounds.

    A model file may come from a stranger, and its config with it. Each number needs two bounds,
    each text, list and mapping a `max_length`; the config of a component that a field names is
    checked when that is built.

    Yields:
        A line each: "views.shift has no upper bound".
    """
    for place, info in _types(inspect.type_info(struct)):
        if isinstance(info, inspect.AnyType):
            yield f"{place} takes anything"
        elif isinstance(info, inspect.IntType | inspect.FloatType):
            if info.ge is None and info.gt is None:
                yield f"{place} has no lower bound"
            if info.le is None and info.lt is None:
                yield f"{place} has no upper bound"
        elif isinstance(info, LENGTHY) and info.max_length is None:
            yield f"{place} has no greatest length"


def _types(
    info: inspect.Type, place: str = "", outer: frozenset[type] = frozenset()
) -> Iterator[tuple[str, inspect.Type]]:
    """A type and all types inside it, each with its place; a recursive one is entered once."""
    yield place, info
    inner: list[tuple[str, inspect.Type]] = []
    if isinstance(info, inspect.StructType) and info.cls not in outer:
        outer |= {info.cls}
        dot = f"{place}." if place else ""
        inner = [
            (dot + field.encode_name, field.type)
            for field in info.fields
            if info.cls is not ComponentSpec or field.name == "component"
        ]
    elif isinstance(info, inspect.Metadata):
        inner = [(place, info.type)]
    elif isinstance(info, inspect.UnionType):
        inner = [(place, each) for each in info.types]
    elif isinstance(info, inspect.TupleType):
        inner = [(f"{place}[{i}]", each) for i, each in enumerate(info.item_types)]
    elif isinstance(info, inspect.CollectionType):
        inner = [(f"{place}[]", info.item_type)]
    elif isinstance(info, inspect.DictType):
        inner = [(f"{place}[]", info.key_type), (f"{place}[]", info.value_type)]
    for where, each in inner:
        yield from _types(each, where, outer)
