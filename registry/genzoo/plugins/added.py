"""The user's own list: models that `genzoo add` put beside those of plugins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from genzoo.files.folders import models_file
from genzoo.plugins.manifests import check_listed
from genzoo.text import brief
from genzoo_core.cards import ModelCard, Word
from genzoo_core.config import Config
from genzoo_core.errors import ConfigError, GenzooError, UsageError
from genzoo_core.reading import read_bytes

FORMAT = 1
"""Version of the file's form. No other is read or written."""

LARGEST = 10_000_000
"""Bytes of the file at most."""

PATIENCE = 60.0
"""Seconds to wait for another genzoo, which may be copying a file for the list."""


class AddedModel(Config, omit_defaults=True):
    """An entry of the list.

    Attributes:
        card: `weights` is an absolute path or a reference ("hf://…"), `sha256` the digest of
            what was there.
        variant: Which of several files of weights is read of a folder.
    """

    card: ModelCard
    variant: Word = ""


class AddedModels(Config):
    """The content of the file, in the order in which models were added."""

    format: int
    models: tuple[AddedModel, ...]


def read_added() -> tuple[AddedModel, ...]:
    """The models in the list; a `ConfigError` where it cannot be read."""
    file = models_file()
    if file is None or not os.path.lexists(file):
        return ()
    try:
        added = msgspec.json.decode(read_bytes(file, LARGEST), type=AddedModels)
        names: set[str] = set()
        for model in added.models:
            check_listed(model.card, names)
            if not model.card.weights or not model.card.sha256:
                raise ConfigError(f"model {model.card.name} has no weights or no sha256")
    except OSError as error:
        raise ConfigError(f"your list of models {file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, ConfigError) as error:  # msgspec's errors are ValueErrors
        from shlex import quote

        aside = f"repair it, or put it aside: `mv {quote(file)} {quote(f'{file}.old')}`"
        text = f"your list of models {file} is damaged: {brief(error)}"
        raise ConfigError(text, aside) from error
    if added.format != FORMAT:
        versions = f"version {added.format}; this genzoo knows {FORMAT}"
        hint = "upgrade genzoo with `pip install -U genzoo`"
        raise ConfigError(f"your list of models {file} is of {versions}", hint)
    return added.models


@contextmanager
def editing() -> Iterator[list[AddedModel]]:
    """The models in the list, which is written anew at the end of the block.

    No other process writes meanwhile.

    Raises:
        GenzooError: It cannot be read or written.
    """
    from pathlib import Path

    from filelock import FileLock, Timeout

    from genzoo_core.atomic import write_atomically

    name = models_file()
    if name is None:
        raise UsageError("there is no place for a list of models", "set GENZOO_MODELS to a folder")
    file = Path(name)
    lock = FileLock(file.with_suffix(".lock"), timeout=PATIENCE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise GenzooError(f"another genzoo is writing {file}", "try again") from None
    except OSError as error:
        raise _not_written(name, error.strerror) from error
    try:
        models = list(read_added())
        yield models
        content = msgspec.json.encode(AddedModels(FORMAT, tuple(models)))
        content = msgspec.json.format(content, indent=2) + b"\n"
        if len(content) > LARGEST:
            raise _not_written(name, f"it would have more than {LARGEST:,} bytes")
        try:
            write_atomically(file, content)
        except OSError as error:
            raise _not_written(name, error.strerror) from error
    finally:
        lock.release()


def _not_written(file: str, why: str | None) -> GenzooError:
    return GenzooError(
        f"your list of models {file} cannot be written: {why}", "GENZOO_MODELS names its folder"
    )
