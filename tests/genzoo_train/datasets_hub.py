"""A Hub on loopback that has one dataset, as far as `datasets` asks when it streams."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAME, SHA = "acme/dots", "1" * 40


class DatasetsHub:
    """The server.

    Attributes:
        files: Of the dataset, by their paths.
        asked: Method, path and range of each request for a file, in their order.
        broken: Files are refused.
    """

    def __init__(self, folder: Path) -> None:
        self.files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self.asked: list[tuple[str, str, str]] = []
        self.broken = False
        self.url = ""


def handler(hub: DatasetsHub) -> type[BaseHTTPRequestHandler]:
    """What answers the requests for `hub`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            if path.startswith(f"/datasets/{NAME}/resolve/"):
                return self.file(path.removeprefix(f"/datasets/{NAME}/resolve/").partition("/")[2])
            api, _, rest = path.partition(f"/api/datasets/{NAME}")
            if api or rest.startswith("/parquet"):
                return self.send(404, b"{}")
            if rest.startswith("/tree/"):
                return self.json([entry(name) for name in hub.files])
            siblings = [{"rfilename": name} for name in hub.files]
            return self.json({"id": NAME, "sha": SHA, "tags": [], "siblings": siblings})

        do_HEAD = do_GET  # noqa: N815

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = re.findall(r"paths=([^&]*)", body.decode())
            if body[:1] == b"{":
                asked = json.loads(body)["paths"]
            self.json([entry(unquote(name)) for name in asked if unquote(name) in hub.files])

        def file(self, name: str) -> None:
            hub.asked.append((self.command, name, self.headers.get("Range", "")))
            data = hub.files.get(name)
            if hub.broken or data is None:
                return self.send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            headers = {"ETag": f'"{digest(data)}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
            if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                first, last = int(wanted[1]), int(wanted[2] or len(data) - 1)
                part = data[first : last + 1]
                headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(data)}"
                return self.send(206, part, headers)
            return self.send(200, data, headers)

        def json(self, value: object) -> None:
            self.send(200, json.dumps(value).encode())

        def send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    def digest(data: bytes) -> str:
        return hashlib.sha1(data).hexdigest()

    def entry(name: str) -> dict[str, object]:
        data = hub.files[name]
        return {"type": "file", "path": name, "size": len(data), "oid": digest(data)}

    return Handler


@contextmanager
def serving(folder: Path) -> Iterator[DatasetsHub]:
    """The files of a folder as the dataset "acme/dots"."""
    hub = DatasetsHub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
