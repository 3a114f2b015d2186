"""How a repository of genzoo is recognised: by its `config.json`, or a model file's header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from genzoo_core.errors import ConfigError

NAME = "config.json"
FORMAT = "genzoo"
MAX_BYTES = 1_000_000
"""A larger one is not read, nor a larger header."""


class RepoConfig(msgspec.Struct, frozen=True):
    """What `config.json` says of a model file at the path `file`.

    Attributes:
        format: "genzoo"; another library has another.
        model: What the file's header says is to be built, for readers: nothing is built from it.
    """

    format: str = ""
    file: str = ""
    sha256: str = ""
    size: int = 0
    format_version: str = "1"
    model: dict[str, Any] = {}


class _Marked(msgspec.Struct):
    format: Any = None


def read_config(path: Path, where: str) -> RepoConfig | None:
    """What a `config.json` says; None where another library wrote it.

    `where` names the repository in messages.

    Raises:
        ConfigError: genzoo's format, but not well-formed; or too large to be read.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{NAME} of {where} has more than {MAX_BYTES:,} bytes")
    try:
        if msgspec.json.decode(data, type=_Marked).format != FORMAT:
            return None
        return msgspec.json.decode(data, type=RepoConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{NAME} of {where}: {error}") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ConfigError(f"{NAME} of {where} is no JSON: {error}") from error


def is_model_file(path: Path) -> bool:
    """Whether the header of a safetensors file says that genzoo wrote it.

    Raises:
        OSError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_BYTES:
                return False
            metadata = json.loads(file.read(length)).get("__metadata__", {})
            return bool(metadata.get("format") == "genzoo")
    except (ValueError, AttributeError, RecursionError):
        return False
