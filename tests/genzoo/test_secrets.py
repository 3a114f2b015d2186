"""No password and no token is shown or remembered, by real commands and a real package index."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import pytest
from wheels import Place, acme, make_place

SECRET = "S3cr3t"
LOGIN = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


class Index(BaseHTTPRequestHandler):
    """A package index with a password, and with links that a token opens."""

    folder: Path

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        name = address.path.rpartition("/")[2]
        if self.headers.get("Authorization") != LOGIN and address.query != f"token={SECRET}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            content = b""
        elif not name and address.path == "/simple/acme-zoo/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            links = (f'<a href="/{f.name}">{f.name}</a>' for f in self.folder.iterdir())
            content = "".join(links).encode()
        elif (self.folder / name).is_file():
            self.send_response(200)
            content = (self.folder / name).read_bytes()
        else:
            self.send_response(404)
            content = b""
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def host(wheels: Path) -> Iterator[str]:
    """Where the index is, which holds acme-zoo."""
    acme(wheels)
    handler = type("Handler", (Index,), {"folder": wheels})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def said(done: CompletedProcess[str], place: Place) -> str:
    """All that a command says and leaves, which holds no secret."""
    ledger = place.ledger.read_text() if place.ledger.exists() else ""
    text = done.stdout + done.stderr + ledger
    assert SECRET not in text
    assert "unexpected failure" not in text
    return text


def test_an_index_with_a_password_is_used_and_its_password_never_told(
    place: Place, host: str
) -> None:
    index = {
        "PIP_NO_INDEX": "0",
        "PIP_INDEX_URL": f"http://me:{SECRET}@{host}/simple/",
        "PIP_EXTRA_INDEX_URL": f"http://{SECRET}@{host}/other/",
        "HTTPS_PROXY": f"http://me:{SECRET}@proxy.example:8080",
    }
    done = place.genzoo("install", "acme-zoo", **index)
    assert "acme_zoo (acme-zoo 1.0)" in said(done, place)
    assert place.versions() == {"acme-zoo": "1.0"}
    done = place.genzoo("install", "not-there", **index)
    assert "could not install not-there" in said(done, place)
    said(place.genzoo("doctor", **index), place)


def test_an_address_loses_its_password_and_token_wherever_it_is_told(
    place: Place, host: str, tmp_path: Path
) -> None:
    wheel = "acme_zoo-1.0-py3-none-any.whl"
    for requirement in (
        f"acme-zoo @ http://me:{SECRET}@{host}/{wheel}",
        f"http://{host}/{wheel}?token={SECRET}",
    ):
        shown = place.genzoo("install", "--dry-run", requirement)
        assert host in said(shown, place)
        done = place.genzoo("install", "--upgrade", requirement)
        assert "acme_zoo (acme-zoo 1.0)" in said(done, place)
        [entry] = place.entries()
        assert host in entry
        other = make_place(tmp_path / "other", place.home)
        assert host in said(other.genzoo("plugins", "restore", "--dry-run"), place)
        assert place.genzoo("uninstall", "acme-zoo").returncode == 0


REFUSED = (
    f"--index-url=https://me:{SECRET}@HOST/simple",
    f"http://me:{SECRET}/{SECRET}@HOST/x.whl",
    f"git+http://me:{SECRET}/{SECRET}@HOST/x",
    f"http://me:{SECRET}@[HOST/x.whl",
)
FAILING = (
    f"http://me:{SECRET}@HOST/not_there-1.0-py3-none-any.whl",
    f"not-there @ http://{SECRET}@HOST/not-there.tar.gz",
    f"http://HOST/not_there-1.0-py3-none-any.whl?a=b&private_token={SECRET}#sha256=1",
    f"git+http://me:{SECRET}@HOST/not-there.git@v1",
    f"not-there @ foo://me:{SECRET}@HOST/x",
    f"me:{SECRET}@HOST/x.whl",
    f"http://hf_{SECRET}{SECRET}{SECRET}/x.whl",
)


@pytest.mark.parametrize("requirement", REFUSED + FAILING)
def test_what_cannot_be_installed_is_told_without_its_secrets(
    place: Place, host: str, requirement: str
) -> None:
    done = place.genzoo("install", "--", requirement.replace("HOST", host))
    said(done, place)
    assert done.returncode == (2 if requirement in REFUSED else 1)


def test_a_dry_run_shows_no_secret(place: Place) -> None:
    done = place.genzoo("install", "--dry-run", *FAILING)
    assert "http://…@HOST/not_there-1.0" in said(done, place)


def test_a_doctor_shows_no_secret_of_the_environment(place: Place, tmp_path: Path) -> None:
    secrets = {
        "HF_TOKEN": SECRET,
        "HUGGING_FACE_HUB_TOKEN": SECRET,
        "HF_AUTHORIZATION": SECRET,
        "HF_ENDPOINT": f"https://me:{SECRET}@hub.example/x",
        "HF_PROXY": f"me:{SECRET}@proxy.example:1",
        "HF_MIRROR": f"https://hub.example/x?access_token={SECRET}",
        "HF_ANYTHING": f"hf_{SECRET}{SECRET}{SECRET}",
        "HF_TOKEN_PATH": "/where/it/is",
        "GENZOO_SERVE_KEY": SECRET,
        "GENZOO_DATA": f"https://{SECRET}@data.example/",
        "PIP_INDEX_URL": f"https://me:{SECRET}@index.example/simple",
        "HTTPS_PROXY": f"http://me:{SECRET}@proxy.example",
    }
    place.home.mkdir(exist_ok=True)
    (place.home / ".netrc").write_text(f"machine index.example login me password {SECRET}\n")
    text = said(place.genzoo("doctor", "--json", **secrets), place)
    text = json.dumps(json.loads(text), ensure_ascii=False)
    assert "HF_TOKEN=(set, and not shown)" in text
    assert "HF_ENDPOINT=https://…@hub.example/x" in text
    assert "HF_TOKEN_PATH=/where/it/is" in text
