"""Whether what is not on this machine may be fetched. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ALLOWED: ContextVar[bool] = ContextVar("genzoo_downloads", default=True)


def downloads_allowed() -> bool:
    """False within `no_downloads`. A component that would fetch something asks this first."""
    return _ALLOWED.get()


@contextmanager
def no_downloads() -> Iterator[None]:
    """Within it nothing is fetched: a picture is made again from what is on this machine."""
    token = _ALLOWED.set(False)
    try:
        yield
    finally:
        _ALLOWED.reset(token)
