"""Clients that are wrong, rude or hostile: each gets an error in OpenAI's form, others nothing."""

from __future__ import annotations

import contextlib
import json
import signal
import struct
import subprocess
import sys
import threading
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from serving import WAIT, Server, error_of, pixels, png, wait_until

MIB = 2**20
FORM = "multipart/form-data; boundary=x"
SLOW: dict[str, Any] = {"model": "flow-emoji", "prompt": "a", "steps": 1000, "guidance": 3.0}
"""A request that takes longer than a test."""


def form(**fields: str | bytes) -> bytes:
    """A multipart body; bytes are a file."""
    body = b""
    for name, value in fields.items():
        data = value if isinstance(value, bytes) else value.encode()
        file = '; filename="a"' if isinstance(value, bytes) else ""
        body += f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += data + b"\r\n"
    return body + b"--x--\r\n"


@pytest.mark.parametrize("path", ["generations", "edits", "variations", "encodings"])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"null"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"prompt": "\xff"}'),
        ("text/plain", b'{"model": "gan-mnist"}'),
        (FORM, b"--x\r\nfoo"),
        (FORM, b"no form"),
        (FORM, form(model="gan-mnist")[:-20]),
        (FORM, form(model="gan-mnist", picture=b"abc")),
        (FORM, form(image="a word")),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x; charset=utf-16", form(model="gan-mnist")),
    ],
)
def test_hostile_39_malformed_bodies(server: Server, path: str, kind: str, body: bytes) -> None:
    answer = server.send("POST", f"/v1/images/{path}", body, content_type=kind)
    assert error_of(answer)[0] == 400


WRONG = [None, True, -1, 2**70, 1e308, "\ud800", "a\0b", "../../etc/passwd", [], {}, ["x"]]
FIELDS = "model n size response_format output_format output_compression stream partial_images seed"
FIELDS += " steps guidance negative_prompt sampler options conditions background quality prompt"


@pytest.mark.parametrize("field", FIELDS.split())
def test_hostile_39_wrong_types_in_each_field(server: Server, field: str) -> None:
    fields = {"model": "gan-mnist", "prompt": "7"}
    for wrong in WRONG:
        status, headers, body = server.post({**fields, field: wrong})
        if status != 200:
            assert error_of((status, headers, body))[0] in (400, 404), (wrong, body)
    for huge in ("9" * 5000, "NaN", "-Infinity", "1e999", "{" * 5000):
        text = f'{{"model": "gan-mnist", "prompt": "7", "{field}": {huge}}}'.encode()
        if field in ("model", "prompt"):
            text = f'{{"{field}": {huge}}}'.encode()
        answer = server.send(
            "POST", "/v1/images/generations", text, content_type="application/json"
        )
        assert error_of(answer)[0] == 400


