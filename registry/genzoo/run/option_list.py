"""The options of a model, as `genzoo info` and a shell's completion list them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from genzoo.models.components import component_options, components_of
from genzoo.plugins.guard import load_target
from genzoo.plugins.names import full_name
from genzoo_core.specs import Choice, ComponentSpec, ModelSpec

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue


@dataclass(frozen=True)
class Option:
    """An option of a model, as `--set NAME=VALUE` sets it.

    Attributes:
        name: Its name.
        type: What it takes, in words: "a number from 0 to 2".
        choices: The values that there are, or () where they are not countable.
        default: Its default; None where there is none.
        required: Whether it must be given.
        of: The component that has it, where the model only chooses that: "ddim" has `sampler.eta`.
    """

    name: str
    type: str
    choices: tuple[Any, ...]
    default: Any
    required: bool
    of: str = ""


def options_of(catalogue: Catalogue, spec: ModelSpec) -> tuple[Option, ...]:
    """The options of a model, and of what it can choose, as manifests name them.

    Raises:
        GenzooError: The component is unknown, or its options cannot be imported.
    """
    component = catalogue.find_component(spec.kind, spec.component)
    if component.entry.options is None:
        return ()
    struct = load_target(component.plugin, component.entry.options)
    options = {option.name: option for option in fields_of(struct)}
    for field in msgspec.structs.fields(struct):
        if takes_choice(field.type):
            own = spec.config.get(field.encode_name)
            options |= _choice(catalogue, options[field.encode_name], own)
    return tuple(options.values())


def fields_of(options: type[msgspec.Struct]) -> tuple[Option, ...]:
    """The options that a typed `Options` declares."""
    return tuple(
        Option(
            field.encode_name,
            describe(field.type),
            _choices(field.type),
            _default(field),
            field.required,
        )
        for field in msgspec.structs.fields(options)
    )


def _choice(catalogue: Catalogue, option: Option, own: Any) -> dict[str, Option]:
    """An option that chooses a component, and after it those of all that it can choose.

    Args:
        catalogue: Has the components.
        option: The option; it is named after their kind.
        own: What the model's config says in its place.
    """
    kind, rows = option.name, components_of(catalogue, option.name)
    try:
        chosen = ComponentSpec.of(msgspec.convert(option.default or own or "", Choice))
    except msgspec.ValidationError:  # the config of a file that cannot be built
        chosen = ComponentSpec("")
    found = {
        kind: replace(
            option,
            type=f"one of {', '.join(rows)}",
            choices=tuple(rows),
            default=chosen.component or None,
        )
    }
    for name, struct in component_options(catalogue, kind).items():
        full = full_name(rows[name])
        config = chosen.config if chosen.component in (name, full) else {}
        for one in fields_of(struct):
            default = config.get(one.name, one.default)
            inner = replace(one, name=f"{kind}.{one.name}", of=name, default=default)
            found[f"{inner.name} of {name}"] = inner
    return found


def takes_choice(kind: Any) -> bool:
    """Whether a field of that type chooses a component; see `genzoo_core.Choice`."""
    info = inspect.type_info(kind)
    return isinstance(info, inspect.UnionType) and any(map(_is_spec, info.types))


def _is_spec(info: Any) -> bool:
    return isinstance(info, inspect.StructType) and info.cls is ComponentSpec


def _choices(kind: Any) -> tuple[Any, ...]:
    info = inspect.type_info(kind)
    kinds = info.types if isinstance(info, inspect.UnionType) else (info,)
    found: list[Any] = []
    for one in kinds:
        if isinstance(one, inspect.LiteralType):
            found += one.values
        elif isinstance(one, inspect.EnumType):
            found += [member.value for member in one.cls]
    return tuple(found)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.to_builtins(field.default_factory())
    return None


def describe(kind: Any) -> str:
    """A field's type in words: "a number from 0 to 2", "one of fitted, standard-normal"."""
    return _describe(inspect.type_info(kind))


def _describe(info: Any) -> str:
    match info:
        case inspect.UnionType():
            # `null` is how a field says that it need not be given; a choice is said by its name.
            kinds = [
                kind
                for kind in info.types
                if not isinstance(kind, inspect.NoneType) and not _is_spec(kind)
            ]
            words = " or ".join(_describe(kind) for kind in kinds)
        case inspect.Metadata():
            words = (info.extra_json_schema or {}).get("description") or _describe(info.type)
        case inspect.LiteralType():
            words = f"one of {', '.join(str(value) for value in info.values)}"
        case inspect.BoolType():
            words = "true or false"
        case inspect.IntType():
            words = f"a whole number{_bounds(info)}"
        case inspect.FloatType():
            words = f"a number{_bounds(info)}"
        case inspect.StrType():
            words = "text"
        case _:
            words = type(info).__name__.removesuffix("Type").lower()
    return words


def _bounds(info: Any) -> str:
    low, above = info.ge, info.gt
    high, below = info.le, info.lt
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (
            ("of at least", low),
            ("above", above),
            ("of at most", high),
            ("below", below),
        )
        if bound is not None
    ]
    return f" {' and '.join(bounds)}" if bounds else ""
