"""Configs and options as typed data."""

from __future__ import annotations

from typing import dataclass_transform

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


class NoOptions(Config):
    """The config or the options of what has nothing to set."""
