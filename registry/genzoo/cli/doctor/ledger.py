"""The ledger, read: what `genzoo install` installed.

One file for each user, not for each environment: a new environment is what it is there for.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Literal

import msgspec

from genzoo.files.folders import config_folder
from genzoo.plugins.guard import warn
from genzoo_core.errors import ConfigError

FORMAT = 1
"""Version of the ledger's form. One of a later version is neither read nor written."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A distribution that was installed.

    Attributes:
        requirement: What the user asked for.
        distribution: Its normalised name.
        version: Its version.
        kind: Where it came from: a package index, a folder, a wheel or other archive, or a
            repository.
        url: Where that is, for all but an index.
        revision: Commit of a repository.
        sha256: Digest of an archive.
        subdirectory: Where in a repository or archive the project lies.
        editable: Whether a folder was installed to stay where it is.
        extras: Extras that were asked for, "[train]".
    """

    requirement: str
    distribution: str
    version: str
    kind: Literal["index", "folder", "archive", "repository"]
    url: str = ""
    revision: str = ""
    sha256: str = ""
    subdirectory: str = ""
    editable: bool = False
    extras: str = ""


def ledger_file() -> Path:
    """Where the ledger is."""
    return Path(config_folder() or Path.home() / ".genzoo") / "installed.json"


def read_ledger() -> list[Entry]:
    """What was installed, in the order in which that was. Malformed entries are a warning.

    Raises:
        ConfigError: The file cannot be read at all, or a newer genzoo wrote it.
    """
    file = ledger_file()
    aside = f"repair it, or put it aside with `mv {quote(str(file))} {quote(f'{file}.old')}`"
    try:
        data = msgspec.json.decode(file.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"the ledger {file} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"the ledger {file} is damaged: {error}", aside) from error
    if not isinstance(data, dict) or not isinstance(data.get("installed"), list):
        raise ConfigError(f"the ledger {file} is damaged: no list `installed`", aside)
    version = data.get("version")
    if version != FORMAT:
        raise ConfigError(
            f"the ledger {file} is of version {version!r}; this genzoo knows {FORMAT}",
            "upgrade genzoo with `pip install -U genzoo`",
        )
    entries = []
    for position, fields in enumerate(data["installed"]):
        try:
            entries.append(msgspec.convert(fields, Entry))
        except msgspec.ValidationError as error:
            warn(f"the ledger {file}: entry {position} is left out: {error}")
    return entries
