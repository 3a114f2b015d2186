"""A folder of a repository whose files are fetched one by one, for the formats of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from genzoo_core.downloads import downloads_allowed
from genzoo_core.errors import ConfigError, HubError, IntegrityError
from genzoo_hub.client import is_offline
from genzoo_hub.downloading import RemoteFile, bring
from genzoo_hub.failures import is_down
from genzoo_hub.listing import list_folder, resolve
from genzoo_hub.reference import NAME_LENGTH, Reference, parse_folder
from genzoo_hub.repo_cache import RepoCache
from genzoo_hub.repo_config import MAX_BYTES, NAME, is_model_file, read_config


@dataclass(frozen=True)
class HubSource:
    """`genzoo_core.formats.Source` over a folder of a repository at a commit.

    Attributes:
        folder: At its commit.
        revision: Of the reference: a branch, a tag or the commit.
        listed: Size and digest of each file, by its path in the folder.
    """

    folder: Reference
    revision: str
    listed: Mapping[str, RemoteFile]

    @property
    def reference(self) -> str:
        """The reference to the very same files."""
        return str(self.folder)

    @property
    def files(self) -> Mapping[str, int]:
        """Size of each file in bytes, by its path in the folder."""
        return {name: file.size or 0 for name, file in self.listed.items()}

    def fetch(self, name: str) -> Path:
        """One of the files in the Hub's cache, with the digest that the repository promises.

        Raises:
            IntegrityError: What is cached, or what the Hub sends, is another one.
            HubError: It cannot be fetched, or no such file is listed.
        """
        promised = self.listed.get(name)
        if promised is None:
            raise HubError(f"{self.reference} has no file {name[:NAME_LENGTH]!r}")
        repo, commit = self.folder.repo, self.folder.revision
        file = f"{self.folder.file}/{name}".removeprefix("/")
        cache = RepoCache(repo)
        if not downloads_allowed():
            return _cached_file(cache, commit, file, promised)
        cache.mark(commit)
        path = bring(repo, file, commit, promised.promise, size=promised.size)
        cache.remember(self.revision, commit)
        return path


def find_source(text: str) -> HubSource | None:
    """The folder that a reference names; None where it names a model file, genzoo's own too.

    Without the Hub, or where it does not answer, it is what is cached of the folder.

    Raises:
        UsageError: The reference is not of the form.
        ConfigError: The reference, or a name in the repository, leaves the repository.
        HubError: The Hub does not deliver; says why.
    """
    reference = parse_folder(text)
    if reference is None:
        return None
    cache = RepoCache(reference.repo)
    latest = cache.commit_of(reference.revision)
    of_genzoo = latest is not None and _holds_model_file(cache, reference, latest)
    if is_offline() or not downloads_allowed():
        return None if of_genzoo or latest is None else _of_cache(cache, reference, latest)
    if of_genzoo and reference.commit:
        return None
    try:
        return _of_hub(reference)
    except HubError as error:
        if latest is None or not is_down(error):
            raise
        if of_genzoo:
            return None
        found = _of_cache(cache, reference, latest)
        if found is None:
            raise
        click.echo(f"Warning: {error.message}; using {found.reference} from the cache", err=True)
        return found


def _of_hub(reference: Reference) -> HubSource | None:
    commit, names = resolve(reference)
    folder = replace(reference, revision=commit)
    inside = f"{reference.file}/" if reference.file else ""
    if reference.file in names:
        return None
    if not any(name.startswith(inside) for name in names):
        lacks = f"has no folder {reference.file!r} (404)" if inside else "is empty"
        raise HubError(f"{reference.repo}@{commit[:12]} {lacks}")
    listed = list_folder(folder)
    own = listed.get(NAME) if not inside else None
    if own is not None and (own.size or 0) <= MAX_BYTES:
        config = bring(reference.repo, NAME, commit, own.promise, size=own.size)
        if _is_config_of_genzoo(config, str(folder)):
            return None
    return HubSource(
        folder,
        reference.revision,
        {path.removeprefix(inside): file for path, file in listed.items()},
    )


def _of_cache(cache: RepoCache, reference: Reference, commit: str) -> HubSource | None:
    """What is cached of a folder at a commit; None where that is nothing."""
    inside = f"{reference.file}/" if reference.file else ""
    listed = {}
    for file in cache.files(commit):
        path = cache.find(commit, file) if file.startswith(inside) else None
        if path is not None:
            listed[file.removeprefix(inside)] = RemoteFile(path.stat().st_size, cache.promise(path))
    folder = replace(reference, revision=commit)
    return HubSource(folder, reference.revision, listed) if listed else None


def _cached_file(cache: RepoCache, commit: str, file: str, promised: RemoteFile) -> Path:
    path = cache.find(commit, file)
    where = f"hf://{cache.repo}/{file}@{commit[:12]}"
    if path is None:
        raise HubError(f"{where} is not on this machine", "`genzoo pull` fetches it")
    if not promised.promise.holds_for(path):
        raise IntegrityError(
            f"{path} is not what was promised ({promised.promise})",
            "`genzoo pull` fetches it again",
        )
    return path


def _holds_model_file(cache: RepoCache, reference: Reference, commit: str) -> bool:
    """Whether a repository is one of genzoo's own, as far as the cache tells."""
    if reference.file:
        return False
    config = cache.find(commit, NAME)
    if config is not None and _is_config_of_genzoo(config, str(reference)):
        return True
    paths = [cache.find(commit, file) for file in cache.model_files(commit)]
    return len(paths) == 1 and paths[0] is not None and is_model_file(paths[0])


def _is_config_of_genzoo(path: Path, where: str) -> bool:
    """Whether `config.json` names a model file of genzoo's; that of others need be no JSON."""
    try:
        says = read_config(path, where)
    except ConfigError:
        return False
    return says is not None and bool(says.file)