def test_hostile_39_fields_of_a_form(server: Server) -> None:
    image = png((28, 28))
    forms = [
        {"n": "many"},
        {"steps": "1" + "0" * 5000},
        {"strength": "nan"},
        {"strength": "2"},
        {"options": "{" * 50_000},
        {"options": '{"path": "/etc/passwd"}'},
        {"options[model]": "hf://owner/repo"},
        {"options[steps]": "../x"},
        {"conditions[style]": "/etc/passwd"},
        {"image[path]": "/etc/passwd"},
        {"inputs": "/etc/passwd"},
        {"loras": "hf://owner/repo"},
        {"latents": "/etc/passwd"},
        {"prompt": "a\0b"},
        {"input_fidelity": "high", "n": "-0"},
        {"\x00": "x"},
    ]
    for fields in forms:
        body = form(model="flow-mnist", image=image, **fields)
        answer = server.send("POST", "/v1/images/edits", body, content_type=FORM)
        assert error_of(answer)[0] == 400, fields
    twice = form(model="flow-mnist", image=image).removesuffix(b"--x--\r\n") + form(model="a")
    answer = server.send("POST", "/v1/images/edits", twice, content_type=FORM)
    assert error_of(answer) == (400, "'model' is set twice")
    many = form(image=image).removesuffix(b"--x--\r\n") * 18 + form(model="flow-mnist")
    answer = server.send("POST", "/v1/images/edits", many, content_type=FORM)
    assert error_of(answer)[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/images/generations", 405),
        ("PUT", "/v1/images/edits", 405),
        ("DELETE", "/v1/models/gan-mnist", 405),
        ("OPTIONS", "/v1/models", 405),
        ("GET", "/v1/none", 404),
        ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/v1/models/%ff%00", 404),
        ("GET", "/files/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/files/%00", 404),
    ],
)
def test_hostile_39_methods_and_paths(server: Server, method: str, path: str, status: int) -> None:
    answer = server.send(method, path, None)
    assert error_of(answer)[0] == status
    assert ("allow" in answer[1]) == (status == 405)
    assert server.send("HEAD", "/v1/none", None)[2] == b""


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "hf://owner/repo", "../x.safetensors", "~/x", "file:///x", "", "\0"]
)
def test_hostile_40_no_other_models_than_those_served(server: Server, name: str) -> None:
    status, message = error_of(server.post({"model": name, "prompt": "7"}))
    assert status in (400, 404)
    assert "/v1/models" in message
    body = form(model=name, image=png((28, 28)))
    assert error_of(server.send("POST", "/v1/images/edits", body, content_type=FORM))[0] in (
        400,
        404,
    )


def test_hostile_40_paths_stay_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "secret" / "mine.safetensors"
    path.parent.mkdir()
    export = [sys.executable, "-m", "genzoo", "export", "gan-mnist", "-o", str(path)]
    subprocess.run(export, check=True, capture_output=True)
    with Server(str(path)) as server:
        (model,) = json.loads(server.get("/v1/models")[2])["data"]
        assert model["id"] == "mine.safetensors"
        assert server.get("/v1/models/mine.safetensors")[0] == 200
        assert server.generate(model="mine.safetensors", prompt="7")["data"]
        for other in ("gan-mnist", str(path)):
            assert error_of(server.post({"model": other, "prompt": "7"}))[0] == 404
        assert b"secret" not in server.get("/v1/models")[2]


def test_hostile_40_other_hosts(server: Server) -> None:
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "[::"):
        assert error_of(server.get("/v1/models", Host=host))[0] == 403
    for host in ("localhost", f"127.0.0.1:{server.port}", "[::1]:80", "LOCALHOST"):
        assert server.get("/v1/models", Host=host)[0] == 200


