"""A Hub on loopback that promises one thing and sends another."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

COMMIT = "a" * 40
PIECE = b"[" * 65536
ENOUGH = 1 << 30
"""Bytes after which an answer without an end ends after all: whoever took them took them all."""


class HostileHub:
    """The repository "someone/digits" at one commit.

    Attributes:
        files: What is in it.
        fault: What goes wrong: "<what> <how>".
        sent: Bytes sent of bodies without an end.
        size: Promised in place of a file's own size, where it is not "".
        answer: What the API answers in place of what is true, where it is not None.
        trees: What it answers so to who asks for the files of a folder, one after another.
    """

    def __init__(self, files: dict[str, bytes], fault: str = "") -> None:
        self.files, self.fault = files, fault
        self.sent = 0
        self.size = ""
        self.answer: object = None
        self.trees: Iterator[object] = iter(())
        self.over = threading.Event()
        hub = self

        class Bound(_Handler):
            def __init__(self, *arguments: Any) -> None:
                self.hub = hub
                super().__init__(*arguments)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> HostileHub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HostileHub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if "/resolve/" in path:
            name = path.partition("/resolve/")[2].partition("/")[2]
            self._file(name, self.hub.files[name])
        elif "/tree/" in path:
            self._tree()
        elif path.startswith("/api/models/"):
            self._api()
        else:
            self._send(b"", {}, 404)

    def _api(self) -> None:
        siblings = [{"rfilename": name} for name in self.hub.files]
        answer = {"id": "someone/digits", "sha": COMMIT, "siblings": siblings}
        given = self.hub.answer
        self._misbehave("api", json.dumps(answer if given is None else given).encode(), {})

    def _tree(self) -> None:
        answer = [
            {"type": "file", "path": name, "size": len(data), "oid": _digest(name, data)}
            for name, data in self.hub.files.items()
        ]
        self._misbehave("tree", json.dumps(next(self.hub.trees, answer)).encode(), {})

    def _file(self, name: str, data: bytes) -> None:
        etag = _digest(name, data)
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
        headers["X-Linked-Size"] = self.hub.size or str(len(data))
        kind = "head" if self.command == "HEAD" else name.partition(".")[0]
        self._misbehave(kind, data, headers)

    def _misbehave(self, kind: str, data: bytes, headers: dict[str, str]) -> None:
        what, _, how = self.hub.fault.partition(" ")
        if what != kind:
            return self._send(data, headers)
        match how:
            case "for ever":
                self._for_ever({**headers, "Transfer-Encoding": "chunked"}, PIECE)
            case "longer":
                self._for_ever({**headers, "Content-Length": str(10**13)}, PIECE)
            case "slowly":
                self._for_ever({**headers, "Transfer-Encoding": "chunked"}, b"[", pause=0.1)
            case "headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
                while not self.hub.over.wait(0.1):
                    self.wfile.write(b"a")
            case "compressed":
                bomb = gzip.compress(bytes(50_000_000))
                self._send(bomb, {**headers, "Content-Encoding": "gzip"})
            case "again":
                self._send(b"", {"Location": self.path}, 302)
            case "later":
                self._send(b"", {"Retry-After": "1000000"}, 429)
            case "short":
                self._send(data[:100], headers)
        return None

    def _for_ever(self, headers: dict[str, str], piece: bytes, pause: float = 0) -> None:
        self._begin(200, headers)
        framed = b"%x\r\n%s\r\n" % (len(piece), piece) if "Content-Length" not in headers else piece
        while self.hub.sent < ENOUGH and not self.hub.over.wait(pause):
            self.wfile.write(framed)
            self.hub.sent += len(piece)

    def _send(self, data: bytes, headers: dict[str, str], status: int = 200) -> None:
        self._begin(status, {"Content-Length": str(len(data)), **headers})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _digest(name: str, data: bytes) -> str:
    """What the Hub says of a file: its sha256 where it is large, else its name in git."""
    if name.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
