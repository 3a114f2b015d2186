"""What can be set, as typed data."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec


# The decorator tells type checkers what the flags below already do: a subclass is frozen too.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A typed, frozen struct that refuses fields which it does not know.

    The base of every config and every options of a component, and of what is read from files.
    Subclasses declare fields with defaults, limit their values with `msgspec.Meta` (see
    `genzoo_core.ranges`), and check what spans several in `__post_init__`, which raises
    `ValueError`.

    Further flags of `msgspec.Struct` are given as keywords: `tag` for one of a union of structs,
    `omit_defaults` for what is written, `kw_only` where a subclass has fields without a default.
    """
