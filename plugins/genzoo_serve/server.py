"""The process: uvicorn, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from importlib.metadata import version

import click
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from genzoo_core import GenzooError
from genzoo_core.text import many
from genzoo_serve.app import Metered, create_app
from genzoo_serve.limits import Limits
from genzoo_serve.service import Service

BACKLOG = 2048
"""Connections that the system lets wait."""
HEAD_SECONDS = 30.0
"""How long the first line and the headers of a request may take to arrive."""
END = 5.0
"""Seconds for threads to end once no client waits any more."""


def run(
    service: Service, *, host: str, port: int, key: str | None, local: bool, grace: int
) -> None:
    """Serve until SIGTERM or Ctrl-C; what is under way has `grace` seconds then, a second ends it.

    Raises:
        GenzooError: The server cannot listen at the port.
    """
    app = Metered(Limits(create_app(service, version("genzoo")), key, local=local))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        backlog=BACKLOG,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        http=_Protocol,
        timeout_graceful_shutdown=grace,
    )
    listening = _listen(host, port)
    place = listening.getsockname()[:2]
    address = f"[{place[0]}]" if ":" in place[0] else place[0]
    cards = service.models.cards
    models = next(iter(cards)) if len(cards) == 1 else many(len(cards), "model")
    url = f"http://{address}:{place[1]}"
    click.echo(f"serving {models} at {url}; Ctrl-C ends it", err=True)
    click.echo(f"draw in a browser at {url}, or by its API: {url}/docs", err=True)
    server = _Server(config)
    _allow_connections()
    server.run(sockets=[listening])
    if server.force_exit or not service.models.close(END):
        # A batch is under way that nobody waits for, in a thread that Python would wait for.
        sys.stderr.flush()
        os._exit(1 if server.force_exit else 0)


def _allow_connections() -> None:
    """As many as the system lets this process have."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)  # before it is said where
    except OSError as error:
        raise GenzooError(
            f"cannot listen at {host}, port {port}: {error.strerror}", "choose another --port"
        ) from error
    return listening


class _Protocol(H11Protocol):
    """uvicorn's, which would wait for ever for a request's headers once some of them are there."""

    _until: float | None = None  # when the headers must be there; None where none are awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._limit_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._limit_head()

    def _limit_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._until = None
            return
        if self._until is None:
            self._until = self.loop.time() + HEAD_SECONDS
        self._unset_keepalive_if_required()
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_at(self._until, handler)


class _Server(uvicorn.Server):
    """uvicorn's, which would raise the signal again once it has ended well."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: object) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
