"""A repository in the Hub's cache, whose layout all of the Hub's libraries share.

models--owner--repo/refs/main                      the commit that a branch was at
models--owner--repo/snapshots/<commit>/<file>      a link to
models--owner--repo/blobs/<ETag>                   the bytes
models--owner--repo/.genzoo/<commit>               ours: genzoo fetched the commit as a folder

Read here and not by `huggingface_hub.scan_cache_dir`, which waits for ever at a pipe among the
refs, ends where a ref is not UTF-8, and leaves a repository out for one broken link in it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from genzoo_core.atomic import write_atomically
from genzoo_core.errors import HubError
from genzoo_hub.promises import Promise
from genzoo_hub.reference import SUFFIX, is_commit

PARTIAL = re.compile(r"(?P<etag>.+?)(\.[0-9a-f]{8})?\.incomplete")
"""A download in progress, or the rest of a broken one."""
SET_ASIDE = ".corrupt"
"""Ending of a file that was not what its repository promised."""
_LOCK_PATIENCE = 0.1
_MARKS = ".genzoo"


def cache_folder() -> Path:
    """The Hub's cache, where HF_HUB_CACHE or HF_HOME says."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


class RepoCache:
    """What is cached of a repository, "owner/repo"; nothing here makes a request.

    Attributes:
        root: The Hub's cache.
        folder: The repository's folder in it.
    """

    def __init__(self, repo: str) -> None:
        self.repo = repo
        self.root = cache_folder()
        self.folder = self.root / f"models--{repo.replace('/', '--')}"

    def commit_of(self, revision: str) -> str | None:
        """The commit that a revision was at when it was last looked up."""
        if is_commit(revision):
            return revision
        path = self.folder / "refs" / revision
        try:
            # A device or pipe is not opened, and at most 100 bytes are read.
            with path.open("rb") if path.is_file() else io.BytesIO() as file:
                commit = file.read(100).decode().strip()
        except (OSError, ValueError):
            return None
        return commit if is_commit(commit) else None

    def remember(self, revision: str, commit: str) -> None:
        """Save the commit that a revision is at, where the cache can be written to."""
        path = self.folder / "refs" / revision
        if revision == commit or self.commit_of(revision) == commit:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, commit.encode())

    def mark(self, commit: str) -> None:
        """Note that genzoo fetches files of a commit for a format: they are not another library's.

        Does nothing where the cache cannot be written to.
        """
        path = self.folder / _MARKS / commit
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def is_marked(self, commit: str) -> bool:
        """Whether files of a commit were fetched for a format."""
        return (self.folder / _MARKS / commit).is_file()

    def refs(self, commit: str) -> tuple[str, ...]:
        """The branches and tags that were at a commit when they were last looked up."""
        refs = self.folder / "refs"
        names = [path.relative_to(refs).as_posix() for path in refs.rglob("*") if path.is_file()]
        return tuple(sorted(name for name in names if self.commit_of(name) == commit))

    def snapshot(self, commit: str) -> Path:
        """The folder of a commit's files."""
        return self.folder / "snapshots" / commit

    def commits(self) -> list[str]:
        """The commits of which something is cached, newest first."""
        with contextlib.suppress(OSError):
            folders = [path for path in (self.folder / "snapshots").iterdir() if path.is_dir()]
            folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
            return [path.name for path in folders if is_commit(path.name)]
        return []

    def model_files(self, commit: str) -> list[str]:
        """Names of the model files that are cached at the root of a commit."""
        return [file for file in self.files(commit) if "/" not in file and file.endswith(SUFFIX)]

    def files(self, commit: str) -> list[str]:
        """Names of all that is cached of a commit but for folders, as paths in the repository."""
        root = self.snapshot(commit)
        with contextlib.suppress(OSError):
            paths = [path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()]
            return sorted(path.relative_to(root).as_posix() for path in paths)
        return []

    def find(self, commit: str, file: str) -> Path | None:
        """A cached file; None where it is not there.

        Raises:
            HubError: It is a link that leaves the cache.
        """
        path = self.snapshot(commit) / file
        try:
            if not path.is_file():
                return None
        except OSError as error:
            raise HubError(f"{path} cannot be read: {error.strerror}") from error
        if not self._stays(path):
            raise HubError(f"{path} is a link that leaves the Hub's cache", "remove it")
        return path

    def _stays(self, path: Path) -> bool:
        """Whether what a commit holds lies in the cache, of which any folder may be elsewhere.

        Its owner can link the cache, a repository or its blobs to another disk. Within a commit
        a link leads to the repository's blobs, or at least to somewhere in the cache.
        """
        real = Path(os.path.realpath(path))
        homes = (self.root, self.folder, self.folder / "blobs")
        if any(real.is_relative_to(os.path.realpath(home)) for home in homes):
            return True
        return path.is_symlink() and self._is_blob(self._blob(path))

    def _blob(self, path: Path) -> Path:
        """What holds the bytes of a cached file: the file that it is a link to, or itself."""
        if not path.is_symlink():
            return path
        return Path(os.path.normpath(os.path.realpath(path.parent) / Path(os.readlink(path))))

    def _is_blob(self, path: Path) -> bool:
        """Whether a path is that of something among the blobs, be that a link itself."""
        return os.path.realpath(path.parent) == os.path.realpath(self.folder / "blobs")

    def promise(self, path: Path) -> Promise:
        """What the repository promised of a cached file: its bytes lie under their ETag."""
        return Promise.of_etag(self._blob(path).name) if path.is_symlink() else Promise()

    def set_aside(self, path: Path) -> Path:
        """Take a cached file out of use, and say where it is now.

        Raises:
            OSError: The cache cannot be written to.
        """
        blob = self._blob(path)
        real = Path(os.path.realpath(blob))
        ours = any(real.is_relative_to(os.path.realpath(p)) for p in (self.root, self.folder))
        aside = self.folder / "blobs" / f"{blob.name}{SET_ASIDE}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.replace(real if ours else blob, aside)  # what its owner has elsewhere stays there
        for link in (path, blob):
            link.unlink(missing_ok=True)
        return aside

    def blobs(self, commit: str) -> set[Path]:
        """What holds the bytes of a commit's files: the repository's blobs alone."""
        links = (path for path in self.snapshot(commit).rglob("*") if path.is_symlink())
        return {blob for blob in map(self._blob, links) if self._is_blob(blob)}

    def remove(self, commit: str) -> None:
        """Remove a commit, and the blobs that no other one has.

        Raises:
            OSError: The cache cannot be written to.
        """
        for blob in self.only_in(commit):
            blob.unlink(missing_ok=True)
        shutil.rmtree(self.snapshot(commit))
        (self.folder / _MARKS / commit).unlink(missing_ok=True)

    def only_in(self, commit: str) -> set[Path]:
        """The blobs of a commit that no other one has."""
        others = (self.blobs(other) for other in self.commits() if other != commit)
        return self.blobs(commit).difference(*others)

    def leftovers(self) -> Iterator[Path]:
        """Partial downloads that no process continues, and files that were set aside."""
        blobs = self.folder / "blobs"
        yield from blobs.glob(f"*{SET_ASIDE}")
        for path in blobs.glob("*.incomplete"):
            match = PARTIAL.fullmatch(path.name)
            if match and not self._locked(match["etag"]):
                yield path

    def sweep(self) -> None:
        """Remove what killed downloads have left."""
        with contextlib.suppress(OSError):
            for path in self.leftovers():
                if not path.name.endswith(SET_ASIDE):
                    path.unlink(missing_ok=True)

    def _locked(self, etag: str) -> bool:
        """Whether a process is downloading these bytes: the Hub's client locks them meanwhile."""
        from huggingface_hub.utils import WeakFileLock

        lock = self.root / ".locks" / self.folder.name / f"{etag}.lock"
        if not lock.exists():
            return False
        try:
            with WeakFileLock(lock, timeout=_LOCK_PATIENCE):
                return False
        except TimeoutError:
            return True
