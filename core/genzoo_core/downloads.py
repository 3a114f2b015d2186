"""Downloads from the Hugging Face Hub, limited in size and time. Imports no torch.

The Hub's client writes whatever a server sends, for as long as it sends. Here no server can send
more bytes than it promised, nor take longer than a transfer of that size may.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from genzoo_core.errors import GenzooError, HubError
from genzoo_core.progress import Lines, on_terminal
from genzoo_core.secrets import without_secrets
from genzoo_core.table import size as size_text

ANSWER_BYTES = 10_000_000
"""Limit of all responses to one query, in bytes; the names of 100,000 files are less."""

FILE_BYTES = 50_000_000_000
"""The largest file that is fetched; the Hub's client fetches no larger one over plain HTTP."""

_QUERY = re.compile(r"(\w://[^\s?#'\"]*)[?#][^\s'\"]*")

_ALLOWED: ContextVar[bool] = ContextVar("genzoo_downloads", default=True)


def downloads_allowed() -> bool:
    """False within `no_downloads`. A component calls this before it fetches anything."""
    return _ALLOWED.get()


@contextmanager
def no_downloads() -> Iterator[None]:
    """Within it nothing is fetched: a picture is made again from what is on this machine."""
    token = _ALLOWED.set(False)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def transfer_seconds(size: int) -> float:
    """Limit of a transfer of `size` bytes, in seconds: half a minute, and 20 s for each MB.

    It grows with HF_HUB_DOWNLOAD_TIMEOUT, which is 10 unless the environment says otherwise.
    """
    from huggingface_hub import constants

    seconds = constants.HF_HUB_DOWNLOAD_TIMEOUT * (3 + size / 500_000)
    return min(seconds, threading.TIMEOUT_MAX)


def bounded_answers(seconds: float = 60.0) -> AbstractContextManager[None]:
    """Within it, the Hub's responses in this thread are limited in memory and in time.

    Raises:
        HubError: The responses have more than `ANSWER_BYTES` in all, or take too many seconds.
    """
    return _bounded(_Bound("an answer", ANSWER_BYTES, seconds))


def download(repo: str, file: str, revision: str, size: int | None) -> Path:
    """Fetch a file into the Hub's cache by the Hub's client, limited to the promised size.

    Args:
        repo: "owner/repo".
        file: Path in it.
        revision: A branch, a tag or a commit.
        size: The size that the Hub promises, in bytes; None where it says nothing.

    Raises:
        HubError: It is too large, the disk too small, or the Hub sends something else.
        Exception: Whatever else the Hub's client raises.
    """
    import shutil  # with three compressors, which a listing has no use for

    from huggingface_hub import constants, hf_hub_download

    what = f"hf://{repo}/{file}"
    if size is None or size < 0:
        raise HubError(f"the Hub does not say how large {what} is", "check HF_ENDPOINT")
    if size > FILE_BYTES:
        raise HubError(f"{what} has {size:,} bytes; at most {FILE_BYTES:,} are fetched")
    cache = Path(constants.HF_HUB_CACHE).expanduser()
    room = shutil.disk_usage(next(p for p in (cache, *cache.parents) if os.path.exists(p))).free
    if size > room:
        raise HubError(
            f"{what} needs {size:,} bytes, {cache} has {room:,}",
            "make room (`genzoo cache prune`), or name another folder with HF_HUB_CACHE",
        )
    with _bounded(_Bound(what, size, transfer_seconds(size), is_file=True)):
        return Path(hf_hub_download(repo, file, revision=revision))


def public(text: str) -> str:
    """A message of a hub or its client, without passwords, tokens and the queries of addresses.

    A server can send the user's token back, and signed addresses let in whoever has them.
    """
    from huggingface_hub import get_token

    if token := get_token():
        text = text.replace(token, "…")
    return without_secrets(_QUERY.sub(r"\1", text), account="")


def _amount(count: float) -> str:
    """Bytes as text."""
    return size_text(round(count)) or "0 B"


