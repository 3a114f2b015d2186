"""The process: uvicorn, and its end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import click
import uvicorn

from genzoo_core import GenzooError
from genzoo_serve.app import Metered, create_app
from genzoo_serve.limits import Limits
from genzoo_serve.service import Service

BACKLOG = 2048
"""Connections that the system lets wait."""


def run(service: Service, *, host: str, port: int, key: str | None, grace: int) -> None:
    """Serve until SIGTERM or Ctrl-C; what is under way is finished, a second one ends it.

    Raises:
        GenzooError: The port cannot be had.
    """
    app = Metered(Limits(create_app(service, version("genzoo")), key))
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        backlog=BACKLOG,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=grace,
    )
    listening = _listen(host, port)
    place = listening.getsockname()[:2]
    address = f"[{place[0]}]" if ":" in place[0] else place[0]
    count = len(service.models.cards)
    models = f"{count} model{'' if count == 1 else 's'}"
    click.echo(f"serving {models} at http://{address}:{place[1]}; Ctrl-C ends it", err=True)
    try:
        _Server(config).run(sockets=[listening])
    finally:
        service.models.close(grace)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise GenzooError(
            f"cannot listen at {host}, port {port}: {error.strerror}", "choose another --port"
        ) from error
    return listening


class _Server(uvicorn.Server):
    """uvicorn's, which would raise the signal again once it has ended well."""

    @contextmanager
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
