"""A running server, and what tests ask of it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

from genzoo.cli import main

WAIT = 120.0
"""Seconds after which a test gives up."""


class Server:
    """`genzoo serve` as a process on loopback, which runs some code before."""

    def __init__(self, *arguments: str, port: int = 0, code: str = "") -> None:
        run = f"{code}\nimport sys; from genzoo.cli import main; sys.exit(main())"
        genzoo = ["-c", run] if code else ["-m", "genzoo"]
        command = [sys.executable, *genzoo, "serve", *arguments, "--port", str(port)]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert self.process.stderr is not None
        self.lines: list[str] = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r" at (http://\S+?:(\d+));", line):
                self.url, self.port = found[1], int(found[2])
                break
        else:
            raise AssertionError("".join(self.lines))
        self._reader = threading.Thread(target=self.lines.extend, args=(self.process.stderr,))
        self._reader.start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT)
        self._reader.join(WAIT)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers in lower case, and body."""
        return self.send("GET", path, None, **headers)

    def send(
        self, method: str, path: str, body: bytes | None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Likewise of any method; `content_type` is the header Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(self.url + path, body, named, method=method)
        try:
            with urlopen(request, timeout=WAIT) as answer:
                return answer.status, lower(answer.headers), answer.read()
        except HTTPError as error:
            return error.code, lower(error.headers), error.read()

    def generate(self, **fields: Any) -> dict[str, Any]:
        """The answer to a request that must succeed."""
        status, _, body = self.post(fields)
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    def post(self, fields: object, path: str = "generations") -> tuple[int, dict[str, str], bytes]:
        """Send JSON."""
        body = json.dumps(fields).encode()
        return self.send("POST", f"/v1/images/{path}", body, content_type="application/json")

    def metric(self, name: str, **labels: str) -> float:
        """A value of /metrics, summed over what is not named."""
        found = 0.0
        for line in self.get("/metrics")[2].decode().splitlines():
            each = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if each and each[1] == name:
                pairs = dict(re.findall(r'(\w+)="([^"]*)"', each[2] or ""))
                found += float(each[3]) if labels.items() <= pairs.items() else 0.0
        return found

    def memory(self) -> int:
        """Bytes that the process has in memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A bare connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as opened:
            yield opened

    def raw(self, fields: dict[str, Any]) -> bytes:
        """A request for pictures as bytes."""
        body = json.dumps(fields).encode()
        head = f"POST /v1/images/generations HTTP/1.1\r\nHost: localhost:{self.port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


def lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def wait_until(reached: Callable[[], bool]) -> None:
    """Wait for what comes by itself."""
    end = time.monotonic() + WAIT
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)


def pixels(png: bytes | str) -> np.ndarray[Any, Any]:
    """A picture's pixels, from its file or from that in base64."""
    data = base64.b64decode(png) if isinstance(png, str) else png
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def apart(mine: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> int:
    """The largest difference of two pictures, of 255."""
    assert mine.shape == others.shape
    return int(np.abs(mine - others).max())


def made_by_run(folder: Path, model: str, *arguments: str) -> list[np.ndarray[Any, Any]]:
    """What `genzoo run` makes."""
    out = folder / f"run-{len(os.listdir(folder))}"
    assert main(["run", model, *arguments, "-o", f"{out}/"]) == 0
    return [pixels(path.read_bytes()) for path in sorted(out.glob("*.png"))]


def png(size: tuple[int, int] = (32, 32), colour: Any = "red", mode: str = "RGB") -> bytes:
    """A picture's file."""
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


def error_of(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Status and message of an error, which has OpenAI's form."""
    status, headers, body = answer
    assert headers["content-type"].startswith("application/json"), body
    error = json.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert isinstance(error["type"], str)
    assert "unexpected failure" not in error["message"].lower()
    return status, error["message"]
