"""Checking what a plugin's manifest says, and the file with its measured figures."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

import msgspec
from msgspec.structs import replace

from genzoo.files.cards import check_figures
from genzoo.plugins.names import shared
from genzoo.text import brief, quoted
from genzoo_core.cards import ModelCard
from genzoo_core.errors import ConfigError, PluginError, did_you_mean
from genzoo_core.manifest import (
    API_VERSION,
    CommandEntry,
    ComponentEntry,
    Figures,
    FormatEntry,
    Kind,
    Manifest,
    RecipeEntry,
)
from genzoo_core.reading import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = "figures.json"

MAX_FIGURES = 2**20
"""Size of the largest such file that is read; the largest of genzoo's own has 20 kB."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")
REFERENCE = re.compile(r"[a-z][a-z0-9+.-]*://")

_UNKNOWN = re.compile(
    r"Object contains unknown field `(?P<field>[^`]{1,100})`( - at `\$\.(?P<table>\w+)\[\d+\]`)?"
    r"|Invalid enum value '(?P<value>[^']{1,100})' - at `\$\.components\[\d+\]\.kind`"
)
_TABLES = {
    "models": ModelCard,
    "components": ComponentEntry,
    "commands": CommandEntry,
    "formats": FormatEntry,
    "recipes": RecipeEntry,
}


def check_manifest(data: Mapping[str, object], folder: Path) -> Manifest:
    """The manifest in a parsed `genzoo.toml`; no path of a card may leave the package's `folder`.

    Raises:
        PluginError: It was written for another API, or lists an unknown hook.
        ConfigError: It is not what its type says; says where.
    """
    api = data.get("api")
    if type(api) is int and 0 <= api <= 1000 and api != API_VERSION:
        hint = f"docs/api-{API_VERSION}.md says what its author has to change"
        if api > API_VERSION:
            hint = "upgrade genzoo with `pip install -U genzoo`"
        text = f"its manifest was written for API {api}; this genzoo knows {API_VERSION}"
        raise PluginError(text, hint)
    try:
        manifest = msgspec.convert(data, Manifest)
    except msgspec.ValidationError as error:
        raise ConfigError(f"genzoo.toml: {brief(error)}", _alternatives(error)) from error
    if manifest.hooks:
        from genzoo.plugins.hooks import hook_names

        valid = hook_names()
        for hook in manifest.hooks:
            if hook not in valid:
                hint = did_you_mean(hook, valid) or f"known: {', '.join(valid)}"
                raise PluginError(f"its manifest lists an unknown hook {quoted(hook)}", hint)
    _check_unique(manifest)
    for card in manifest.models:
        if card.metrics:
            where = "move them to figures.json beside it; docs/plugins.md shows its form"
            raise ConfigError(f"model {card.name}: its metrics stand in genzoo.toml", where)
        check_identity(card)
        for field, path in (("weights", card.weights), ("recipe", card.recipe)):
            if path and not REFERENCE.match(path):
                _check_inside(f"model {card.name}: {field}", path, folder)
    return manifest


