"""A Hub on 127.0.0.1: as much of its protocol as the real clients use, kept in memory, with faults on demand.

Written from the clients' source (huggingface_hub `hf_api`, `_commit_api`, `lfs`, `file_download`). Repositories
have commits, tags and files; what goes through LFS follows the Hub's default `.gitattributes`.
"""

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LFS = re.compile(r"\.(parquet|safetensors|bin|png|gz|zip|onnx|npz|pt)$")
LFS_SIZE = 10 * 1024 * 1024
WRITE, READ = "hf_" + "w" * 34, "hf_" + "r" * 34
PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}
ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
FAULTS = ("401", "403", "404", "409", "412", "429", "429 later", "500", "503")
FAULTS += ("before", "half", "after", "silent", "silent_after", "slow")
PAUSE = 0.3  # seconds before a slow answer, and as many again while it is sent
# some of the identifiers that the Hub's documentation of cards lists
LICENSES = {"apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "bsd-3-clause", "gpl-3.0", "other"}


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Blob:
    data: bytes
    lfs: bool

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.data).hexdigest() if self.lfs else git_sha1(self.data)


@dataclass
class Commit:
    oid: str
    title: str
    files: dict[str, Blob]


@dataclass
class Repository:
    kind: str
    repo_id: str
    private: bool
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def at(self, revision: str) -> Commit | None:
        if revision == "main":
            return self.head
        oid = self.tags.get(revision, revision)
        return next((commit for commit in self.commits if commit.oid == oid), None)

    def add(self, title: str, files: dict[str, Blob]) -> Commit:
        self.commits.append(Commit(secrets.token_hex(20), title, files))
        return self.head


@dataclass
class Fault:
    """Fails request number `at` (from 1), or those whose `METHOD path` matches `path`, `times` times."""

    kind: str  # one of FAULTS
    at: int | None = None
    path: str = ""
    times: int = 1
    retry_after: int | None = None


class Answer(Exception):
    """An answer other than 200, from deep inside."""

    def __init__(self, status: int, code: str = "", message: str = "", body: dict | None = None):
        super().__init__(message)
        self.status, self.code, self.message, self.body = status, code, message, body