def test_hostile_40_another_host_needs_a_key(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("a\nb")
    command = [sys.executable, "-m", "genzoo", "serve", "gan-mnist", "--port", "0"]
    for arguments in (
        ["--host", "0.0.0.0"],
        ["--host", "::"],
        ["--api-key-file", "none"],
        ["--api-key-file", "empty"],
        ["--api-key-file", "two"],
    ):
        ended = subprocess.run(
            [*command, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=WAIT,
        )
        assert ended.returncode == 2, ended.stderr
        assert "key" in ended.stderr


def test_hostile_41_bodies_without_end(server: Server) -> None:
    before = server.memory()
    for kind in ("application/json", FORM):
        with server.connection() as opened:
            head = f"POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            if kind == "application/json":
                head = head.replace("edits", "generations")
            opened.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            begin = form(image=b"").removesuffix(b"\r\n--x--\r\n") if kind == FORM else b"["
            opened.sendall(b"%x\r\n%b\r\n" % (len(begin), begin))
            chunk = b"%x\r\n%b\r\n" % (MIB, b"0" * MIB)
            for _ in range(256):
                opened.sendall(chunk)
            assert opened.recv(2000).startswith(b"HTTP/1.1 413")
    wait_until(lambda: server.memory() - before < 200 * MIB)
    assert server.metric("genzoo_requests_total", status="413") == 2


def test_hostile_41_lengths_that_are_too_large(server: Server) -> None:
    for kind, length in ((FORM, 10**9), ("application/json", 2 * MIB), (FORM, 10**30)):
        with server.connection() as opened:
            head = f"POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            opened.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
            assert opened.recv(2000).split(b"\r\n")[0].split(b" ")[1] in (b"413", b"400")


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    pixels = zlib.compress(bytes(10**6), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_hostile_41_pictures_that_are_bombs_or_none(server: Server) -> None:
    before = server.memory()
    files = [bomb(60_000), bomb(2**31 - 1), b"GIF89a", b"", b"%!PS-Adobe", png()[:-30], b"\0" * 999]
    for path in ("edits", "variations", "encodings"):
        for file in files:
            body = form(model="vae-mnist" if path == "encodings" else "flow-mnist", image=file)
            answer = server.send("POST", f"/v1/images/{path}", body, content_type=FORM)
            assert error_of(answer)[0] == 400
    body = form(model="flow-mnist", image=png((28, 28)), mask=bomb(60_000))
    assert error_of(server.send("POST", "/v1/images/edits", body, content_type=FORM))[0] == 400
    assert server.memory() - before < 300 * MIB


def test_hostile_42_clients_that_go_away() -> None:
    with Server("flow-emoji", "--batch", "1") as server:
        server.generate(model="flow-emoji", prompt="a", steps=1)
        with server.connection() as first:
            first.sendall(server.raw(SLOW))
            wait_until(lambda: server.metric("genzoo_queue") == 1)
            with server.connection() as second:
                second.sendall(server.raw(SLOW))
                wait_until(lambda: server.metric("genzoo_queue") == 2)
            wait_until(lambda: server.metric("genzoo_queue") == 1)  # before its batch began
        wait_until(lambda: server.metric("genzoo_queue") == 0)  # between two steps
        assert server.metric("genzoo_pictures_total") == 1
        assert server.generate(model="flow-emoji", prompt="a", steps=1)["data"]
        assert server.metric("genzoo_requests_total", status="500") == 0
        assert server.lines == server.lines[:2]


def test_hostile_42_a_stream_that_nobody_reads_to_its_end(server: Server) -> None:
    server.generate(model="flow-emoji", prompt="a", steps=1)
    with server.connection() as opened:
        opened.sendall(server.raw({**SLOW, "stream": True, "partial_images": 3}))
        wait_until(lambda: server.metric("genzoo_queue") == 1)
    wait_until(lambda: server.metric("genzoo_queue") == 0)


def test_hostile_42_slow_senders_hold_nobody_up(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(server.connection()) for _ in range(50)]
        request = server.raw({"model": "gan-mnist", "prompt": "7"})
        for index, opened in enumerate(slow):
            opened.sendall(request[: 20 + 3 * index])
        assert server.generate(model="gan-mnist", prompt="7")["data"]
        for byte in request[20:]:
            slow[0].sendall(bytes([byte]))
        assert slow[0].recv(4000).startswith(b"HTTP/1.1 200")


def test_hostile_42_what_never_comes_is_not_waited_for() -> None:
    code = "from genzoo_serve import limits, server; server.HEAD_SECONDS = limits.MAX_SECONDS = 2"
    with Server("gan-mnist", code=code) as server, contextlib.ExitStack() as stack:
        request = server.raw({"prompt": "7"})
        end = request.index(b"\r\n\r\n")
        waiting = [stack.enter_context(server.connection()) for _ in range(4)]
        for opened, start in zip(waiting, (b"", b"G", request[: end - 5], request), strict=True):
            opened.sendall(start)
        *others, answered = waiting
        body = stack.enter_context(server.connection())
        body.sendall(request[:-2])
        assert answered.recv(4000).startswith(b"HTTP/1.1 200")
        answered.sendall(request[:20])  # of a second request
        for opened in (*others, answered):
            with contextlib.suppress(ConnectionError):  # closed while something was under way
                opened.sendall(b"A")
                while opened.recv(4000):
                    pass
        assert body.recv(4000).startswith(b"HTTP/1.1 408")
        assert server.generate(prompt="7")["data"]


def test_hostile_43_more_requests_than_places() -> None:
    with Server("flow-emoji", "--max-queue", "16") as server, contextlib.ExitStack() as stack:
        server.generate(model="flow-emoji", prompt="a", steps=1)
        before = server.memory()
        waiting = [stack.enter_context(server.connection()) for _ in range(16)]
        for opened in waiting:
            opened.sendall(server.raw(SLOW))
        wait_until(lambda: server.metric("genzoo_queue") == 16)
        assert error_of(server.get("/readyz"))[0] == 503
        found: Counter[bytes] = Counter()
        for _ in range(5):
            others = [stack.enter_context(server.connection()) for _ in range(60)]
            for opened in others:
                opened.sendall(server.raw(SLOW))
            for opened in others:
                answer = opened.recv(4000)
                assert b"\r\nretry-after: 1\r\n" in answer.lower()
                found[answer[:12]] += 1
        assert found == {b"HTTP/1.1 429": 300}
        assert server.memory() - before < 200 * MIB
        for opened in waiting:
            opened.close()
        wait_until(lambda: server.metric("genzoo_queue") == 0)
        assert server.generate(model="flow-emoji", prompt="a", steps=1)["data"]


def test_hostile_44_a_failure_is_its_own_requests(server: Server) -> None:
    def ask(prompt: str) -> None:
        answers[prompt] = server.post({"model": "flow-mnist", "prompt": prompt, "steps": 20})

    answers: dict[str, Any] = {}
    prompts = ["1", "none", "2", "\ud800", "3", "a\0"]
    threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert {prompt: answers[prompt][0] for prompt in prompts} == {
        prompt: 200 if prompt.isdigit() else 400 for prompt in prompts
    }


def test_hostile_45_killed_and_started_again(tmp_path: Path) -> None:
    with Server("gan-mnist") as server, server.connection() as opened:
        opened.sendall(server.raw({"model": "gan-mnist", "prompt": "7", "n": 1000}))
        port = server.port
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    with Server("gan-mnist", port=port) as again:
        assert again.generate(prompt="7")["data"]
        command = [sys.executable, "-m", "genzoo", "serve", "gan-mnist", "--port", str(port)]
        second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WAIT)
        assert second.returncode == 1
        assert "choose another --port" in second.stderr


def test_hostile_45_sigterm_finishes_what_is_under_way() -> None:
    def ask() -> None:
        answers.append(server.post({**SLOW, "steps": 100, "n": 2}))

    answers: list[tuple[int, dict[str, str], bytes]] = []
    with Server("flow-emoji", "--grace", "100") as server:
        server.generate(prompt="a", steps=1)
        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: server.metric("genzoo_queue") == 1)
        server.process.send_signal(signal.SIGTERM)

        def refuses() -> bool:
            try:
                server.get("/healthz")
            except OSError:
                return True
            return False

        wait_until(refuses)
        thread.join(WAIT)
        assert server.process.wait(WAIT) == 0
    ((status, _, body),) = answers
    assert status == 200
    assert len(pixels(json.loads(body)["data"][1]["b64_json"])) == 32


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_hostile_45_a_second_signal_ends_it(number: int) -> None:
    with Server("flow-emoji", "--grace", "1000") as server, server.connection() as opened:
        server.generate(prompt="a", steps=1)
        opened.sendall(server.raw({**SLOW, "n": 64}))
        wait_until(lambda: server.metric("genzoo_queue") == 1)
        server.process.send_signal(number)
        wait_until(lambda: server.process.poll() is not None or not accepts(server))
        assert server.stop(number) != 0


def test_hostile_45_the_grace_time_ends() -> None:
    with Server("flow-emoji", "--grace", "1") as server, server.connection() as opened:
        server.generate(prompt="a", steps=1)
        opened.sendall(server.raw({**SLOW, "n": 64}))
        wait_until(lambda: server.metric("genzoo_queue") == 1)
        assert server.stop() == 0


def accepts(server: Server) -> bool:
    try:
        with server.connection():
            return True
    except OSError:
        return False
