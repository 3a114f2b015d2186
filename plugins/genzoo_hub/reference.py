"""What a reference to the Hub says: `hf://owner/repo[/file or folder][@revision]`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from genzoo_core.errors import ConfigError, UsageError

SCHEME = "hf://"
MAIN = "main"
"""The revision where none is named."""
SUFFIX = ".safetensors"
FORM = "write hf://owner/repo, hf://owner/repo/file.safetensors or hf://owner/repo@revision"

NAME_LENGTH = 60
"""Characters of a name from a Hub that a message repeats."""

MAX_PATH = 500
"""Characters of a file's path in a repository."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,199}")
_OTHER_KINDS = ("datasets", "spaces", "models", "buckets")
_CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of characters that no name of a file has: line ends and the like."""


@dataclass(frozen=True)
class Reference:
    """A file or a folder on the Hub.

    Attributes:
        repo: "owner/repo".
        file: Its path in the repository; "" where none was named.
        revision: A branch, a tag or a commit.
    """

    repo: str
    file: str = ""
    revision: str = MAIN

    @property
    def commit(self) -> str | None:
        """The revision where it is a whole commit, which never changes; None elsewhere."""
        return self.revision if is_commit(self.revision) else None

    def __str__(self) -> str:
        file = f"/{self.file}" if self.file else ""
        return f"{SCHEME}{self.repo}{file}@{self.revision}"


def parse(text: str) -> Reference:
    """The reference to a model file, or to a repository that has one.

    Raises:
        UsageError: `text` is not of the form.
        ConfigError: It names a file outside the repository, or one that is no safetensors file.
    """
    reference = _split(text)
    if reference.file:
        check_file(reference.file, repr(text[:120]))
    return reference


def parse_folder(text: str) -> Reference | None:
    """The reference to a folder of a repository; None for a safetensors file.

    Raises:
        UsageError: `text` is not of the form.
        ConfigError: It names a folder outside the repository.
    """
    reference = _split(text)
    if reference.file.endswith(SUFFIX):
        return None
    if reference.file:
        check_path(reference.file, repr(text[:120]))
    return reference


def _split(text: str) -> Reference:
    """What `text` says, its path unchecked."""
    first, slash, _ = text.removeprefix(SCHEME).partition("/")
    if ":" in first or (slash and "@" in first):
        # Not repeated: it may be a password.
        raise UsageError("a reference to the Hub holds no name or password; set HF_TOKEN", FORM)
    rest, at, revision = text.removeprefix(SCHEME).rpartition("@")
    if not at:
        rest, revision = revision, MAIN
    owner, _, rest = rest.partition("/")
    name, _, file = rest.removesuffix("/").partition("/")
    if owner in _OTHER_KINDS:
        raise UsageError(f"{text[:120]!r} does not name a model's repository", FORM)
    repo = check_repo(f"{owner}/{name}")
    if revision.endswith(SUFFIX):
        raise UsageError(f"{text[:120]!r}: the revision goes to the end", FORM)
    return Reference(repo, file, check_revision(revision))


def check_repo(name: str) -> str:
    """`name`, where it can be that of a repository; raises a UsageError elsewhere."""
    owner, _, repo = name.partition("/")
    if not all(_NAME.fullmatch(part) and not re.search(r"--|\.\.", part) for part in (owner, repo)):
        raise UsageError(f"{name[:120]!r} is no name of a repository", "names are owner/repo")
    return name


def check_revision(name: str) -> str:
    """`name`, where it can be a branch, a tag or a commit; raises a UsageError elsewhere."""
    if not _REVISION.fullmatch(name) or ".." in name or "//" in name or name.endswith("/"):
        raise UsageError(f"{name[:120]!r} is no revision", "give a branch, a tag or a commit")
    return name


def check_file(path: str, where: str) -> str:
    """`path`, where it can be that of a model file inside a repository; `where` names its source.

    Raises:
        ConfigError: It leaves the repository, or is that of no safetensors file.
    """
    check_path(path, where)
    if ":" in path or "@" in path or not path.isprintable():
        raise ConfigError(f"{where}: {path[:120]!r} is no path inside the repository")
    if not path.endswith(SUFFIX):
        raise ConfigError(
            f"{where}: {path[:120]!r} is no {SUFFIX} file", "files of other kinds are never loaded"
        )
    return path


def check_path(path: str, where: str) -> str:
    """`path`, where it stays inside a repository; `where` names its source.

    Raises:
        ConfigError: It leaves the repository, or holds control characters.
    """
    strange = "\\" in path or PureWindowsPath(path).drive or len(path) > MAX_PATH
    if (
        strange
        or any(part in ("", ".", "..") for part in path.split("/"))
        or any(unicodedata.category(character) in _CONTROLS for character in path)
    ):
        raise ConfigError(f"{where}: {path[:120]!r} is no path inside the repository")
    return path


def is_commit(revision: str) -> bool:
    """Whether a revision is a whole commit."""
    return _COMMIT.fullmatch(revision) is not None


def few(names: Sequence[str]) -> str:
    """The first five names, of each its beginning."""
    return ", ".join(name[:NAME_LENGTH] for name in names[:5])
