"""The digest that a repository promises of a file, compared with that of its bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_BLOB = re.compile(r"[0-9a-f]{40}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Promise:
    """A digest that a file must have.

    Attributes:
        sha256: Of its bytes, or "".
        git_blob: The name that git gives it, a SHA-1; what the Hub knows of a small file.
    """

    sha256: str = ""
    git_blob: str = ""

    @classmethod
    def of_etag(cls, etag: str) -> Promise:
        """What the Hub's ETag of a file promises: a sha256, or git's name for a small file."""
        if _SHA256.fullmatch(etag):
            return cls(sha256=etag)
        return cls(git_blob=etag) if _GIT_BLOB.fullmatch(etag) else cls()

    def holds_for(self, path: Path) -> bool:
        """Whether a file has this digest; an empty promise holds for every file.

        Raises:
            OSError: It cannot be read.
        """
        if self.sha256:
            return sha256_of(path) == self.sha256
        if not self.git_blob:
            return True
        with path.open("rb") as file:
            digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest() == self.git_blob

    def __str__(self) -> str:
        return f"sha256 {self.sha256[:12]}…" if self.sha256 else f"git blob {self.git_blob[:12]}…"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
