"""What genzoo has of the Hub's cache: its model files, and what is left over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genzoo_core.cards import ModelCard
from genzoo_core.errors import GenzooError
from genzoo_hub.promises import Promise, sha256_of
from genzoo_hub.reference import SCHEME, SUFFIX, Reference, is_commit, parse
from genzoo_hub.repo_cache import SET_ASIDE, RepoCache, cache_folder

MAX_HEADER = 1_000_000
_PREFIX = "models--"


@dataclass(frozen=True)
class CachedModel:
    """A model file in the cache.

    Attributes:
        reference: What it is asked for by, at its commit.
        path: Where it lies.
        refs: Branches and tags that were at its commit when they were last asked for.
        size: In bytes.
        sha256: Its digest.
        promise: What its repository promised of it.
    """

    reference: Reference
    path: Path
    refs: tuple[str, ...]
    size: int
    sha256: str
    promise: Promise

    @property
    def state(self) -> str:
        """Whether it is "ok" or "damaged"; "unknown" where no promise is known."""
        if self.promise == Promise():
            return "unknown"
        return "ok" if self.promise.kept_by(self.path) else "damaged"


@dataclass(frozen=True)
class Waste:
    """What can be removed.

    Attributes:
        path: A file, or the folder of an old commit.
        what: What it is, in words.
        size: Bytes that it takes.
        commit: The commit, where it is an old one.
    """

    path: Path
    what: str
    size: int
    commit: str = ""


def cached_models() -> list[CachedModel]:
    """The model files of genzoo's in the Hub's cache, by repository, newest commit first."""
    return [model for cache in _repositories() for model in _models(cache)]


def find_waste(cards: Iterable[ModelCard]) -> list[Waste]:
    """What can be removed of the repositories with models of genzoo's.

    That is what broken downloads have left, files that were set aside, and commits but for the
    newest of each repository, those that a branch or tag was at, and those that an installed
    model's card names.

    Args:
        cards: Of the installed models.
    """
    pinned = set(_pinned(cards))
    waste: list[Waste] = []
    for cache in _repositories():
        commits = dict.fromkeys(model.reference.revision for model in _models(cache))
        waste += [
            Waste(path, "left over", _size(path))
            for path in cache.leftovers()
            # Where there is no model of ours, a partial download is another library's.
            if commits or path.name.endswith(SET_ASIDE)
        ]
        for commit in list(commits)[1:]:
            if cache.refs(commit) or commit in pinned:
                continue
            folder = cache.folder / "snapshots" / commit
            waste.append(Waste(folder, f"{cache.repo}@{commit[:12]}", _only_here(folder), commit))
    return waste


def remove(waste: Sequence[Waste]) -> None:
    """Remove what was found.

    Raises:
        OSError: The cache cannot be written to.
    """
    from huggingface_hub import scan_cache_dir

    for one in waste:
        if not one.commit:
            one.path.unlink(missing_ok=True)
    commits = [one.commit for one in waste if one.commit]
    if commits:
        scan_cache_dir(cache_folder()).delete_revisions(*commits).execute()


def is_model_file(path: Path) -> bool:
    """Whether the header of a safetensors file says that genzoo wrote it."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER:
                return False
            metadata = json.loads(file.read(length)).get("__metadata__", {})
            return bool(metadata.get("format") == "genzoo")
    except (OSError, ValueError, AttributeError, RecursionError):
        return False


def _repositories() -> Iterator[RepoCache]:
    for folder in sorted(cache_folder().glob(f"{_PREFIX}*--*")):
        owner, _, name = folder.name.removeprefix(_PREFIX).partition("--")
        if folder.is_dir() and "--" not in name:
            yield RepoCache(f"{owner}/{name}")


def _models(cache: RepoCache) -> Iterator[CachedModel]:
    for commit in cache.commits():
        root = cache.folder / "snapshots" / commit
        for path in sorted(root.rglob(f"*{SUFFIX}")):
            file = path.relative_to(root).as_posix()
            if is_model_file(path) and cache.find(commit, file) is not None:
                yield CachedModel(
                    Reference(cache.repo, file, commit),
                    path,
                    cache.refs(commit),
                    path.stat().st_size,
                    sha256_of(path),
                    cache.promise(path),
                )


def _pinned(cards: Iterable[ModelCard]) -> Iterator[str]:
    for card in cards:
        if card.weights.startswith(SCHEME):
            try:
                revision = parse(card.weights).revision
            except GenzooError:
                continue
            if is_commit(revision):
                yield revision


def _only_here(folder: Path) -> int:
    """Bytes of a commit's files that no other commit has too."""
    others = {
        path.resolve()
        for sibling in folder.parent.iterdir()
        if sibling != folder
        for path in sibling.rglob("*")
        if path.is_file()
    }
    own = {path.resolve() for path in folder.rglob("*") if path.is_file()}
    return sum(_size(path) for path in own - others)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