class _Bound:
    """A limit of bytes and seconds for what is fetched.

    `is_file` says whether each response is the file, or the rest of it.
    """

    def __init__(self, what: str, size: int, seconds: float, *, is_file: bool = False) -> None:
        self.what, self.size, self.seconds, self.is_file = what, size, seconds, is_file
        self.over = False
        self.left, self.before = size, 0
        self.limit = f"the {size:,} bytes that are read of {what}"
        # On a terminal the client draws a bar, and else nothing.
        self.lines = Lines(what, "", amount=_amount) if is_file and not on_terminal() else None

    def begin(self, response: Any) -> None:
        """Apply the limit to a response, before anything of its body is read."""
        self.check()
        headers = response.headers
        # The client would wait for a year where a server says so.
        headers.pop("Retry-After", None)
        headers.pop("RateLimit", None)
        if headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise HubError(f"the Hub sends {self.what} compressed, though the request forbids that")
        if self.is_file and response.is_success:
            # The client's progress bar shows it, or else the end of the address, with its query.
            name = self.what.rpartition("/")[2].encode("ascii", "replace").decode()
            headers["Content-Disposition"] = f'filename="{name}";'
            self.left = self.size
            self.limit = f"the {self.size:,} bytes that it promised of {self.what}"
            if response.status_code == 206:  # the rest of a broken download
                start = response.request.headers.get("Range", "bytes=0-")
                self.before = int(start.removeprefix("bytes=").partition("-")[0])
                self.left -= self.before
        elif self.is_file:
            # A redirection, or an error message.
            self.left, self.limit = ANSWER_BYTES, f"the {ANSWER_BYTES:,} bytes that are read of it"
        if response.request.method != "HEAD":
            response.stream = _counted(response.stream, self)

    def late(self) -> HubError:
        return HubError(
            f"the Hub takes more than {self.seconds:.0f} seconds to send {self.what}",
            "HF_HUB_DOWNLOAD_TIMEOUT=60 waits longer",
        )

    def check(self) -> None:
        if self.over:
            raise self.late()

    def count(self, piece: bytes) -> bytes:
        self.check()
        self.left -= len(piece)
        if self.left < 0:
            raise HubError(f"the Hub sends more than {self.limit}", "check HF_ENDPOINT")
        if self.lines is not None:
            self.lines.update(max(self.before, self.size - self.left), self.size, self.before)
        return piece

    def end(self) -> None:
        """Stop the transfer: no timeout of the client covers a server that sends slowly."""
        from huggingface_hub import close_session

        self.over = True
        close_session()


_BOUND: ContextVar[_Bound | None] = ContextVar("genzoo_bound", default=None)
_WATCHING = threading.Lock()


@contextmanager
def _bounded(bound: _Bound) -> Iterator[None]:
    timer = threading.Timer(bound.seconds, bound.end)
    timer.daemon = True
    with ExitStack() as stack:
        stack.enter_context(_without_xet())
        _watch()
        stack.callback(_BOUND.reset, _BOUND.set(bound))
        timer.start()
        stack.callback(timer.cancel)
        try:
            yield
        except Exception as error:
            if isinstance(error, GenzooError) or not bound.over:
                raise
            raise bound.late() from error


def _watch() -> None:
    """Have the Hub's client report each request and response, for the threads with a limit."""
    from huggingface_hub import get_session, set_client_factory
    from huggingface_hub.utils import _http

    with _WATCHING:
        if _on_response in get_session().event_hooks["response"]:
            return
        # After a fault the client is made again, by this factory. A program may have set its own,
        # with its proxies and certificates, and no public name gives access to it.
        make = _http._GLOBAL_CLIENT_FACTORY

        def watched() -> Any:
            client = make()
            hooks = client.event_hooks
            client.event_hooks = {
                "request": [*hooks["request"], _on_request],
                "response": [*hooks["response"], _on_response],
            }
            return client

        set_client_factory(watched)


def _on_request(request: Any) -> None:
    if (bound := _BOUND.get()) is not None:
        bound.check()
        request.headers["Accept-Encoding"] = "identity"  # compressed data has no promised size


def _on_response(response: Any) -> None:
    if (bound := _BOUND.get()) is not None:
        bound.begin(response)


def _counted(stream: Any, bound: _Bound) -> Any:
    """A body whose pieces are counted as they come; of the class that the client's library has."""
    base = next(cls for cls in type(stream).__mro__ if cls.__name__ == "SyncByteStream")
    pieces = {
        "__iter__": lambda _: (bound.count(piece) for piece in stream),
        "close": lambda _: stream.close(),
    }
    return type("Counted", (base,), pieces)()


_XET_USERS = 0
_XET_BEFORE = False


@contextmanager
def _without_xet() -> Iterator[None]:
    """Within it, files come over the Hub's plain HTTP.

    hf_xet makes connections of its own, at an address that the server names, where nothing of
    ours counts; plain HTTP gives the same bytes.
    """
    global _XET_USERS, _XET_BEFORE  # noqa: PLW0603
    from huggingface_hub import constants

    with _WATCHING:
        if _XET_USERS == 0:
            _XET_BEFORE = constants.HF_HUB_DISABLE_XET
        _XET_USERS += 1
        constants.HF_HUB_DISABLE_XET = True
    try:
        yield
    finally:
        with _WATCHING:
            _XET_USERS -= 1
            if _XET_USERS == 0:
                constants.HF_HUB_DISABLE_XET = _XET_BEFORE
