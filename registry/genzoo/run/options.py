"""From what a user sets, as text, to a model's typed options."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from genzoo.models.components import component_options, load_component
from genzoo.run.option_list import describe, fields_of, options_in, takes_choice
from genzoo.text import quoted
from genzoo_core.errors import ConfigError, UsageError, did_you_mean
from genzoo_core.request import Request
from genzoo_core.specs import Choice, ComponentSpec

if TYPE_CHECKING:
    from genzoo.plugins.catalogue import Catalogue
    from genzoo_core.zoo import Opened


Conditions = dict[str, str | tuple[str, ...]]
"""Values of conditioners, as a request has them."""


def read_settings(
    request: Request, opened: Opened, catalogue: Catalogue
) -> tuple[msgspec.Struct, Conditions]:
    """What a request sets: the model's options, and conditions by name of their conditioner.

    What the request leaves open has its default. "sampler.eta" is a field of the config of the
    component that "sampler" chooses, or that the model's own config chooses in its place.
    """
    from genzoo_core.config import NoOptions
    from genzoo_core.model import GenerativeModel

    name, module = opened.name, opened.module
    options_type = module.Options if isinstance(module, GenerativeModel) else NoOptions
    types = _types(options_type)
    settings, conditions = _split(request, opened, options_type, catalogue)
    kinds = [option for option, kind in types.items() if takes_choice(kind)]
    for setting in list(settings):
        kind, dot, key = setting.partition(".")
        if dot and kind in kinds:
            chosen = _chosen(kind, settings.get(kind) or opened.spec.config.get(kind))
            config = {**chosen.config, key: settings.pop(setting)}
            settings[kind] = ComponentSpec(chosen.component, config)
    read = _read(name, types, settings)
    for kind in kinds:
        if isinstance(read.get(kind), ComponentSpec):
            read[kind] = _typed(kind, _chosen(kind, read[kind]), catalogue)
    try:
        return msgspec.convert(msgspec.to_builtins(read), options_type), conditions
    except msgspec.ValidationError as error:
        raise UsageError(f"the options of {name} do not fit together: {error}") from error


def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The types of a struct's fields, by their names."""
    return {field.encode_name: field.type for field in fields_of(struct)}


def _split(
    request: Request, opened: Opened, struct: type[msgspec.Struct], catalogue: Catalogue
) -> tuple[dict[str, Any], Conditions]:
    """Divide what a request sets into options and conditions: its `options` may hold both.

    The first conditioner is set by the prompt alone.
    """
    from genzoo_core.conditioner import conditioners_of

    def unknown(name: str) -> UsageError:
        shown = [option.name for option in options_in(catalogue, struct, opened.spec)]
        return _unknown(model, name, [*shown, *others])

    model, types = opened.name, _types(struct)
    conditioners = list(conditioners_of(opened.module))
    others = conditioners[1:]
    settings: dict[str, Any] = {}
    conditions = dict(request.conditions)
    for name in conditions:
        if name not in others:
            raise unknown(name)
    for name, value in request.options.items():
        if name.partition(".")[0] in types:
            settings[name] = value
        elif name in conditions:
            raise UsageError(f"{name} is set twice: {quoted(conditions[name])} and {quoted(value)}")
        elif name in others:
            conditions[name] = value
        elif name in conditioners:
            raise UsageError(
                f"{name} is what {model}'s prompt says", f"genzoo run {model} {value!r}"
            )
        else:
            raise unknown(name)
    return settings, conditions


def _chosen(kind: str, value: object) -> ComponentSpec:
    """The component that is chosen, with its config."""
    if value is None:
        raise UsageError(f"no {kind} is named that could be set", f"--set {kind}=NAME does")
    try:
        # As plain data: what a user made in Python was never checked.
        return ComponentSpec.of(msgspec.convert(msgspec.to_builtins(value), Choice))
    except ValueError as error:
        raise UsageError(f"{kind} cannot be {quoted(value)}; give its name") from error


def _typed(kind: str, chosen: ComponentSpec, catalogue: Catalogue) -> ComponentSpec:
    """The same, with the values of its config read as their types."""
    try:
        _, _, config_type = load_component(catalogue, kind, chosen.component)
    except ConfigError as error:
        raise UsageError(error.message, error.hint) from error
    types, owner = _types(config_type), f"{kind} {chosen.component}"
    for key in chosen.config:
        if key not in types:
            unknown = _unknown(owner, f"{kind}.{key}", [f"{kind}.{name}" for name in types])
            options = component_options(catalogue, kind).items()
            able = [name for name, struct in options if key in struct.__struct_encode_fields__]
            hint = f"these have it: {', '.join(able)}" if able else unknown.hint
            raise UsageError(unknown.message, hint)
    return ComponentSpec(chosen.component, _read(owner, types, chosen.config, f"{kind}."))


def _read(
    owner: str, types: Mapping[str, object], settings: Mapping[str, object], prefix: str = ""
) -> dict[str, Any]:
    """Settings as values of their types; `owner` and `prefix` are for messages."""
    read: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in types:
            raise _unknown(owner, name, types)
        try:
            read[name] = msgspec.convert(value, types[name], strict=False)
            plain = msgspec.to_builtins(read[name])
            # A record holds neither infinity nor half a character.
            json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{owner}: {prefix}{name} cannot be {quoted(value)}; it is {describe(types[name])}"
            ) from error
    return read


def _unknown(owner: str, name: str, names: Collection[str]) -> UsageError:
    """The error for a name that is neither an option nor a condition of its owner."""
    message = f"{owner} has no option {quoted(name)}; it has {', '.join(names) or 'none'}"
    fields = Request.__struct_fields__
    if name in fields:
        return UsageError(message, f"{name} is set by itself, not as an option of the model")
    return UsageError(message, did_you_mean(name, names) or did_you_mean(name, fields))
