"""One file of a repository at a commit: from the cache, or fetched and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from genzoo_core.downloads import download
from genzoo_core.errors import HubError, IntegrityError
from genzoo_hub.client import ask, quiet
from genzoo_hub.failures import About, explain, no_hub
from genzoo_hub.promises import Promise, sha256_of
from genzoo_hub.repo_cache import RepoCache

ATTEMPTS = 2
"""Downloads of a file that is not what was promised, before an error."""
_ETAG = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class RemoteFile:
    """What the Hub says of a file: its size in bytes, where it does, and its digest."""

    size: int | None
    promise: Promise


def bring(
    repo: str,
    file: str,
    commit: str,
    promise: Promise,
    *,
    size: int | None = None,
    max_bytes: int | None = None,
) -> Path:
    """A file at a commit, in the cache, that keeps its promise.

    A cached or fetched copy that does not is set aside, and the file is fetched once more.

    Args:
        repo, file, commit: What to fetch; the commit is a whole one.
        promise: Digest that it must have; an empty one stands for that of the repository.
        size: Bytes that it must have; None for any number.
        max_bytes: A larger file is refused.

    Raises:
        IntegrityError: What the Hub sends does not keep the promise.
        HubError: The Hub does not deliver, or the cache cannot hold it.
    """
    cache, about = RepoCache(repo), About(repo, commit[:12], file)
    path = cache.find(commit, file)
    wanted = promise
    aside: Path | None = None
    for _ in range(ATTEMPTS):
        if path is not None:
            wanted = promise if promise != Promise() else cache.promise(path)
            if wanted.holds_for(path):
                return path
            aside = _set_aside(cache, path, about, wanted)
        remote = look(repo, file, commit)
        if max_bytes is not None and (remote.size or 0) > max_bytes:
            raise HubError(f"{about} has {remote.size} bytes; at most {max_bytes} are read")
        if size is not None and remote.size != size:
            raise IntegrityError(
                f"{about} has {remote.size} bytes, but {size} were promised", "check HF_ENDPOINT"
            )
        path = _download(cache, file, commit, remote.size, about)
        wanted = promise if promise != Promise() else remote.promise
    assert path is not None
    if wanted.holds_for(path):
        return path
    found = Promise(sha256=sha256_of(path))
    aside = _set_aside(cache, path, about, wanted) or aside
    raise IntegrityError(
        f"{about} has {found}, but {wanted} was promised",
        f"it was fetched twice and is not used; the bad copy is {aside}",
    )


def look(repo: str, file: str, commit: str) -> RemoteFile:
    """What the Hub says of a file at a commit, without fetching it.

    Raises:
        HubError: The Hub does not know it, or does not answer.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    about = About(repo, commit[:12], file)
    url = hf_hub_url(repo, file, revision=commit)
    metadata = ask(lambda seconds: get_hf_file_metadata(url, timeout=seconds), about)
    if metadata.commit_hash != commit:
        raise no_hub(f"gives {about} without saying that it is of commit {commit[:12]}")
    # The client makes the ETag a file's name.
    if metadata.etag is None or not _ETAG.fullmatch(metadata.etag):
        raise no_hub(f"gives {about} no ETag that can be used")
    return RemoteFile(metadata.size, Promise.of_etag(metadata.etag))


def _download(cache: RepoCache, file: str, commit: str, size: int | None, about: About) -> Path:
    cache.sweep()
    try:
        with quiet():
            download(cache.repo, file, commit, size)
    except Exception as error:
        cache.sweep()
        raise explain(error, about) from error
    path = cache.find(commit, file)
    if path is None:
        raise HubError(f"the Hub's client did not put {about} into {cache.root}")
    return path


def _set_aside(cache: RepoCache, path: Path, about: About, wanted: Promise) -> Path | None:
    try:
        return cache.set_aside(path)
    except FileNotFoundError:  # another process was faster
        return None
    except OSError as error:
        raise IntegrityError(
            f"{path} is not what was promised ({wanted}), and cannot be replaced: {error.strerror}",
            f"remove it, and {about} will be fetched again",
        ) from error
