"""Fields of a recipe, changed from the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.recipe import Recipe, as_recipe

SHOWN = 100
"""Characters of a setting that a message repeats."""

LONGEST = 300
"""Characters of what is wrong with it."""


def override(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """The recipe with fields changed.

    Args:
        recipe: The recipe.
        settings: "stages.0.epochs=2": a path of names and indices, and a value as in JSON; a
            value that is no JSON is a string.

    Raises:
        UsageError: No such field, or a value that is not of its type.
    """
    settings = list(settings)
    try:
        fields = _lists(msgspec.to_builtins(recipe, builtin_types=()))
        for setting in settings:
            place, equals, value = setting.partition("=")
            if not equals:
                raise UsageError(f"--set {setting[:SHOWN]}: not of the form FIELD=VALUE")
            _put(fields, place.split("."), _value(value), setting[:SHOWN])
        changed = as_recipe(fields)
        msgspec.json.encode(changed)  # a lone surrogate is text that no file can hold
    except (msgspec.ValidationError, RecursionError, UnicodeError) as error:
        shown = " ".join(settings)[:SHOWN]
        raise UsageError(f"--set {shown}: {str(error)[:LONGEST]}") from error
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
    for depth, key in enumerate(place):
        last = depth == len(place) - 1
        if isinstance(fields, list):
            if not re.fullmatch(r"[0-9]{1,9}", key) or int(key) >= len(fields):
                raise UsageError(
                    f"--set {setting}: {key[:SHOWN]!r} is not an index below {len(fields)}"
                )
            index: Any = int(key)
        elif isinstance(fields, dict):
            index = key
        else:
            shown = ".".join(place[:depth])[:SHOWN]
            raise UsageError(f"--set {setting}: {shown} has no fields")
        if last:
            fields[index] = value
        else:
            if isinstance(fields, dict) and index not in fields:
                fields[index] = {}
            fields = fields[index]
