"""A small Hugging Face Hub on loopback, as far as the Hub's client speaks to it, with faults.

Files that end in .safetensors are kept as on the real one: their bytes lie at another address,
under their sha256, and a repository says where.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

FOR_EVER = 10**9


def is_large(path: str) -> bool:
    """Whether the Hub keeps a file in its large file storage."""
    return path.endswith(".safetensors")


def git_blob(data: bytes) -> str:
    """git's name for a content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repo:
    """A repository: its commits and what its branches are at."""

    private: bool = False
    gated: bool = False
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Add files on top of a branch; the new commit."""
        tree = {**self.commits.get(self.refs.get(branch, ""), {}), **files}
        content = repr((len(self.commits), sorted(tree.items()))).encode()
        sha = hashlib.sha1(content).hexdigest()
        self.commits[sha] = tree
        self.refs[branch] = sha
        return sha

    def find(self, revision: str) -> str | None:
        """The commit that a revision is at."""
        return self.refs.get(revision) or (revision if revision in self.commits else None)


class Hub:
    """The server, with what it holds, what it was asked and what goes wrong.

    Attributes:
        repos: By "owner/repo".
        asked: Method and path of each request, in their order.
        tokens: The tokens that may see and change everything; none are needed for what is public.
        status: Answer everything with this status, where it is not 0.
        page: Answer everything with an HTML page.
        drops: Downloads that break off in the middle.
        flips: Downloads whose bytes are not those that were promised.
        refuses_files: Answer every request for a file with this status, where it is not 0.
        terse: Leave the files out of what is said of a repository, as some mirrors do.
        oid: What to call every new commit, where it is not "".
        etag: What to give as every file's ETag, where it is not "".
        gate: A download stops in its middle until this is set.
        half_way: Set once a download is in its middle.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.status = 0
        self.page = False
        self.drops = 0
        self.flips = 0
        self.refuses_files = 0
        self.terse = False
        self.etag = ""
        self.oid = ""
        self.gate = threading.Event()
        self.gate.set()
        self.half_way = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Commit files to a repository, which is made where it is not there; the commit."""
        for path, data in files.items():
            if is_large(path):
                self.objects[hashlib.sha256(data).hexdigest()] = data
        return self.repos.setdefault(name, Repo()).commit(files, branch)

    def downloads(self) -> int:
        """How often the bytes of a large file were asked for."""
        return sum(method == "GET" and path.startswith("/cdn/") for method, path in self.asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Bound(_Handler):
            def __init__(self, *arguments: Any) -> None:
                self.hub = hub
                super().__init__(*arguments)

        return Bound


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        hub, split = self.hub, urlsplit(self.path)
        path, query = split.path, parse_qs(split.query)
        body = self._body()
        hub.asked.append((self.command, path))
        name, _, rest = path[1:].partition("/resolve/")
        if hub.page:
            self._send(200, b"<html><body>Welcome</body></html>", {}, "text/html")
        elif hub.status:
            self._error(hub.status)
        elif path.startswith("/cdn/"):
            self._bytes(hub.objects[path.rpartition("/")[2]], {})
        elif path.startswith("/upload/"):
            hub.objects[path.rpartition("/")[2]] = body
            self._json({})
        elif path == "/api/models":
            self._json(self._found(query))
        elif path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif rest:
            revision, _, file = rest.partition("/")
            self._file(name, unquote(revision), unquote(file))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif path.startswith("/api/models/"):
            owner, repo, *more = path.removeprefix("/api/models/").split("/")
            self._repo(f"{owner}/{repo}", more, body)
        else:
            self._error(404)

    def _repo(self, name: str, rest: list[str], body: bytes) -> None:
        repo = self._visible(name)
        if repo is None:
            return
        action, revision = rest[0] if rest else "revision", unquote(rest[1]) if rest[1:] else "main"
        if action in ("preupload", "commit", "branch") and not self._allowed():
            self._error(403, message="You don't have the rights")
        elif action == "preupload":
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if is_large(file["path"]) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._json({"files": files})
        elif action == "branch":
            repo.refs.setdefault(revision, repo.refs.get("main", ""))
            self._json({})
        elif action == "commit":
            self._commit(name, repo, revision, body)
        elif action == "tree":
            self._tree(repo.commits[revision], unquote("/".join(rest[2:])))
        else:
            self._info(name, repo, revision)

    def _info(self, name: str, repo: Repo, revision: str) -> None:
        sha = repo.find(revision)
        if sha is None and (revision != "main" or repo.refs):
            return self._error(404, "RevisionNotFound")
        files = repo.commits.get(sha or "", {})
        info = {"id": name, "sha": sha, "tags": tags(files)}
        if not self.hub.terse:
            info["siblings"] = [{"rfilename": path} for path in files]
        return self._json(info)

    def _tree(self, files: dict[str, bytes], folder: str) -> None:
        entries: list[dict[str, Any]] = []
        for path, data in files.items():
            if not path.startswith(f"{folder}/" if folder else ""):
                continue
            entry = {"type": "file", "path": path, "size": len(data), "oid": git_blob(data)}
            if is_large(path):
                # The blob is a pointer then.
                digest = hashlib.sha256(data).hexdigest()
                entry |= {
                    "oid": git_blob(digest.encode()),
                    "lfs": {"oid": digest, "size": len(data), "pointerSize": 130},
                }
            entries.append(entry)
        self._json(entries)

    def _commit(self, name: str, repo: Repo, branch: str, body: bytes) -> None:
        files: dict[str, bytes] = {}
        for line in body.splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        sha = repo.commit(files, branch)
        url = f"{self.hub.url}/{name}/commit/{sha}"
        self._json({"commitUrl": url, "commitOid": self.hub.oid or sha})

    def _create(self, asked: dict[str, Any]) -> None:
        if not self._allowed():
            return self._error(401 if "authorization" not in self.headers else 403)
        name = f"{asked['organization']}/{asked['name']}"
        url = json.dumps({"url": f"{self.hub.url}/{name}"}).encode()
        if name in self.hub.repos:
            return self._send(409, url, {}, "application/json")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.hub.repos[name] = Repo(private=private)
        return self._send(200, url, {}, "application/json")

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.hub.url}/upload/{one['oid']}"}}}
            for one in asked["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects})

    def _file(self, name: str, revision: str, file: str) -> None:
        repo = self._visible(name)
        if repo is None:
            return None
        if self.hub.refuses_files:
            return self._error(self.hub.refuses_files)
        sha = repo.find(revision)
        if sha is None:
            return self._error(404, "RevisionNotFound")
        data = repo.commits[sha].get(file)
        headers = {"X-Repo-Commit": sha}
        if data is None:
            return self._error(404, "EntryNotFound", headers=headers)
        if not is_large(file):
            return self._bytes(data, {**headers, "ETag": f'"{self.hub.etag or git_blob(data)}"'})
        digest = hashlib.sha256(data).hexdigest()
        headers["X-Linked-Etag"] = f'"{self.hub.etag or digest}"'
        headers["X-Linked-Size"] = str(len(data))
        # Another host than the Hub's own, as its storage is.
        headers["Location"] = f"http://localhost:{self.hub.port}/cdn/{digest}"
        return self._send(302, b"", headers)

    def _bytes(self, data: bytes, headers: dict[str, str]) -> None:
        hub, stored = self.hub, self.path.startswith("/cdn/")
        status, start = 200, 0
        if given := self.headers.get("Range"):
            start = int(given.removeprefix("bytes=").rstrip("-"))
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if stored and hub.flips > 0 and self.command == "GET":
            hub.flips -= 1
            data = data[:-1] + bytes([data[-1] ^ 1])
        rest = data[start:]
        if not stored or self.command == "HEAD":
            return self._send(status, rest, headers)
        self._begin(status, len(rest), headers, "application/octet-stream")
        self.wfile.write(rest[: len(rest) // 2])
        self.wfile.flush()
        hub.half_way.set()
        if not hub.gate.is_set():
            hub.gate.wait(60)
        if hub.drops > 0:
            hub.drops -= 1
            self.close_connection = True
            return None
        self.wfile.write(rest[len(rest) // 2 :])
        return None

    def _visible(self, name: str) -> Repo | None:
        """The repository, where it is there for who asks; answers elsewhere."""
        repo = self.hub.repos.get(name)
        if repo is None:
            self._error(404, "RepoNotFound")
        elif repo.private and not self._allowed():
            self._error(401, "RepoNotFound")
        elif repo.gated and not self._allowed():
            self._error(403, "GatedRepo")
        else:
            return repo
        return None

    def _allowed(self) -> bool:
        return self.headers.get("authorization", "").removeprefix("Bearer ") in self.hub.tokens

    def _found(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        text, limit = query.get("search", [""])[0].lower(), int(query.get("limit", ["1000"])[0])
        found = []
        for name, repo in self.hub.repos.items():
            files = repo.commits.get(repo.refs.get("main", ""), {})
            if text in name.lower() and set(query.get("filter", [])) <= set(tags(files)):
                found.append({"id": name, "tags": tags(files), "downloads": 3, "likes": 1})
        return found[:limit]

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {}, "application/json")

    def _error(
        self, status: int, code: str = "", message: str = "", headers: dict[str, str] | None = None
    ) -> None:
        told = {"X-Error-Code": code} if code else {}
        told |= {"X-Error-Message": message} if message else {}
        self._send(status, b"{}", {**(headers or {}), **told}, "application/json")

    def _send(
        self, status: int, data: bytes, headers: dict[str, str], kind: str = "text/plain"
    ) -> None:
        self._begin(status, len(data), headers, kind)
        if self.command != "HEAD":
            self.wfile.write(data)

    def _begin(self, status: int, size: int, headers: dict[str, str], kind: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(size), "Content-Type": kind}.items():
            self.send_header(name, value)
        self.end_headers()


def tags(files: dict[str, bytes]) -> list[str]:
    """The tags in the metadata of a model card, as the Hub reads them."""
    text = files.get("README.md", b"").decode()
    if not text.startswith("---\n"):
        return []
    import yaml

    data = yaml.safe_load(text[4:].partition("\n---")[0])
    license_ = [f"license:{data['license']}"] if "license" in data else []
    return [*data.get("tags", []), *license_]
