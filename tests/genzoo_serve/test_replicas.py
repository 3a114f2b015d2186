"""Two replicas behind nginx, with the configuration in docs/scale.md."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI
from serving import Server

DOCS = Path(__file__).parents[2] / "docs" / "scale.md"
KEY = "k" * 32

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    key = tmp_path / "key"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o600)
    words = ("gan-mnist", "--api-key-file", str(key))
    with Server(*words) as one, Server(*words) as two:
        yield one, two


@pytest.fixture
def client(replicas: tuple[Server, Server], tmp_path: Path) -> Iterator[OpenAI]:
    """Of nginx, which speaks to the replicas."""
    (config,) = re.findall(r"```nginx\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    port = free_port()
    ports = {"8000": port, "8001": replicas[0].port, "8002": replicas[1].port}
    for documented, real in ports.items():
        assert f"127.0.0.1:{documented}" in config
        config = config.replace(f"127.0.0.1:{documented}", f"127.0.0.1:{real}")
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr;\n"
        f"{'user root;' if os.geteuid() == 0 else ''} events {{}}\n"
        f"http {{ access_log off; {temporary} {config} }}\n",
        encoding="utf-8",
    )
    nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(file)])
    try:
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        with OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY, max_retries=0, timeout=120
        ) as opened:
            yield opened
    finally:
        nginx.terminate()
        nginx.wait(60)


def draw(client: OpenAI, seed: int) -> str:
    answer = client.images.generate(model="gan-mnist", prompt="7", extra_body={"seed": seed})
    assert answer.data
    assert answer.data[0].b64_json
    return answer.data[0].b64_json


def made(replica: Server) -> float:
    status, _, body = replica.get("/metrics", authorization=f"Bearer {KEY}")
    assert status == 200
    found = re.findall(r"^genzoo_pictures_total\S* (\S+)$", body.decode(), re.MULTILINE)
    return sum(map(float, found))


def test_whoever_makes_a_picture_it_is_the_same(
    client: OpenAI, replicas: tuple[Server, Server]
) -> None:
    first = [draw(client, seed) for seed in (1, 1, 2, 2)]
    assert first[0] == first[1] != first[2] == first[3]
    assert all(made(replica) == 2 for replica in replicas)
    # Partial images arrive one by one, and an address works whichever replica is asked.
    stream = client.images.generate(
        model="gan-mnist", prompt="7", stream=True, extra_body={"seed": 1}
    )
    assert [event.type for event in stream][-1] == "image_generation.completed"
    for _ in range(2):
        answer = client.images.generate(model="gan-mnist", prompt="7", response_format="url")
        assert answer.data
        assert answer.data[0].url
        for _ in range(4):
            assert client.get(answer.data[0].url, cast_to=object) is not None
    # One is lost: nobody notices.
    replicas[0].process.kill()
    replicas[0].process.wait()
    assert [draw(client, seed) for seed in (1, 1, 2, 2)] == first
