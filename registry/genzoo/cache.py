"""Where the index is kept."""

from __future__ import annotations

from genzoo.index import Index


def open_index(*, no_plugins: bool) -> Index:
    """The index of what is installed."""
    from genzoo.discovery import discover
    from genzoo.index import encode
    from genzoo.selection import Selection

    return Index(encode(discover(Selection.from_environment(no_plugins=no_plugins))))
