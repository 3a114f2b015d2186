"""The options of a model, as `genzoo info` and a shell's completion list them."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from inspect import cleandoc
from typing import TYPE_CHECKING

import msgspec
from msgspec import inspect

from genzoo.models.components import component_options, components_of
from genzoo.plugins.guard import load_target
from genzoo.plugins.names import full_name
from genzoo_core.config import Resolving
from genzoo_core.specs import Choice, ComponentSpec, ModelSpec
from genzoo_core.zoo import Option

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue


@cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a struct: msgspec finds their types anew each time, and a server asks often."""
    return msgspec.structs.fields(struct)


def options_of(catalogue: Catalogue, spec: ModelSpec) -> tuple[Option, ...]:
    """The options of a model, and of what it can choose, as manifests name them.

    Raises:
        GenzooError: The component is unknown, or its options cannot be imported.
    """
    component = catalogue.find_component(spec.kind, spec.component)
    if component.entry.options is None:
        return ()
    struct = load_target(component.plugin, component.entry.options)
    return options_in(catalogue, struct, spec)


def options_in(
    catalogue: Catalogue, struct: type[msgspec.Struct], spec: ModelSpec
) -> tuple[Option, ...]:
    """The options that are the fields of a struct, likewise."""
    own = dict(spec.config)
    if issubclass(struct, Resolving):
        own |= struct.resolved(spec.config)
    options, inner, refused = [], [], set[str]()
    meanings = _meanings(struct)
    for field in fields_of(struct):
        option = _resolved(_option(field), field.type, own.get(field.name))
        option = replace(option, meaning=meanings.get(field.name, ""))
        if takes_choice(field.type):
            option, of_choices, others = _choice(catalogue, option, spec)
            inner += of_choices
            refused |= others
        options.append(option)
    # A short name for what only a refused component takes is no option, either.
    refused -= {option.name.partition(".")[2] for option in inner}
    shown = [option for option in options if option.resolved or option.name not in refused]
    return (*shown, *inner)


@cache
def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What docstrings of a struct, and of what it derives from, first say of each field."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        # Python 3.13 takes the indentation off by itself.
        section = cleandoc(base.__doc__ or "").partition("\nAttributes:\n")[2].partition("\n\n")[0]
        for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            sentence = re.split(r"(?<=\.) (?=[A-Z`])", " ".join(text.split()))[0]
            found[name] = sentence.rstrip(".").replace("`", "")
    return found


def _option(field: msgspec.structs.FieldInfo) -> Option:
    kind, default = field.type, field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    default = None if default is msgspec.NODEFAULT else msgspec.to_builtins(default)
    return Option(field.encode_name, describe(kind), _values(kind), default, field.required)


def _resolved(option: Option, kind: object, own: object) -> Option:
    """The same, with what it means where it is left out; `own` is what a config says of it."""
    if option.default is not None:
        return replace(option, resolved=option.default)
    try:  # a field of the same name may be something else
        value = msgspec.to_builtins(msgspec.convert(own, kind))
    except (msgspec.ValidationError, TypeError):
        return option
    return replace(option, resolved=value)


def _choice(
    catalogue: Catalogue, option: Option, spec: ModelSpec
) -> tuple[Option, list[Option], set[str]]:
    """An option that chooses a component, and the options of all that it can choose.

    The option is named after their kind, and the model's config says its default in a field of
    that name. The last are what those take that do not go with what else is in the config.
    """
    kind = option.name
    within = [each.get("component") for each in spec.config.values() if isinstance(each, dict)]
    every = components_of(catalogue, kind)
    rows = {name: row for name, row in every.items() if not any(map(within.count, row.entry.unfit))}
    try:
        own = msgspec.convert(option.default or spec.config.get(kind) or "", Choice)
        chosen = ComponentSpec.of(own)
    except msgspec.ValidationError:  # the config of a file that cannot be built
        chosen = ComponentSpec("")
    words, default = f"one of {', '.join(rows)}", chosen.component or None
    choice = replace(option, type=words, choices=tuple(rows), default=default, resolved=default)
    inner: list[Option] = []
    others: set[str] = set()
    for name, struct in component_options(catalogue, kind).items():
        if name not in rows:
            others |= {field.encode_name for field in fields_of(struct)}
            continue
        config = chosen.config if chosen.component in (name, full_name(rows[name])) else {}
        for one in map(_option, fields_of(struct)):
            default = config.get(one.name, one.default)
            each = replace(one, name=f"{kind}.{one.name}", of=name, default=default)
            inner.append(replace(each, resolved=default))
    return choice, inner, others


def takes_choice(kind: object) -> bool:
    """Whether a field of that type chooses a component; see `genzoo_core.Choice`."""
    return any(map(_is_spec, _kinds(inspect.type_info(kind))))


def describe(kind: object) -> str:
    """A field's type in words: "a number from 0 to 2", "one of fitted, standard-normal"."""
    return _describe(inspect.type_info(kind))


def _kinds(info: object) -> tuple[object, ...]:
    """The types of a union without `null`, which is how a field says that it can be left out."""
    kinds = info.types if isinstance(info, inspect.UnionType) else (info,)
    return tuple(kind for kind in kinds if not isinstance(kind, inspect.NoneType))


def _is_spec(info: object) -> bool:
    return isinstance(info, inspect.StructType) and info.cls is ComponentSpec


def _values(kind: object) -> tuple[object, ...]:
    """All values of a type, where they can be counted."""
    values: list[object] = []
    for one in _kinds(inspect.type_info(kind)):
        if isinstance(one, inspect.LiteralType):
            values += one.values
        elif isinstance(one, inspect.EnumType):
            values += [member.value for member in one.cls]
    return tuple(values)


def _describe(info: object) -> str:
    match info:
        case inspect.UnionType():
            # A component that is chosen is said by its name.
            kinds = [kind for kind in _kinds(info) if not _is_spec(kind)]
            words = " or ".join(map(_describe, kinds))
        case inspect.Metadata():
            words = (info.extra_json_schema or {}).get("description") or _describe(info.type)
        case inspect.LiteralType():
            words = f"one of {', '.join(map(str, info.values))}"
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType():
            words = f"a whole number{_bounds(info)}"
        case inspect.FloatType():
            words = f"a number{_bounds(info)}"
        case inspect.StrType():
            words = "text"
        case inspect.DictType():
            words = "values by name"
        case inspect.VarTupleType() | inspect.ListType():
            words = "a list"
        case _:
            words = type(info).__name__.removesuffix("Type").lower()
    return words


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge:g} to {info.le:g}"
    limits = {"of at least": info.ge, "above": info.gt, "of at most": info.le, "below": info.lt}
    bounds = [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
    return f" {' and '.join(bounds)}" if bounds else ""
