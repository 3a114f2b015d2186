"""From what a user sets, as text, to a model's typed options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from genzoo_core.errors import UsageError, did_you_mean


def resolve_options(
    model: str, options_type: type[msgspec.Struct], given: Mapping[str, Any]
) -> msgspec.Struct:
    """The model's options with what was given; the rest at its default.

    Args:
        model: The model's name, for messages.
        options_type: The model's `Options`.
        given: Values by name; text is read as the option's type.

    Raises:
        UsageError: A value that is not of the option's type; names the valid ones.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(options_type)}
    for name, value in given.items():
        if name not in fields:
            raise unknown_setting(model, name, fields, ())
        try:
            read = msgspec.convert(value, fields[name].type, strict=False)
        except msgspec.ValidationError as error:
            raise _invalid(model, name, value, fields[name].type) from error
        if any(not math.isfinite(number) for number in _floats(read)):
            raise _invalid(model, name, value, fields[name].type)
    try:
        return msgspec.convert(dict(given), options_type, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"the options of {model} do not fit together: {error}") from error


def split_settings(
    model: str,
    options_type: type[msgspec.Struct],
    conditioners: Sequence[str],
    settings: Mapping[str, str],
) -> tuple[dict[str, str], dict[str, str]]:
    """Divide what `--set` says into options and conditions.

    Args:
        model: The model's name, for messages.
        options_type: The model's `Options`.
        conditioners: Names of its conditioners; the first is set by the prompt alone.
        settings: Values by name.

    Returns:
        The options, and the conditions by name of their conditioner.

    Raises:
        UsageError: A name that is neither; names those that are.
    """
    names = [field.encode_name for field in msgspec.structs.fields(options_type)]
    options: dict[str, str] = {}
    conditions: dict[str, str] = {}
    for name, value in settings.items():
        if name in names:
            options[name] = value
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
    shown = ascii(value)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}…"
    return UsageError(f"{model}: {name} cannot be {shown}; it is {describe(kind)}")


def describe(kind: Any) -> str:
    """A field's type in words: "a number from 0 to 2", "one of fitted, standard-normal"."""
    return _describe(inspect.type_info(kind))


def _describe(info: Any) -> str:
    match info:
        case inspect.UnionType():
            # `null` is how a field says that it need not be given.
            kinds = [kind for kind in info.types if not isinstance(kind, inspect.NoneType)]
            words = " or ".join(_describe(kind) for kind in kinds)
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
