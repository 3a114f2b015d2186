"""Values with a digest beside them, so that damage shows. Imports no torch."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Sealed(msgspec.Struct):
    """A value as JSON, and its digest."""

    sha256: str
    value: msgspec.Raw


def digest(name: str, content: bytes) -> str:
    """The sha256 of a content under its name: what belongs under another one differs."""
    return hashlib.sha256(name.encode() + b"\n" + content).hexdigest()


def seal(name: str, value: object) -> bytes:
    """A value as JSON with its digest, in one line."""
    content = msgspec.json.encode(value)
    return msgspec.json.encode(Sealed(digest(name, content), msgspec.Raw(content)))


def unseal(name: str, data: bytes, kind: type[T]) -> T | None:
    """The value that was sealed under a name; None where it is damaged or of another kind."""
    try:
        sealed = msgspec.json.decode(data, type=Sealed)
        if sealed.sha256 != digest(name, bytes(sealed.value)):
            return None
        return msgspec.json.decode(sealed.value, type=kind)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
