"""What is checked of a request before it is read: its key, its host and its size."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import time
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genzoo_serve.errors import APIError

MAX_BODY = 64 * 2**20
"""Bytes of the largest request."""
MAX_FIELDS = 2**20
"""Bytes of the largest one in JSON, which has no files."""
MAX_HELD = 512 * 2**20
"""Bytes of all requests that are read or waiting; further ones are answered with 429."""
MAX_SECONDS = 120.0
"""How long a request may take to arrive."""
GUARDED = ("/v1/", "/metrics")
"""Where a key is needed, if there is one."""


class Limits:
    """Middleware that refuses wrong keys and hosts, and bodies that are too large or too slow.

    Without a `key` no client needs one. `local` says that this machine alone is served: a page in
    a browser may have a name of its own point to it, so requests to other names are refused.
    """

    def __init__(self, app: ASGIApp, key: str | None, *, local: bool) -> None:
        self._app, self._key, self._local = app, key, local
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        error = self._fault(scope["path"], headers)
        if error is not None:
            await error.response()(scope, receive, send)
            return
        most, until = _most(headers), time.monotonic() + MAX_SECONDS
        size, complete = 0, False

        async def counted() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise APIError(408, f"the request took over {MAX_SECONDS:.0f} seconds") from None
            complete = not message.get("more_body", False)
            part = len(message.get("body", b""))
            size += part
            self._held += part
            if size > most:
                raise _too_large(most)
            if self._held > MAX_HELD:
                raise APIError(429, "too many large requests are waiting; try again later")
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= size

    def _fault(self, path: str, headers: dict[bytes, bytes]) -> APIError | None:
        if self._local and not is_local(headers.get(b"host", b"")):
            what = "this server answers under localhost and 127.0.0.1 alone"
            return APIError(403, f"{what}; start it with --no-auth for other names")
        if self._key is not None and path.startswith(GUARDED):
            scheme, _, sent = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer":
                what = "no API key: send Authorization: Bearer KEY"
                return APIError(401, what, code="invalid_api_key")
            if not secrets.compare_digest(sent.strip(), self._key.encode()):
                return APIError(401, "wrong API key", code="invalid_api_key")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > _most(headers):
            return _too_large(_most(headers))
        return None


@lru_cache(64)
def is_local(host: bytes) -> bool:
    """Whether a Host header, with a port or not, names this machine."""
    try:
        return is_loopback(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a name or address can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _most(headers: dict[bytes, bytes]) -> int:
    kind = headers.get(b"content-type", b"").lower()
    return MAX_FIELDS if kind.startswith(b"application/json") else MAX_BODY


def _too_large(most: int) -> APIError:
    return APIError(413, f"the request has more than {most // 2**20} MiB")
