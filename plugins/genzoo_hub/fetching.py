"""From a reference to a file on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from genzoo_core.errors import HubError, IntegrityError
from genzoo_core.weights import WeightsFile
from genzoo_hub.client import is_offline
from genzoo_hub.downloading import bring
from genzoo_hub.failures import About, is_down, offline
from genzoo_hub.listing import resolve
from genzoo_hub.promises import Promise, sha256_of
from genzoo_hub.reference import NAME_LENGTH, SUFFIX, Reference, check_file, few, parse
from genzoo_hub.repo_cache import RepoCache
from genzoo_hub.repo_config import MAX_BYTES, NAME, read_config


def fetch(text: str, sha256: str = "") -> WeightsFile:
    """The file that a reference names, from the cache or the Hub, with its digest checked.

    `sha256` is the digest that it must have; "" for the one that its repository promises.

    Raises:
        UsageError: The reference is not of the form.
        ConfigError: The reference or the repository names a path that leaves the repository.
        IntegrityError: What the Hub has is not what was promised.
        HubError: The Hub does not deliver; says why.
    """
    reference = parse(text)
    if is_offline():
        if (found := cached(reference, sha256)) is not None:
            return found
        raise offline(About(reference.repo, reference.revision, reference.file))
    # A digest or a whole commit says which file it is, without a request.
    if (sha256 or reference.commit) and (found := cached(reference, sha256)) is not None:
        return found
    try:
        commit, names = resolve(reference)
    except HubError as error:
        found = cached(reference, sha256) if is_down(error) else None
        if found is None:
            raise
        click.echo(f"Warning: {error.message}; using {found.reference} from the cache", err=True)
        return found
    file, promise = _choose(reference, commit, names)
    path = bring(reference.repo, file, commit, Promise(sha256=sha256) if sha256 else promise)
    RepoCache(reference.repo).remember(reference.revision, commit)
    return _found(Reference(reference.repo, file, commit), path)


def cached(reference: Reference, sha256: str = "") -> WeightsFile | None:
    """The file that a reference names, where it is in the cache; makes no request.

    With a digest, a file of any commit that has it; else that of the commit of the last look-up.
    """
    cache = RepoCache(reference.repo)
    latest = cache.commit_of(reference.revision)
    commits = [latest] if latest else []
    if sha256:
        commits += [commit for commit in cache.commits() if commit != latest]
    for commit in commits:
        for file in _names(cache, reference, commit):
            path = cache.find(commit, file)
            if path is None:
                continue
            promise = Promise(sha256=sha256) if sha256 else cache.promise(path)
            if promise.holds_for(path):
                return _found(Reference(reference.repo, file, commit), path)
    return None


def _names(cache: RepoCache, reference: Reference, commit: str) -> Sequence[str]:
    """The file that is meant, as far as the cache tells."""
    if reference.file:
        return [reference.file]
    config = cache.find(commit, NAME)
    says = read_config(config, str(reference)) if config else None
    if says is not None and says.file:
        return [check_file(says.file, f"{NAME} of {reference}")]
    there = cache.model_files(commit)
    return there if len(there) == 1 else []


def _choose(reference: Reference, commit: str, names: Sequence[str]) -> tuple[str, Promise]:
    """The file that is meant, and what our own `config.json` promises of it."""
    repo, where = reference.repo, f"{reference.repo}@{commit[:12]}"
    models = [name for name in names if name.endswith(SUFFIX)]
    if reference.file:
        if names and reference.file not in names:
            there = f"it has {few(models)}" if models else "it has no model file"
            raise HubError(f"{where} has no file {reference.file!r} (404)", there)
        return reference.file, Promise()
    if NAME in names:
        says = read_config(bring(repo, NAME, commit, Promise(), max_bytes=MAX_BYTES), where)
        if says is not None and says.file:
            return check_file(says.file, f"{NAME} of {where}"), Promise(sha256=says.sha256)
    at_root = [name for name in models if "/" not in name]
    if len(at_root) == 1:
        return check_file(at_root[0], where), Promise()
    if at_root:
        example = f"name one, as in hf://{repo}/{at_root[0][:NAME_LENGTH]}"
        raise HubError(f"{where} has {len(at_root)} model files: {few(at_root)}", example)
    below = f"name one of {few(models)}" if models else None
    raise HubError(f"{where} has no {SUFFIX} file at its root", below)


def _found(reference: Reference, path: Path) -> WeightsFile:
    try:
        return WeightsFile(path, str(reference), sha256_of(path))
    except OSError as error:
        raise IntegrityError(f"cannot read {path}: {error.strerror}") from error
