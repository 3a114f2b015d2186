"""Configs and options as typed data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, dataclass_transform, runtime_checkable

import msgspec


# For type checkers, which do not see the flags below: a subclass is frozen too.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typed, frozen struct that refuses unknown fields: the base of all configs and options.

    Subclasses declare fields with defaults, limit their values with `msgspec.Meta` (see
    `genzoo_core.ranges`), and check several fields together in `__post_init__`, which raises
    `ValueError`.

    Further flags of `msgspec.Struct` are keywords: `tag` for one of a union of structs,
    `omit_defaults` for what is written, `kw_only` where a subclass has fields without a default.
    """


@runtime_checkable
class Resolving(Protocol):
    """Options of which some that are left out mean what a model's config says elsewhere.

    Those that mean its field of the same name need no such method.
    """

    @staticmethod
    def resolved(config: Mapping[str, Any]) -> Mapping[str, object]:
        """By name, what options that are left out mean for a model of that config."""
        ...


class NoOptions(Config):
    """The config or the options of what has nothing to set."""
