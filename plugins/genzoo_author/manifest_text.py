"""Putting a model's card into the text of a manifest, whose other lines stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

from genzoo_core.errors import ConfigError

_TABLE = re.compile(r"^\s*\[")
_MODEL = re.compile(r"^\s*\[\[\s*models\s*\]\]\s*(#.*)?$")


def with_card(text: str, card: Mapping[str, object], where: str) -> str:
    """A manifest with a card of these fields, in place of the one of its name or at the end.

    `where` names the manifest in messages.

    Raises:
        ConfigError: It is not TOML, or is written in a way that this cannot change.
    """
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}") from None
    models = before.pop("models", [])
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise ConfigError(f"{where}: `models` is not a list of tables")
    lines = text.splitlines(keepends=True)
    first, last = _place(lines, str(card["name"]))
    head = "".join(lines[:first]) if first < last else f"{text.rstrip()}\n\n".lstrip("\n")
    tail = "".join(["\n", *lines[last:]]) if first < last < len(lines) else ""
    changed = head + card_block(card) + tail
    # Nothing beside this card may change.
    try:
        after = tomllib.loads(changed)
        others = after.pop("models")
        others.remove(card)
    except ValueError:
        others = None
    rest = [model for model in models if model.get("name") != card["name"]]
    if others != rest or after != before:
        raise ConfigError(f"{where} is written in a way that cannot be changed", "do it by hand")
    return changed


def card_block(card: Mapping[str, object]) -> str:
    """A card as a `[[models]]` table."""
    # JSON's strings, numbers and arrays of them are TOML's too.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in card.items()]
    return "\n".join(["[[models]]", *lines, ""])


def _place(lines: list[str], name: str) -> tuple[int, int]:
    """First line, and one past the last, of the model of that name; 0 and 0 where there is none."""
    begins = [i for i, line in enumerate(lines) if _MODEL.match(line)]
    for first in begins:
        last = first + 1
        while last < len(lines) and not _TABLE.match(lines[last]):
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
