"""Putting a model's card into the text of a manifest, whose other lines stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

from genzoo_core.errors import ConfigError

_TABLE = re.compile(r"^\s*\[")
_MODEL = re.compile(r"^\s*\[\[\s*models\s*\]\]\s*(#.*)?$")
_OF_MODEL = re.compile(r"^\s*\[\[?\s*models\s*\.")


def with_card(text: str, card: Mapping[str, object], where: str) -> str:
    """A manifest with this card, in place of the one of its name or at the end.

    Args:
        text: The manifest, TOML.
        card: Fields of the card; what is nested in lists of tables is written below it.
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


def _differ_by(card: Mapping[str, object], before: Mapping[str, object], changed: str) -> bool:
    """Whether a changed manifest says this card, and all else as before."""
    try:
        after = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        return False
    models = _tables(before.get("models"))
    others = [model for model in models if model.get("name") != card["name"]]
    rest = list(after["models"])
    if card not in rest:
        return False
    rest.remove(card)
    return rest == others and {**after, "models": ()} == {**before, "models": ()}


def card_block(card: Mapping[str, object]) -> str:
    """A card as a `[[models]]` table."""
    nested = {name: tables for name, value in card.items() if (tables := _tables(value))}
    plain = {name: value for name, value in card.items() if name not in nested}
    blocks = ["[[models]]\n" + _fields(plain)]
    blocks += [
        f"[[models.{name}]]\n" + _fields(table)
        for name, tables in nested.items()
        for table in tables
    ]
    return "\n".join(blocks)


def _fields(table: Mapping[str, object]) -> str:
    # JSON's strings, numbers and arrays of them are TOML's too.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in table.items()]
    return "\n".join([*lines, ""])


def _tables(value: object) -> list[Mapping[str, object]]:
    """The tables that a value is an array of; none where it is something else."""
    if not isinstance(value, list) or not all(isinstance(table, Mapping) for table in value):
        return []
    return value


def _parsed(text: str, where: str) -> dict[str, object]:
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
        while last < len(lines) and (not _TABLE.match(lines[last]) or _OF_MODEL.match(lines[last])):
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
