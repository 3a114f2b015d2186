"""What genzoo fetched into the Hub's cache: models, and what can be removed of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError, HubError
from genzoo_hub.promises import Promise, sha256_of
from genzoo_hub.reference import SCHEME, SUFFIX, Reference, parse, parse_folder
from genzoo_hub.repo_cache import SET_ASIDE, RepoCache, cache_folder
from genzoo_hub.repo_config import is_model_file

_PREFIX = "models--"


@dataclass(frozen=True)
class CachedModel:
    """A model file of genzoo's in the cache, or what was fetched of another's repository.

    Attributes:
        reference: To it, at its commit.
        path: The file, or the folder of a repository.
        refs: Branches and tags that were at its commit when they were last looked up.
        sha256: Digest of the file; "" for a repository.
        promises: What the repository promised of each file.
    """

    reference: Reference
    path: Path
    refs: tuple[str, ...]
    size: int
    sha256: str
    promises: Mapping[Path, Promise]

    def verify(self) -> tuple[str, Path]:
        """Whether it is "ok" or "damaged", and where; "unknown" where nothing was promised."""
        for path, promise in self.promises.items():
            if not promise.holds_for(path):
                return "damaged", path
        promised = any(promise != Promise() for promise in self.promises.values())
        return "ok" if promised else "unknown", self.path


@dataclass(frozen=True)
class Waste:
    """What can be removed.

    Attributes:
        path: A file, or the folder of an old commit.
        cache: Its repository, where it is an old commit.
    """

    path: Path
    what: str
    size: int
    cache: RepoCache | None = None

    def remove(self) -> None:
        """Remove it; raises an OSError where the cache cannot be written to."""
        if self.cache is None:
            self.path.unlink(missing_ok=True)
        else:
            self.cache.remove(self.path.name)


def cached_models(left_out: list[str]) -> list[CachedModel]:
    """What genzoo fetched into the Hub's cache, by repository, newest commit first.

    `left_out` gets a line for each thing that cannot be read.
    """
    return [model for cache in _repositories(left_out) for model in _models(cache, left_out)]


def find_waste(cards: Iterable[ModelCard], left_out: list[str]) -> list[Waste]:
    """What can be removed of the repositories with models of genzoo's.

    That is what broken downloads have left, files that were set aside, and commits but for the
    newest of each repository, those that a branch or tag was at, and those that `cards`, of the
    installed models, name. `left_out` is as of `cached_models`.
    """
    pinned = set(_pinned(cards))
    waste: list[Waste] = []
    for cache in _repositories(left_out):
        commits = dict.fromkeys(model.reference.revision for model in _models(cache, left_out))
        waste += [
            Waste(path, "left over", _size(path))
            for path in cache.leftovers()
            # Where there is no model of ours, a partial download is another library's.
            if commits or path.name.endswith(SET_ASIDE)
        ]
        for commit in list(commits)[1:]:
            if cache.refs(commit) or commit in pinned:
                continue
            folder = cache.snapshot(commit)
            freed = sum(map(_size, cache.only_in(commit)))
            waste.append(Waste(folder, f"{cache.repo}@{commit[:12]}", freed, cache))
    return waste


def _repositories(left_out: list[str]) -> Iterator[RepoCache]:
    try:
        folders = sorted(cache_folder().glob(f"{_PREFIX}*--*"))
    except OSError as error:
        left_out.append(f"{cache_folder()}: {error.strerror}")
        return
    for folder in folders:
        owner, _, name = folder.name.removeprefix(_PREFIX).partition("--")
        if "--" in name:
            continue
        try:
            list((folder / "snapshots").iterdir())
        except OSError as error:
            left_out.append(f"{folder}: its snapshots cannot be read ({error.strerror})")
        else:
            yield RepoCache(f"{owner}/{name}")


def _models(cache: RepoCache, left_out: list[str]) -> Iterator[CachedModel]:
    for commit in cache.commits():
        is_folder, refs = cache.is_marked(commit), cache.refs(commit)
        files = _readable(cache, commit, "" if is_folder else SUFFIX, left_out)
        if is_folder:
            reference, folder = Reference(cache.repo, "", commit), cache.snapshot(commit)
            promises = {path: cache.promise(path) for path in files.values()}
            yield CachedModel(reference, folder, refs, sum(map(_size, promises)), "", promises)
            continue
        for file, path in files.items():
            try:
                if is_model_file(path):
                    promises = {path: cache.promise(path)}
                    reference, digest = Reference(cache.repo, file, commit), sha256_of(path)
                    yield CachedModel(reference, path, refs, _size(path), digest, promises)
            except OSError as error:
                left_out.append(f"{path}: {error.strerror}")


def _readable(cache: RepoCache, commit: str, suffix: str, left_out: list[str]) -> dict[str, Path]:
    """The cached files of a commit whose names end so, by name."""
    found: dict[str, Path] = {}
    for file in cache.files(commit):
        if not file.endswith(suffix):
            continue
        try:
            if path := cache.find(commit, file):
                found[file] = path
            else:
                path = cache.snapshot(commit) / file
                left_out.append(f"{path}: it is no file, nor a link to one that is there")
        except HubError as error:
            left_out.append(error.message)
    return found


def _pinned(cards: Iterable[ModelCard]) -> Iterator[str]:
    for card in cards:
        if card.weights.startswith(SCHEME):
            try:
                found = parse_folder(card.weights) or parse(card.weights)
            except GenzooError:
                continue
            if found.commit:
                yield found.commit


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
