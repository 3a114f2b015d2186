"""Models from the Hugging Face Hub, and to it: `hf://owner/repo[/file or folder][@revision]`.

The Hub's client is imported when a reference of this scheme is met, or a command runs.
"""

from __future__ import annotations

from genzoo_core import Source, WeightsFile, hookimpl
from genzoo_hub.reference import SCHEME, parse


@hookimpl
def genzoo_resolve_weights(reference: str, sha256: str) -> WeightsFile | None:
    """Fetch a file from the Hub, from its cache where it is there."""
    if not reference.startswith(SCHEME):
        return None
    from genzoo_hub.fetching import fetch

    return fetch(reference, sha256)


@hookimpl
def genzoo_cached_weights(reference: str, sha256: str) -> WeightsFile | None:
    """A file in the Hub's cache; no request is made."""
    if not reference.startswith(SCHEME):
        return None
    from genzoo_hub.fetching import cached

    return cached(parse(reference), sha256)


@hookimpl
def genzoo_source(reference: str) -> Source | None:
    """The files of a repository on the Hub, or of a folder in it."""
    if not reference.startswith(SCHEME):
        return None
    from genzoo_hub.source import find_source

    return find_source(reference)
