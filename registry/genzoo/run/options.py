"""From what a user sets, as text, to a model's typed options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.models.components import component_options, load_component
from genzoo.run.option_list import describe, takes_choice
from genzoo_core.errors import ConfigError, UsageError, did_you_mean
from genzoo_core.request import Request
from genzoo_core.specs import Choice, ComponentSpec

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue


def resolve_options(
    model: str,
    options_type: type[msgspec.Struct],
    given: Mapping[str, Any],
    *,
    own: Mapping[str, Any],
    catalogue: Catalogue,
) -> msgspec.Struct:
    """The model's options with what was given; the rest at its default.

    Args:
        model: The model's name, for messages.
        options_type: The model's `Options`.
        given: Values by name; text is read as the option's type. "sampler.eta" is a field of the
            config of the component that "sampler" chooses.
        own: The model's config, which chooses where nothing was given.
        catalogue: Where components are found.

    Raises:
        UsageError: A value that is not of the option's type; names the valid ones.
    """
    fields = msgspec.structs.fields(options_type)
    kinds = [field.encode_name for field in fields if takes_choice(field.type)]
    inner = [name for name in given if "." in name and name.partition(".")[0] in kinds]
    settings = {name: value for name, value in given.items() if name not in inner}
    for name in inner:
        kind, _, key = name.partition(".")
        chosen = _chosen(kind, settings.get(kind) or own.get(kind))
        settings[kind] = ComponentSpec(chosen.component, {**chosen.config, key: given[name]})
    read = _read(model, options_type, settings)
    for kind in kinds:
        if isinstance(read.get(kind), ComponentSpec):
            read[kind] = _typed(kind, read[kind], catalogue)
    try:
        return msgspec.convert(msgspec.to_builtins(read), options_type)
    except msgspec.ValidationError as error:
        raise UsageError(f"the options of {model} do not fit together: {error}") from error


def _chosen(kind: str, value: Any) -> ComponentSpec:
    """What is chosen, with its config."""
    if value is None:
        raise UsageError(f"no {kind} is named that could be set", f"--set {kind}=NAME does")
    try:
        return ComponentSpec.of(msgspec.convert(value, Choice))
    except msgspec.ValidationError as error:
        raise UsageError(f"{kind} cannot be {_shown(value)}; give its name") from error


def _typed(kind: str, chosen: ComponentSpec, catalogue: Catalogue) -> ComponentSpec:
    """What is chosen, with the values of its config read as their types."""
    try:
        _, _, fields = load_component(catalogue, kind, chosen.component)
    except ConfigError as error:
        raise UsageError(error.message, error.hint) from error
    owner = f"{kind} {chosen.component}"
    for key in chosen.config:
        if key not in fields.__struct_encode_fields__:
            raise _unknown_field(owner, kind, key, fields, catalogue)
    return ComponentSpec(chosen.component, _read(owner, fields, chosen.config, f"{kind}."))


def _unknown_field(
    owner: str, kind: str, key: str, fields: type[msgspec.Struct], catalogue: Catalogue
) -> UsageError:
    """The error for what a component's config has not; names those components that have it."""
    error = unknown_setting(
        owner, f"{kind}.{key}", [f"{kind}.{field}" for field in fields.__struct_encode_fields__], ()
    )
    options = component_options(catalogue, kind)
    able = [name for name, struct in options.items() if key in struct.__struct_encode_fields__]
    return UsageError(error.message, f"these have it: {', '.join(able)}") if able else error


def _read(
    owner: str, struct: type[msgspec.Struct], given: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """Values as the types of the struct's fields.

    Args:
        owner: Whose they are, for messages.
        struct: Has the fields.
        given: Values by name.
        prefix: What stands before the names in messages: "sampler.".

    Raises:
        UsageError: An unknown name, or a value that is not of its type.
    """
    types = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    read: dict[str, Any] = {}
    for name, value in given.items():
        if name not in types:
            raise unknown_setting(owner, name, types, ())
        try:
            read[name] = msgspec.convert(value, types[name], strict=False)
            finite = all(map(math.isfinite, _floats(read[name])))
        except (msgspec.ValidationError, RecursionError) as error:
            raise _invalid(owner, prefix + name, value, types[name]) from error
        if not finite:
            raise _invalid(owner, prefix + name, value, types[name])
    return read


def split_settings(
    model: str,
    options_type: type[msgspec.Struct],
    conditioners: Sequence[str],
    request: Request,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Divide what a request sets into options and conditions.

    Args:
        model: The model's name, for messages.
        options_type: The model's `Options`.
        conditioners: Names of its conditioners; the first is set by the prompt alone.
        request: Its `options` may hold conditions as well.

    Returns:
        The options, and the conditions by name of their conditioner.

    Raises:
        UsageError: A name that is neither; names those that are.
    """
    names = [field.encode_name for field in msgspec.structs.fields(options_type)]
    options: dict[str, Any] = {}
    conditions = dict(request.conditions)
    for name in conditions:
        if name not in conditioners[1:]:
            raise unknown_setting(model, name, names, conditioners[1:])
    for name, value in request.options.items():
        if name.partition(".")[0] in names:
            options[name] = value
        elif name in conditions:
            raise UsageError(f"{name} is set twice: {conditions[name]!r} and {value!r}")
        elif name in conditioners[1:]:
            conditions[name] = value
        elif name in conditioners:
            raise UsageError(
                f"{name} is what {model}'s prompt says", f"genzoo run {model} {value!r}"
            )
        else:
            raise unknown_setting(model, name, names, conditioners[1:])
    return options, conditions


def unknown_setting(
    model: str, name: str, options: Iterable[str], conditioners: Iterable[str]
) -> UsageError:
    """The error for a name that is neither an option nor a condition of the model."""
    known = [*options, *conditioners]
    message = f"{model} has no option {name!r}; it has {', '.join(known) or 'none'}"
    return UsageError(message, did_you_mean(name, known))


def check_text(what: str, text: str, limit: int = 10_000) -> str:
    """`text`, a prompt or a condition's value, where a record can hold it.

    Raises:
        UsageError: It is no Unicode text, holds a NUL, or has more than `limit` characters.
    """
    if not isinstance(text, str):
        raise UsageError(f"{what} is {text!r}; it must be text")
    if len(text) > limit:
        raise UsageError(f"{what} has {len(text):,} characters; at most {limit:,} are taken")
    if "\0" in text:
        raise UsageError(f"{what} holds a NUL character; leave it out")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"{what} is not valid Unicode: {text[:40]!a}; give it as UTF-8")
    return text


def _invalid(model: str, name: str, value: Any, kind: Any) -> UsageError:
    return UsageError(f"{model}: {name} cannot be {_shown(value)}; it is {describe(kind)}")


def _shown(value: Any) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def _floats(value: Any) -> Iterable[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _floats(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, msgspec.Struct):
        yield from _floats(msgspec.structs.astuple(value))