def with_figures(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with the measured figures that `folder` holds in the cards of its models.

    Raises:
        ConfigError: The file cannot be read, or is not what `Figures` says; says where.
    """
    file = os.path.join(folder, FIGURES)
    if not os.path.lexists(file):
        return manifest
    from genzoo.files.strict_json import parse_json

    try:
        text = read_bytes(file, MAX_FIGURES).decode("utf-8")
        figures = msgspec.convert(parse_json(text), Figures)
    except OSError as error:
        raise ConfigError(f"{FIGURES} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{FIGURES} is not UTF-8") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{FIGURES}: {brief(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{FIGURES} {brief(error)}") from error
    names = [card.name for card in manifest.models]
    for name in figures:
        if name not in names:
            hint = did_you_mean(name, names) or "name models of the manifest"
            raise ConfigError(f"{FIGURES}: genzoo.toml has no model {quoted(name)}", hint)
    cards = [replace(card, metrics=figures.get(card.name, ())) for card in manifest.models]
    try:
        for card in cards:
            check_figures(card)
    except ConfigError as error:
        raise ConfigError(f"{FIGURES}: {error}") from None
    return replace(manifest, models=tuple(cards))


def check_identity(card: ModelCard) -> None:
    """Refuse a card, as a `ConfigError`, with a malformed name, kind, digest or number."""
    for name in (card.name, *card.aliases):
        if not NAME.fullmatch(name):
            form = "[a-z0-9][a-z0-9._-]* (at most 100)"
            raise ConfigError(f"model name {quoted(name)} is not of the form {form}")
    if card.kind not in get_args(Kind):
        near = did_you_mean(card.kind, get_args(Kind))
        raise ConfigError(f"model {card.name}: unknown kind {quoted(card.kind)}", near)
    if card.sha256 and not SHA256.fullmatch(card.sha256):
        raise ConfigError(f"model {card.name}: sha256 is not 64 lower-case hexadecimal digits")
    check_figures(card)


def check_listed(card: ModelCard, names: set[str]) -> None:
    """As `check_identity`, of a card in no manifest: its weights are no package's.

    Its name must not be among `names`, and is afterwards.
    """
    check_identity(card)
    if card.name in names:
        raise ConfigError(f"has two models named {card.name}")
    names.add(card.name)
    if card.weights and not (os.path.isabs(card.weights) or REFERENCE.match(card.weights)):
        raise ConfigError(f"model {card.name}: weights {quoted(card.weights)} is no absolute path")


def names_in(data: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the models and components in a manifest that may be malformed elsewhere."""
    tables = [data.get("models"), data.get("components")]
    rows = [row for table in tables if isinstance(table, list) for row in table]
    names = [row.get("name") for row in rows if isinstance(row, dict)]
    return tuple(name for name in names if isinstance(name, str) and NAME.fullmatch(name))


def _alternatives(error: msgspec.ValidationError) -> str | None:
    """What there is in place of an unknown field or kind; None for any other fault."""
    fault = _UNKNOWN.fullmatch(str(error))
    if fault is None:
        return None
    valid = get_args(Kind)
    if fault["field"]:
        valid = _TABLES.get(fault["table"], Manifest).__struct_encode_fields__
    return did_you_mean(fault["field"] or fault["value"], valid) or f"known: {', '.join(valid)}"


def _check_inside(what: str, path: str, folder: Path) -> None:
    what = f"{what} = {quoted(path)}"
    if os.path.isabs(path) or "\\" in path or "\0" in path or ":" in path:
        raise ConfigError(f"{what} is not a relative path inside the plugin's package")
    steps = path.split("/")
    inside = [os.path.join(folder, *steps[: end + 1]) for end in range(len(steps))]
    if ".." not in steps and not any(map(os.path.islink, inside)):
        return  # almost always, and ten times faster than resolving both
    from pathlib import Path  # costs a listing as much as all else here, and it needs none

    real = os.path.realpath(inside[-1])  # of links that go in a circle, as far as it gets
    if not Path(real).is_relative_to(os.path.realpath(folder)):
        raise ConfigError(f"{what} leaves the plugin's package")
    try:
        os.stat(inside[-1])
    except FileNotFoundError:
        return  # said when the file is used, as of one that is no link
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror}") from error


def _check_unique(manifest: Manifest) -> None:
    groups = {
        "component": [f"{entry.kind} {entry.name}" for entry in manifest.components],
        "command": [entry.name for entry in manifest.commands],
        "format": [entry.name for entry in manifest.formats],
        "recipe": [entry.name for entry in manifest.recipes],
        "model": [entry.name for entry in manifest.models],
        "hook": manifest.hooks,
    }
    for what, names in groups.items():
        if twice := sorted(shared(names)):
            raise ConfigError(f"genzoo.toml: {what} {twice[0]!r} is there twice")
