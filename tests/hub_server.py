"""A small Hugging Face Hub on the loopback interface: the endpoints that fetching and uploading a folder use."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

TOKEN = "hf_aTokenOfTheTests"
LARGE = (".safetensors", ".onnx", ".png")  # files that the Hub keeps apart from Git


@dataclass
class Repository:
    """Commits in order, each with its files; branches and tags by name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """A new commit, which the ref then means; its name."""
        name = sha1(f"{len(self.commits)} {ref} {sorted(files)}".encode()).hexdigest()
        self.commits[name], self.refs[ref] = files, name
        return name


@dataclass
class Hub:
    """The repositories by name, and each request as "METHOD path"."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    closed: bool = False

    def add(self, repo: str, files: dict[str, bytes], ref: str = "main") -> str:
        """Commit these files to a repository; the commit's name."""
        return self.repositories.setdefault(repo, Repository()).commit(files, ref)

    def fetched(self) -> set[str]:
        """The names of the files that were fetched."""
        return {line.rsplit("/", 1)[1] for line in self.requests if line.startswith("GET") and "/resolve/" in line}


class _RefusalError(Exception):
    def __init__(self, status: int, code: str = ""):
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def _answer(self, answer: Any) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.hub.closed:
                raise _RefusalError(403)
            status, headers, data = answer(path, body)
        except _RefusalError as refusal:
            status, headers, data = refusal.status, {"X-Error-Code": refusal.code} if refusal.code else {}, b"{}"
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _repository(self, repo: str) -> Repository:
        if repo not in self.hub.repositories:
            raise _RefusalError(404, "RepoNotFound")
        return self.hub.repositories[repo]

    def _commit(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]]:
        repository = self._repository(repo)
        name = repository.refs.get(revision, revision)
        if name not in repository.commits:
            raise _RefusalError(404, "RevisionNotFound")
        return name, repository.commits[name]

    def _get(self, path: str, _: bytes) -> tuple[int, dict[str, str], bytes]:
        if not path.startswith("/api/models/"):
            if "/resolve/" not in path:
                raise _RefusalError(404)
            repo, rest = path[1:].split("/resolve/")
            commit, name = rest.split("/", 1)
            found, files = self._commit(repo, commit)
            if name not in files:
                raise _RefusalError(404, "EntryNotFound")
            etag = _etag(name, files[name])
            return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": found, "X-Linked-Etag": f'"{etag}"'}, files[name]
        user, name, *rest = path.removeprefix("/api/models/").split("/", 3)
        kind, revision = rest or ("revision", "main")
        commit, files = self._commit(f"{user}/{name}", revision)
        if kind == "revision":
            return _json({"id": f"{user}/{name}", "sha": commit, "siblings": [{"rfilename": file} for file in files]})
        return _json([_entry(file, data) for file, data in files.items()])

    def _post(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/api/validate-yaml":
            bad = "license: nonsense" in json.loads(body)["content"]
            status, headers, data = _json({"errors": [{"message": '"license" must be one of'}] if bad else [], "warnings": []})
            return 400 if bad else status, headers, data
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _RefusalError(401)
        if path == "/api/repos/create":
            asked = json.loads(body)
            repo = f"{asked['organization']}/{asked['name']}"
            self.hub.repositories.setdefault(repo, Repository())
            return _json({"url": f"{self.hub.url}/{repo}"})
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.hub.url}/stored/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            return _json({"transfer": "basic", "objects": objects})
        user, name, kind, revision = path.removeprefix("/api/models/").split("/", 3)
        if kind == "preupload":
            modes = {file["path"]: "lfs" if file["path"].endswith(LARGE) else "regular" for file in json.loads(body)["files"]}
            return _json({"files": [{"path": file, "uploadMode": mode, "shouldIgnore": False} for file, mode in modes.items()]})
        commit = self._repository(f"{user}/{name}").commit(dict(self._uploaded(body)), revision)
        return _json({"commitUrl": f"{self.hub.url}/{user}/{name}/commit/{commit}", "commitOid": commit})

    def _uploaded(self, body: bytes) -> Iterator[tuple[str, bytes]]:
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                yield value["path"], base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                yield value["path"], self.hub.stored[value["oid"]]

    def _put(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if sha256(body).hexdigest() != path.removeprefix("/stored/"):
            raise _RefusalError(400)
        self.hub.stored[sha256(body).hexdigest()] = body
        return 200, {}, b""


def _etag(name: str, data: bytes) -> str:
    return sha256(data).hexdigest() if name.endswith(LARGE) else sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _entry(name: str, data: bytes) -> dict[str, Any]:
    entry = {"type": "file", "path": name, "size": len(data), "oid": sha1(data).hexdigest()}
    if name.endswith(LARGE):
        entry["lfs"] = {"oid": _etag(name, data), "size": len(data), "pointerSize": 134}
    return entry


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


@contextmanager
def serving() -> Iterator[Hub]:
    """Context manager of a hub that is served."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def point_to(url: str, home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let huggingface_hub use the hub at this address, with its cache in this folder: as HF_ENDPOINT, HF_HOME and others would
    do where they are set before it is imported."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
