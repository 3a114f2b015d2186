"""One thread, as the protocol counts time, and a cache of its own."""

from __future__ import annotations

from zoos import one_thread, zoo

__all__ = ["one_thread", "zoo"]
