"""Fields of a recipe, changed from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.recipe import Recipe, as_recipe

LONGEST = 100
"""Characters of a setting that a message repeats."""


def override(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """The recipe with fields changed.

    A setting is a path of names and indices, and a value as in JSON, "stages.0.epochs=2"; a value
    that is no JSON is a string.

    Raises:
        UsageError: No such field, or a value that is not of its type.
    """
    settings = list(settings)
    try:
        fields = _lists(msgspec.to_builtins(recipe, builtin_types=()))
        for setting in settings:
            place, equals, value = setting.partition("=")
            if not equals:
                raise UsageError(f"--set {setting[:LONGEST]}: not of the form FIELD=VALUE")
            _put(fields, place.split("."), _value(value), setting[:LONGEST])
        changed = as_recipe(fields)
        msgspec.json.encode(changed)  # a lone surrogate is text that no file can hold
    except (msgspec.ValidationError, RecursionError, UnicodeError) as error:
        place = " ".join(settings)[:LONGEST]
        raise UsageError(f"--set {place}: {str(error)[:300]}") from error
    return changed


def _lists(value: Any) -> Any:
    """Plain data with lists in the place of tuples, whose elements can be set one by one."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or more of it than Python reads
        return text


def _put(fields: Any, place: list[str], value: object, setting: str) -> None:
    """Set the field at a place among nested dicts and lists."""
    for depth, key in enumerate(place):
        index: Any = key
        if isinstance(fields, list):
            if not re.fullmatch(r"[0-9]{1,9}", key) or int(key) >= len(fields):
                raise UsageError(
                    f"--set {setting}: {key[:LONGEST]!r} is not an index below {len(fields)}"
                )
            index = int(key)
        elif not isinstance(fields, dict):
            parent = ".".join(place[:depth])[:LONGEST]
            raise UsageError(f"--set {setting}: {parent} has no fields")
        if depth == len(place) - 1:
            fields[index] = value
        else:
            fields = fields.setdefault(index, {}) if isinstance(fields, dict) else fields[index]
