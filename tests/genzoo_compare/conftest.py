"""A zoo with a cache of its own."""

from __future__ import annotations

from zoos import one_thread, zoo

__all__ = ["one_thread", "zoo"]
