"""Looking for models on the Hub."""

from __future__ import annotations

from dataclasses import dataclass

from genzoo_core.errors import UsageError
from genzoo_hub.client import ask
from genzoo_hub.failures import About, no_hub
from genzoo_hub.readme import TAG
from genzoo_hub.reference import NAME_LENGTH, SCHEME, check_repo

MOST_TAGS = 20
"""Tags of a model that a search shows."""


@dataclass(frozen=True)
class Hit:
    """A model on the Hub.

    Attributes:
        reference: "hf://owner/repo".
        tags: What its owner says of it, its family among that.
        license: Its licence, or "".
        downloads: How often it was fetched lately.
        likes: How many like it.
        updated: Day of the last change, or "".
    """

    reference: str
    tags: tuple[str, ...]
    license: str
    downloads: int
    likes: int
    updated: str


def search(text: str, limit: int) -> list[Hit]:
    """The models with genzoo's tag whose name holds `text`, most wanted first.

    Raises:
        HubError: The Hub does not answer, or refuses.
    """
    found = ask(lambda seconds: _request(text, limit, seconds), About())
    if not isinstance(found, list):
        raise no_hub("answers a search with something else")
    hits = [_hit(entry) for entry in found if isinstance(entry, dict)]
    return [hit for hit in hits if hit is not None][:limit]


def _request(text: str, limit: int, seconds: float) -> object:
    """One request, and no other: the client's own search asks a failing Hub for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import (
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    response = get_session().get(
        f"{constants.ENDPOINT}/api/models",
        params={"search": text, "filter": TAG, "limit": limit, "sort": "downloads", "full": "true"},
        headers=build_hf_headers(library_name=TAG),
        timeout=seconds,
    )
    hf_raise_for_status(response)
    found: object = response.json()
    return found


def _hit(entry: dict[str, object]) -> Hit | None:
    """What the Hub says of a model; None where that cannot be used."""
    try:
        repo = check_repo(str(entry.get("id") or entry.get("modelId") or ""))
    except UsageError:
        return None
    found = entry.get("tags")
    tags = [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
    licenses = [tag.removeprefix("license:") for tag in tags if tag.startswith("license:")]
    own = [tag[:NAME_LENGTH] for tag in tags if ":" not in tag and tag != TAG]
    return Hit(
        reference=f"{SCHEME}{repo}",
        tags=tuple(own[:MOST_TAGS]),
        license=licenses[0][:NAME_LENGTH] if licenses else "",
        downloads=_count(entry.get("downloads")),
        likes=_count(entry.get("likes")),
        updated=str(entry.get("lastModified") or "")[:10],
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**12 else 0
