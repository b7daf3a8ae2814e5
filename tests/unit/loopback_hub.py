"""A small Hugging Face hub on 127.0.0.1 that serves the repositories a test gives it."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "v1", COMMIT)


class Repository:
    """Files of one repository; `gated` refuses downloads, `wrong_sha256` states false hashes.

    `main` is the commit that the branch main stands for.
    """

    def __init__(self, files, *, gated=False, wrong_sha256=False, truncated=False, main=COMMIT):
        self.files = files
        self.main = main
        self.gated = gated
        self.wrong_sha256 = wrong_sha256
        self.truncated = truncated

    def listing(self):
        """Every file as the hub describes it; safetensors are large files."""
        for name, data in self.files.items():
            entry = {"size": len(data), "blob_id": hashlib.sha1(data).hexdigest()}
            if name.endswith(".safetensors"):
                stated = b"something else" if self.wrong_sha256 else data
                entry["sha256"] = hashlib.sha256(stated).hexdigest()
            yield name, entry


@contextmanager
def loopback_hub(models=None, datasets=None):
    """Serve the repositories, `{"owner/name": Repository}`; yields the value of HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_HEAD(self):
            self.do_GET()

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            self.answer_api(urlsplit(self.path).path, json.loads(self.rfile.read(length) or "{}"))

        def do_GET(self):
            path = unquote(urlsplit(self.path).path)
            if path.startswith("/api/"):
                self.answer_api(path, None)
            else:
                self.answer_file(path.strip("/"))

        def answer_api(self, path, body):
            kind, owner, name, action, revision = [*path.split("/")[2:], *[""] * 5][:5]
            repository = {"models": models, "datasets": datasets}.get(kind, {}).get(
                f"{owner}/{name}"
            )
            if repository is None:
                return self.refuse(404, "RepoNotFound")
            if action and revision not in REVISIONS:
                return self.refuse(404, "RevisionNotFound")
            if action == "tree":
                return self.send_json([_tree_entry(*file) for file in repository.listing()])
            if action == "paths-info":
                wanted = body.get("paths", [])
                listing = [file for file in repository.listing() if file[0] in wanted]
                return self.send_json([_tree_entry(*file) for file in listing])
            siblings = [_sibling(*file) for file in repository.listing()]
            sha = repository.main if revision == "main" else COMMIT
            content = {"id": f"{owner}/{name}", "sha": sha, "siblings": siblings}
            return self.send_json(content | {"private": False, "gated": False, "tags": []})

        def answer_file(self, path):
            repositories = models
            if path.startswith("datasets/"):
                repositories, path = datasets, path.removeprefix("datasets/")
            owner, name, _, revision, *parts = path.split("/")
            repository, file = repositories.get(f"{owner}/{name}"), "/".join(parts)
            if repository is None:
                return self.refuse(404, "RepoNotFound")
            if repository.gated:
                return self.refuse(403, "GatedRepo")
            if revision not in REVISIONS:
                return self.refuse(404, "RevisionNotFound")
            if file not in repository.files:
                return self.refuse(404, "EntryNotFound")
            return self.send_file(repository, file)

        def send_file(self, repository, file):
            data, entry = repository.files[file], dict(repository.listing())[file]
            start, end = 0, len(data)
            if "Range" in self.headers:
                first, last = self.headers["Range"].removeprefix("bytes=").split("-")
                start, end = int(first), min(int(last) + 1 if last else end, end)
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("ETag", f'"{entry.get("sha256", entry["blob_id"])}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            if "Range" in self.headers:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            body = data[start:end]
            if repository.truncated and file.endswith(".safetensors"):
                body = body[: len(body) // 2]
            self.finish_answer(body)

        def send_json(self, content):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.finish_answer(json.dumps(content).encode())

        def refuse(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.finish_answer(b"")

        def finish_answer(self, body):
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    models, datasets = models or {}, datasets or {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _sibling(name, entry):
    sibling = {"rfilename": name, "size": entry["size"], "blobId": entry["blob_id"]}
    if "sha256" in entry:
        sibling["lfs"] = {"sha256": entry["sha256"], "size": entry["size"], "pointerSize": 100}
    return sibling


def _tree_entry(name, entry):
    content = {"type": "file", "path": name, "size": entry["size"], "oid": entry["blob_id"]}
    if "sha256" in entry:
        content["lfs"] = {"oid": entry["sha256"], "size": entry["size"], "pointerSize": 100}
    return content
