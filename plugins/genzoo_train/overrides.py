"""Fields of a recipe, changed from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from genzoo_core.errors import UsageError
from genzoo_core.recipe import Recipe


def override(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """The recipe with fields changed.

    Args:
        recipe: The recipe.
        settings: "stages.0.epochs=2": a path of names and indices, and a value as in JSON; a
            value that is no JSON is a string.

    Raises:
        UsageError: No such field, or a value that is not of its type.
    """
    fields = msgspec.to_builtins(recipe, builtin_types=())
    for setting in settings:
        place, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: not of the form FIELD=VALUE")
        _put(fields, place.split("."), _value(value), setting)
    try:
        return msgspec.convert(fields, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"--set {' '.join(settings)}: {error}") from error


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _put(fields: Any, place: list[str], value: object, setting: str) -> None:
    for depth, key in enumerate(place):
        last = depth == len(place) - 1
        if isinstance(fields, list | tuple):
            if not key.isdecimal() or int(key) >= len(fields):
                raise UsageError(f"--set {setting}: {key!r} is not an index below {len(fields)}")
            index: Any = int(key)
        elif isinstance(fields, dict):
            index = key
        else:
            raise UsageError(f"--set {setting}: {'.'.join(place[:depth])} has no fields")
        if last:
            fields[index] = value
        else:
            if isinstance(fields, dict) and index not in fields:
                fields[index] = {}
            fields = fields[index]
