"""Reading the measured figures of a plugin's models, which lie in a file beside the manifest."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from genzoo.files.cards import check_figures
from genzoo.files.strict_json import parse_json
from genzoo.text import brief, quoted
from genzoo_core.errors import ConfigError, did_you_mean
from genzoo_core.manifest import Figures, Manifest
from genzoo_core.reading import read_bytes

FIGURES = "figures.json"

MAX_BYTES = 2**20
"""Size of the largest file that is read; the largest of genzoo's own has 20 kB."""


def with_figures(manifest: Manifest, folder: Path) -> Manifest:
    """The manifest with the measured figures that `folder` holds in the cards of its models.

    Raises:
        ConfigError: The file cannot be read, or is not what `Figures` says; says where.
    """
    file = os.path.join(folder, FIGURES)
    if not os.path.lexists(file):
        return manifest
    try:
        text = read_bytes(file, MAX_BYTES).decode("utf-8")
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
