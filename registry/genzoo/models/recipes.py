"""Recipes as they lie on a disk."""

from __future__ import annotations

from pathlib import Path

import msgspec

from genzoo.files.strict_toml import read_toml
from genzoo.text import brief
from genzoo_core.errors import ConfigError, UsageError
from genzoo_core.recipe import Recipe, as_recipe


def read_recipe(path: Path) -> Recipe:
    """The recipe in the TOML file at `path`.

    Raises:
        UsageError: No such file.
        ConfigError: Not a well-formed recipe.
    """
    try:
        return as_recipe(read_toml(path))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise UsageError(f"there is no recipe {path}") from None
    except OSError as error:
        raise ConfigError(f"cannot read recipe {path}: {error.strerror}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"recipe {path}: {brief(error)}") from None
    except (ValueError, RecursionError) as error:  # no UTF-8, no TOML, an int without end
        raise ConfigError(f"recipe {path} is not TOML: {brief(error)}") from None
