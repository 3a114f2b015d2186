"""The published weights of a backbone: from the Hugging Face Hub, once, as safetensors."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from genzoo_core import ConfigError, HubError, IntegrityError
from genzoo_core.downloads import bounded_answers, download, public
from genzoo_timm.backbones import Backbone

PATIENCE = 5.0
"""Seconds to wait for the Hub's answer, unless HF_HUB_ETAG_TIMEOUT says otherwise."""

FILE = "model.safetensors"
"""Where weights are in a repository of timm's; its other files of them are pickles."""


def weights_of(backbone: Backbone) -> Path:
    """The safetensors file with the weights of a backbone; what is cached is not fetched.

    Raises:
        ConfigError: It has no weights on the Hub.
        HubError: They are not on this machine, and the Hub does not deliver them.
        IntegrityError: The file is not the one that the Hub promised.
    """
    if not backbone.repository:
        raise ConfigError(
            f"timm has no weights of {backbone.name} on the Hugging Face Hub",
            f"set pretrained = false, or see `timm.list_pretrained('{backbone.name}*')`",
        )
    # timm writes a revision behind the repository's name.
    repository, _, revision = backbone.repository.partition("@")
    path = _cached(repository, revision or "main")
    path = path or _fetched(backbone.name, repository, revision or "main")
    _check(path, f"hf://{repository}/{FILE}")
    return path


def _cached(repository: str, revision: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, FILE, revision=revision)
    return Path(found) if isinstance(found, str) else None


def _fetched(name: str, repository: str, revision: str) -> Path:
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    own = os.environ.get("HF_HUB_ETAG_TIMEOUT")
    patience = float(constants.HF_HUB_ETAG_TIMEOUT) if own else PATIENCE
    try:
        # The download asks a Hub that does not answer again and again; this asks once.
        url = hf_hub_url(repository, FILE, revision=revision)
        with bounded_answers():
            promised = get_hf_file_metadata(url, timeout=patience).size
        return download(repository, FILE, revision, promised)
    except Exception as error:
        reason = public((str(error).splitlines() or [type(error).__name__])[0][:2000])[:200]
        endpoint = public(constants.ENDPOINT)
        raise HubError(
            f"the weights of {name} are not on this machine, and {endpoint} does not "
            f"give {repository}/{FILE} ({reason})",
            f"fetch them where there is a network (`hf download {repository} {FILE}`), "
            "or set pretrained = false",
        ) from error


def _check(path: Path, what: str) -> None:
    """Compare a cached file with its name in the cache, which is the sha256 that the Hub gave."""
    promised = path.resolve().name
    if not re.fullmatch(r"[0-9a-f]{64}", promised):
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != promised:
        raise IntegrityError(
            f"{what} has the sha256 {found[:12]}…, but the Hub promised {promised[:12]}…",
            f"remove {path.resolve()}, and it will be fetched again",
        )
