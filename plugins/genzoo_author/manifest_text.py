"""Putting a model's card into the text of a manifest, whose other lines stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from genzoo_core.errors import ConfigError

_TABLE = re.compile(r"^\s*\[")
_MODEL = re.compile(r"^\s*\[\[\s*models\s*\]\]\s*(#.*)?$")


def with_card(text: str, card: Mapping[str, object], where: str) -> str:
    """A manifest with this card, in place of the one of its name or at the end.

    Args:
        text: The manifest, TOML.
        card: Fields of the card.
        where: The manifest, for messages.

    Raises:
        ConfigError: It is not TOML, or is written in a way that this cannot change.
    """
    before = _parsed(text, where)
    lines = text.splitlines(keepends=True)
    first, last = _place(lines, str(card["name"]))
    block = card_block(card)
    if first == last:  # a new one
        head = text.rstrip("\n")
        changed = f"{head}\n\n{block}" if head else block
    else:
        tail = "".join(lines[last:])
        changed = "".join(lines[:first]) + block + (f"\n{tail}" if tail else "")
    if not _differ_by(card, before, changed):
        raise ConfigError(f"{where} is written in a way that cannot be changed", "do it by hand")
    return changed


def _differ_by(card: Mapping[str, object], before: Mapping[str, Any], changed: str) -> bool:
    """Whether a changed manifest says this card, and all else as before."""
    try:
        after = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        return False
    others = [model for model in before.get("models", []) if model.get("name") != card["name"]]
    rest = list(after["models"])
    if card not in rest:
        return False
    rest.remove(card)
    return rest == others and {**after, "models": ()} == {**before, "models": ()}


def card_block(card: Mapping[str, object]) -> str:
    """A card as a `[[models]]` table."""
    # JSON's strings, numbers and arrays of them are TOML's too.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in card.items()]
    return "\n".join(["[[models]]", *lines, ""])


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}") from None
    models = found.get("models", [])
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise ConfigError(f"{where}: `models` is not a list of tables")
    return found


def _place(lines: list[str], name: str) -> tuple[int, int]:
    """First line and one past the last line of the model of that name; twice 0 for none."""
    begins = [i for i, line in enumerate(lines) if _MODEL.match(line)]
    for first in begins:
        last = first + 1
        while last < len(lines) and (not _TABLE.match(lines[last])):
            last += 1
        while last > first + 1 and lines[last - 1].lstrip().startswith(("#", "\n")):
            last -= 1  # what stands before the next table belongs to that
        try:
            (model,) = tomllib.loads("".join(lines[first:last]))["models"]
        except (tomllib.TOMLDecodeError, ValueError):
            continue
        if model.get("name") == name:
            return first, last
    return 0, 0
