"""What is decided of a request before it is read: its key and its size."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from genzoo_serve.errors import APIError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 64 * 2**20
"""Bytes of the largest request."""
GUARDED = ("/v1/", "/metrics")
"""Where a key is needed, if there is one."""


class TooLargeError(Exception):
    """A body has more than `MAX_BODY` bytes."""


class Limits:
    """Middleware that refuses wrong keys, and bodies that are too large, unread.

    Args:
        app: What is guarded.
        key: The key; None where everybody may ask.
    """

    def __init__(self, app: App, key: str | None) -> None:
        self._app, self._key = app, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = self._fault(scope)
        if error is not None:
            await error.response()(scope, receive, send)
            return
        read, started = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except TooLargeError:
            if not started:
                await _too_large().response()(scope, receive, send)

    def _fault(self, scope: Scope) -> APIError | None:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._key is not None and scope["path"].startswith(GUARDED):
            sent = headers.get(b"authorization", b"")
            if not secrets.compare_digest(sent, f"Bearer {self._key}".encode()):
                what = "wrong API key" if sent else "no API key: send Authorization: Bearer KEY"
                return APIError(401, what, code="invalid_api_key")
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > MAX_BODY:
            return _too_large()
        return None


def _too_large() -> APIError:
    return APIError(413, f"the request has more than {MAX_BODY // 2**20} MiB")