class LoopbackHub:
    """The server and what it holds. `requests` lists `METHOD path` in order since `reset`."""

    def __init__(self):
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self.httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.httpd.server_port}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.closing.set()
        self.httpd.shutdown()
        self.httpd.server_close()

    def reset(self, *faults: Fault) -> None:
        self.requests.clear()
        self.faults[:] = faults

    def environment(self, home, token: str | None = WRITE) -> dict[str, str]:
        """For a client in a process of its own, with a fresh cache at `home`."""
        settings = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
        settings |= {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", "HF_HUB_OFFLINE": "0", "HF_TOKEN": token or ""}
        return settings

    def repository(self, kind: str, repo_id: str) -> Repository | None:
        return self.repositories.get((kind, repo_id))

    def create(self, kind: str, repo_id: str, private: bool = False, sdk: str | None = None) -> Repository:
        repository = Repository(kind, repo_id, private)
        first = {".gitattributes": ATTRIBUTES}
        if kind == "space":  # a new Space is not empty
            first["README.md"] = f"---\ntitle: {repo_id}\nsdk: {sdk}\n---\n".encode()
        if sdk == "static":
            first |= {"index.html": b"<!doctype html><p>Welcome</p>\n", "style.css": b"p { color: gray }\n"}
        repository.add("initial commit", {name: Blob(data, False) for name, data in first.items()})
        self.repositories[kind, repo_id] = repository
        return repository

    def fault(self, request: str, number: int) -> Fault | None:
        for fault in self.faults:
            if fault.times and (fault.at == number or (fault.path and re.search(fault.path, request))):
                fault.times -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.handle_one()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    # reading and writing

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, body: bytes, headers: dict[str, str], half: bool = False, slow: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and slow:
            piece = max(1, len(body) // 6 + 1)
            for start in range(0, len(body), piece):
                self.wfile.write(body[start : start + piece])
                self.wfile.flush()
                time.sleep(PAUSE / 6)
        elif self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.drop()

    def drop(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        try:
            self.connection.shutdown(2)
        except OSError:
            pass

    def handle_one(self) -> None:
        path = urlsplit(self.path).path
        request = f"{self.command} {unquote(path)}"
        if path == "/api/agent-harnesses":  # a stray question of the client's own, once a cache
            self.send(404, b"", {})
            return
        with self.hub.lock:
            self.hub.requests.append(request)
            fault = self.hub.fault(request, len(self.hub.requests))
        kind = fault.kind if fault else ""
        if kind == "before":
            self.drop()
            return
        if kind == "half" and self.command in ("POST", "PUT"):
            self.rfile.read(int(self.headers.get("Content-Length") or 2) // 2)
            self.drop()
            return
        body = self.body()
        if kind == "silent":
            self.hub.closing.wait(30)
            self.drop()
            return
        if kind[:3].isdigit():
            after = 1 if kind.endswith("later") else fault.retry_after
            more = {"Retry-After": str(after)} if after is not None else {}
            if kind == "404":
                more["X-Error-Code"] = "RepoNotFound"
            page = b"<html>an intermediary's page, not JSON</html>"
            self.send(int(kind[:3]), page, more | {"Content-Type": "text/html"})
            return
        try:
            with self.hub.lock:
                status, answer, headers = self.route(path, body)
        except Answer as error:
            headers = {"X-Error-Message": error.message} if error.message else {}
            if error.code:
                headers["X-Error-Code"] = error.code
            status, answer = error.status, error.body if error.body is not None else {"error": error.message}
        if kind == "after":
            self.drop()
            return
        if kind == "silent_after":
            self.hub.closing.wait(30)
            self.drop()
            return
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        if not isinstance(answer, bytes):
            headers = {"Content-Type": "application/json"} | headers
        if kind == "slow":
            time.sleep(PAUSE)
        self.send(status, data, headers, half=kind == "half", slow=kind == "slow")

    # who asks

    def role(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not token:
            return None
        roles = {WRITE: "write", READ: "read"}
        if token not in roles:
            raise Answer(401, message="Invalid credentials in Authorization header")
        return roles[token]

    def must_write(self) -> None:
        role = self.role()
        if role is None:
            raise Answer(401, message="Invalid username or password.")
        if role != "write":
            raise Answer(403, message="You don't have the rights to create or change anything under this namespace")

    def find(self, kind: str, repo_id: str) -> Repository:
        repository = self.hub.repository(kind, repo_id)
        role = self.role()
        if repository is None or (repository.private and role is None):
            raise Answer(404 if role else 401, "RepoNotFound", "Repository not found")
        return repository

    @staticmethod
    def commit_at(repository: Repository, revision: str) -> Commit:
        commit = repository.at(revision)
        if commit is None:
            raise Answer(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    # what is asked; raw paths are split before they are unquoted, for a revision may hold %2F

    def route(self, path: str, body: bytes):
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[:2] == ["api", "whoami-v2"]:
            return self.whoami()
        if parts == ["api", "repos", "create"]:
            return self.create(json.loads(body))
        if parts == ["api", "validate-yaml"]:
            return self.validate(json.loads(body))
        if parts[0] == "api" and parts[1] in ("models", "datasets", "spaces") and len(parts) >= 4:
            repository = self.find(parts[1][:-1], "/".join(parts[2:4]))
            return self.api(repository, parts[4:], body)
        if parts[0] == "lfs-upload":
            return self.upload(parts[1], body)
        kind = "dataset" if parts[0] == "datasets" else "space" if parts[0] == "spaces" else "model"
        rest = parts if kind == "model" else parts[1:]
        if len(rest) > 3 and rest[1].endswith(".git"):
            repository = self.find(kind, f"{rest[0]}/{rest[1][:-4]}")
            return self.lfs(repository, rest[-1], json.loads(body))
        if len(rest) > 4 and rest[2] == "resolve":
            repository = self.find(kind, "/".join(rest[:2]))
            return self.resolve(repository, rest[3], "/".join(rest[4:]))
        raise Answer(404, message="no such route")

    def whoami(self):
        role = self.role()
        if role is None:
            raise Answer(401, message="Invalid username or password.")
        token = {"displayName": "test", "role": role}
        orgs = [{"name": "org", "type": "org", "roleInOrg": "write"}]
        return 200, {"type": "user", "name": "tester", "orgs": orgs, "auth": {"accessToken": token}}, {}

    def create(self, record: dict):
        self.must_write()
        kind = record.get("type", "model")
        repo_id = f"{record.get('organization') or 'tester'}/{record['name']}"
        url = f"{self.hub.url}/{PREFIX[kind]}{repo_id}"
        if self.hub.repository(kind, repo_id):
            raise Answer(409, message="You already created this repo", body={"error": "exists", "url": url})
        if kind == "space" and record.get("sdk") not in ("gradio", "static", "docker"):
            raise Answer(400, message="a Space needs an sdk")
        private = record.get("visibility") == "private" or bool(record.get("private"))
        self.hub.create(kind, repo_id, private, record.get("sdk"))
        return 200, {"url": url, "id": repo_id}, {}

    def validate(self, asked: dict):
        """A card's metadata. Stricter than the Hub, which only warns where a licence is missing."""
        found = re.match(r"---\n(.*?)\n---", asked["content"], re.DOTALL)
        try:
            record = yaml.safe_load(found[1]) if found else None
        except yaml.YAMLError as error:
            record, wrong = None, [str(error)]
        else:
            wrong = card_errors(record) if isinstance(record, dict) else ["the metadata is missing or not an object"]
        if wrong:
            raise Answer(400, body={"errors": [{"message": message} for message in wrong], "warnings": []})
        return 200, {"errors": [], "warnings": []}, {}

    def api(self, repository: Repository, rest: list[str], body: bytes):
        if not rest or rest[0] == "revision":
            commit = self.commit_at(repository, rest[1] if rest else "main")
            siblings = [{"rfilename": name} for name in commit.files]
            record = {"id": repository.repo_id, "sha": commit.oid, "private": repository.private, "tags": []}
            return 200, record | {"siblings": siblings, "gated": False, "disabled": False}, {}
        if rest[0] == "refs":
            branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}]
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": o} for n, o in repository.tags.items()]
            return 200, {"branches": branches, "converts": [], "tags": tags}, {}
        if rest[0] == "commits":
            self.commit_at(repository, rest[1])
            rows = [
                {"id": c.oid, "title": c.title, "message": "", "authors": [], "date": DATE} for c in repository.commits
            ]
            return 200, rows[::-1], {}
        commit = self.commit_at(repository, rest[1])
        if rest[0] == "tree":
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() in ("true", "1")
            return 200, tree(commit, "/".join(rest[2:]), recursive), {}
        if rest[0] == "paths-info":
            form = parse_qs(body.decode())
            wanted = form.get("paths", [])
            rows = [entry(name, blob) for name, blob in commit.files.items() if name in wanted]
            folders = {w for w in wanted if any(name.startswith(w.rstrip("/") + "/") for name in commit.files)}
            return 200, rows + [folder(name) for name in sorted(folders)], {}
        self.must_write()
        if rest[0] == "preupload":
            return self.preupload(commit, json.loads(body))
        if rest[0] == "commit":
            return self.commit(repository, rest[1], body)
        if rest[0] == "tag":
            name = json.loads(body)["tag"]
            if name in repository.tags:
                raise Answer(409, message=f"Tag reference exists already: {name}")
            repository.tags[name] = commit.oid
            return 200, {}, {}
        raise Answer(404, message="no such route")

    def preupload(self, commit: Commit, record: dict):
        files = []
        for file in record["files"]:
            lfs = bool(LFS.search(file["path"])) or file["size"] > LFS_SIZE
            row = {"path": file["path"], "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
            if file["path"] in commit.files:
                row["oid"] = commit.files[file["path"]].etag
            files.append(row)
        return 200, {"files": files}, {}

    def commit(self, repository: Repository, revision: str, body: bytes):
        lines = [json.loads(line) for line in body.decode().splitlines() if line.strip()]
        header = lines[0]["value"]
        parent = header.get("parentCommit")
        if parent and parent != repository.head.oid:
            raise Answer(412, message="A commit has happened since. Please refresh and try again.")
        files = dict(repository.head.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise Answer(400, message=f"LFS pointer pointed to a file that does not exist: {value['path']}")
                files[value["path"]] = Blob(self.hub.objects[value["oid"]], True)
            elif line["key"] == "deletedFile":
                files.pop(value["path"])
        commit = repository.add(header["summary"], files)
        url = f"{self.hub.url}/{PREFIX[repository.kind]}{repository.repo_id}/commit/{commit.oid}"
        return 200, {"success": True, "commitOid": commit.oid, "commitUrl": url, "hookOutput": ""}, {}

    def lfs(self, repository: Repository, what: str, record: dict):
        self.must_write()
        if what == "verify":
            if len(self.hub.objects.get(record["oid"], b"")) != record["size"]:
                raise Answer(404, message="not uploaded")
            return 200, {}, {}
        objects = []
        for wanted in record["objects"]:
            row = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.objects:
                base = f"{self.hub.url}/{PREFIX[repository.kind]}{repository.repo_id}.git/info/lfs/objects"
                signed = f"{self.hub.url}/lfs-upload/{wanted['oid']}?signature=loopback"
                row["actions"] = {"upload": {"href": signed}, "verify": {"href": f"{base}/verify"}}
            objects.append(row)
        return 200, {"transfer": "basic", "objects": objects}, {}

    def upload(self, oid: str, body: bytes):
        if "Authorization" in self.headers or "signature=loopback" not in self.path:
            raise Answer(400, message="a signed address takes no other credentials")
        if hashlib.sha256(body).hexdigest() != oid:
            raise Answer(400, message="the content is not what its hash says")
        self.hub.objects[oid] = body
        return 200, b"", {"ETag": f'"{oid}"'}

    def resolve(self, repository: Repository, revision: str, name: str):
        commit = self.commit_at(repository, revision)
        blob = commit.files.get(name)
        if blob is None:
            raise Answer(404, "EntryNotFound", "Entry not found")
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{blob.etag}"', "Accept-Ranges": "bytes"}
        if blob.lfs:
            headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.data))}
        headers["Content-Type"] = "application/octet-stream"
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            start = int(wanted[1])
            end = min(int(wanted[2] or len(blob.data) - 1), len(blob.data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(blob.data)}"
            return 206, blob.data[start : end + 1], headers
        if self.command == "HEAD":
            headers["Content-Length"] = str(len(blob.data))
        return 200, blob.data, headers


def card_errors(record: dict) -> list[str]:
    """What is wrong with a card's metadata: the licence, and the scores as the Hub's `model-index` wants them."""
    wrong = [] if record.get("license") in LICENSES else [f'"license" must be one of {sorted(LICENSES)}']
    index = record.get("model-index", [])
    if not isinstance(index, list):
        return [*wrong, '"model-index" must be an array']
    for model in index:
        results = model.get("results") if isinstance(model, dict) else None
        if not isinstance(results, list) or not model.get("name"):
            wrong.append('"model-index[].name" and "model-index[].results" are required')
            continue
        for result in results:
            dataset, metrics = result.get("dataset") or {}, result.get("metrics") or []
            if not (result.get("task") or {}).get("type") or not dataset.get("type") or not dataset.get("name"):
                wrong.append('"model-index[].results[].task.type", "dataset.type" and "dataset.name" are required')
            if not metrics or any(not m.get("type") or m.get("value") is None for m in metrics):
                wrong.append('"model-index[].results[].metrics[]" must have "type" and "value"')
    return wrong


DATE = "2026-01-01T00:00:00.000Z"


def entry(name: str, blob: Blob) -> dict:
    row = {"type": "file", "path": name, "size": len(blob.data), "oid": git_sha1(blob.data)}
    if blob.lfs:
        row["lfs"] = {"oid": blob.etag, "size": len(blob.data), "pointerSize": 134}
    return row


def folder(name: str) -> dict:
    return {"type": "directory", "path": name.rstrip("/"), "oid": git_sha1(name.encode()), "size": 0}


def tree(commit: Commit, under: str, recursive: bool) -> list[dict]:
    start = under.rstrip("/") + "/" if under else ""
    files = {name: blob for name, blob in commit.files.items() if name.startswith(start)}
    if start and not files:
        raise Answer(404, "EntryNotFound", "Entry not found")
    folders = {name[: name.index("/", len(start))] for name in files if "/" in name[len(start) :]}
    if recursive:
        folders = {name[:i] for name in files for i, c in enumerate(name) if c == "/" and i > len(start)}
    else:
        files = {name: blob for name, blob in files.items() if "/" not in name[len(start) :]}
    return [folder(name) for name in sorted(folders)] + [entry(name, blob) for name, blob in sorted(files.items())]
