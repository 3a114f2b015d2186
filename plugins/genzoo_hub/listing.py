"""Which files a repository has at a commit, as the Hub lists them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from genzoo_core.errors import HubError
from genzoo_hub.client import ask
from genzoo_hub.downloading import RemoteFile
from genzoo_hub.failures import About, no_hub
from genzoo_hub.promises import Promise
from genzoo_hub.reference import Reference, check_path, is_commit

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

MOST_FILES = 10_000
"""Most files of a folder."""


def resolve(reference: Reference) -> tuple[str, list[str]]:
    """The commit that a revision is at, and the names of the repository's files there.

    Raises:
        HubError: The Hub does not know the repository or the revision, or does not answer.
    """
    from huggingface_hub import HfApi

    repo, revision = reference.repo, reference.revision
    info = ask(
        lambda s: HfApi().model_info(repo, revision=revision, timeout=s), About(repo, revision)
    )
    commit = info.sha if isinstance(info.sha, str) else ""
    if not is_commit(commit) or (reference.commit and commit != reference.commit):
        raise no_hub(f"does not say which commit {revision!r} is")
    if info.siblings is None:  # a mirror may leave them out
        found = _tree(Reference(repo, "", commit))
        return commit, [entry.path for entry in found if isinstance(entry.path, str)]
    # A Hub may answer with names that are no text.
    names = (sibling.rfilename for sibling in info.siblings)
    return commit, [name for name in names if isinstance(name, str)]


def list_folder(folder: Reference) -> dict[str, RemoteFile]:
    """What the Hub says of each file in a folder at a commit, by its path in the repository.

    Raises:
        ConfigError: A name that leaves the repository, or holds control characters.
        HubError: Too many files, one without a size or a digest, or the Hub does not answer.
    """
    found = _tree(folder)
    if len(found) > MOST_FILES:
        raise HubError(
            f"{folder} has more than {MOST_FILES:,} files", "name the folder in it that is meant"
        )
    return dict(_checked(entry, folder) for entry in found)


def _tree(folder: Reference) -> list[RepoFile]:
    """The files of a folder, one more than are allowed at most."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    def files() -> Iterator[RepoFile]:
        repo, path, commit = folder.repo, folder.file or None, folder.revision
        for entry in HfApi().list_repo_tree(repo, path, recursive=True, revision=commit):
            if isinstance(entry, RepoFile):
                yield entry

    about = About(folder.repo, folder.revision[:12], folder.file)
    return ask(lambda _: list(islice(files(), MOST_FILES + 1)), about)


def _checked(entry: RepoFile, folder: Reference) -> tuple[str, RemoteFile]:
    path, where = entry.path, str(folder)
    if not isinstance(path, str):
        raise no_hub(f"lists a file of {where} without a name")
    check_path(path, where)
    if folder.file and not path.startswith(f"{folder.file}/"):
        raise no_hub(f"lists {path[:120]!r} as a file of {where}")
    if type(entry.size) is not int or entry.size < 0:
        raise no_hub(f"does not say how large {path[:120]!r} of {where} is")
    promise = Promise.of_etag(str(entry.lfs.sha256 if entry.lfs else entry.blob_id))
    if promise == Promise():
        raise no_hub(f"gives no digest of {path[:120]!r} of {where}")
    return path, RemoteFile(entry.size, promise)
