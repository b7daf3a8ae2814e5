"""A small Hugging Face hub on 127.0.0.1 that serves the repositories a test gives it.

Fetching runs scripts/fetch_model.py against it.
"""

import contextlib
import hashlib
import io
import json
import os
import resource
import runpy
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from huggingface_hub import constants
from patience import patience

from multiprune.fetch import hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "v1", COMMIT)
CONVERSION = "refs/convert/parquet"
ENDLESS = 2**26
UNWANTED = ("pytorch_model.bin", "README.md")
DEFINITION = {"kind": "huggingface", "repo": "org/tiny", "revision": "v1"}
SCRIPTS = Path(__file__).parents[1] / "scripts"
SCRIPT = SCRIPTS / "fetch_model.py"
WITHOUT_PAUSES = f"""
import runpy, sys
sys.path.insert(0, {str(SCRIPTS)!r})
import multiprune.fetch.hub
multiprune.fetch.hub.PAUSE = 0
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""
CANARY = "hf_canaryCANARYcanary"


class Repository:
    """Files of one repository, and what the server does to those who ask for them.

    - `main` is the commit that the branch main stands for.
    - `gated` files are refused, but for those who send `token`.
    - `wrong_hash`: false hashes are stated for these files.
    - `truncated`: answers for safetensors hold half of the bytes and claim to be whole.
    - `breaks`: {file: [bytes, ...]}, the connection is dropped after so many bytes, once for each.
    - `failures`: [(status, headers), ...], what the next requests are answered with.
    - `ranges`: whether requests for a part of a file are honoured.
    - `answer`: bytes that stand in place of what the hub states about the repository.
    - `endless`: files that go on for ENDLESS bytes and are announced without a length.
    - `converted`: the repository that the branch CONVERSION stands for.

    `transfers` lists (file, first byte asked for, bytes sent) of every download.
    """

    def __init__(
        self,
        files,
        *,
        main=COMMIT,
        gated=False,
        token=None,
        wrong_hash=(),
        truncated=False,
        breaks=None,
        failures=(),
        ranges=True,
        answer=None,
        endless=(),
        converted=None,
    ):
        self.files = files
        self.main = main
        self.gated = gated
        self.token = token
        self.wrong_hash = wrong_hash
        self.truncated = truncated
        self.breaks = breaks or {}
        self.failures = list(failures)
        self.ranges = ranges
        self.answer = answer
        self.endless = endless
        self.converted = converted
        self.transfers = []

    def at(self, revision):
        """The repository at a revision, None where it has no such."""
        if revision in (*REVISIONS, self.main):
            return self
        if self.converted and revision in (CONVERSION, self.converted.main):
            return self.converted
        return None

    def admits(self, authorization):
        """Whether files may be downloaded with this header."""
        return not self.gated or (self.token and authorization == f"Bearer {self.token}")

    def weights(self):
        """The transfers of safetensors."""
        return [transfer for transfer in self.transfers if transfer[0].endswith(".safetensors")]

    def listing(self):
        """Every file as the hub describes it; safetensors are large files."""
        for name, data in self.files.items():
            stated = b"something else" if name in self.wrong_hash else data
            blob = b"blob %d\0" % len(stated) + stated  # as git hashes it
            entry = {"size": len(data), "blob_id": hashlib.sha1(blob).hexdigest()}
            if name.endswith(".safetensors"):
                entry["sha256"] = hashlib.sha256(stated).hexdigest()
            yield name, entry


def parquet(rows):
    """Rows, each a dict, as the bytes of a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


def rows_repository(config, split, rows, **options):
    """A dataset repository whose card names one configuration and its Parquet file."""
    file = f"{config}-{split}-00000-of-00001.parquet"
    card = (
        f"---\nconfigs:\n- config_name: {config}\n  data_files:\n"
        f"  - split: {split}\n    path: {config}-{split}-*\n---\n"
    )
    return Repository({"README.md": card.encode(), file: parquet(rows)}, **options)


@contextlib.contextmanager
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
            path = urlsplit(self.path).path
            if path.startswith("/api/"):
                self.answer_api(path, None)
            else:
                self.answer_file(path.strip("/"))

        def answer_api(self, path, body):
            parts = [unquote(part) for part in path.split("/")[2:]]
            kind, owner, name, action, revision = [*parts, *[""] * 5][:5]
            repository = {"models": models, "datasets": datasets}.get(kind, {}).get(
                f"{owner}/{name}"
            )
            if repository is None:
                return self.refuse(404, "RepoNotFound")
            if repository.failures:
                return self.fail(repository)
            if action and (repository := repository.at(revision)) is None:
                return self.refuse(404, "RevisionNotFound")
            if action == "tree":
                return self.send_json([_tree_entry(*file) for file in repository.listing()])
            if action == "paths-info":
                wanted = body.get("paths", [])
                listing = [file for file in repository.listing() if file[0] in wanted]
                return self.send_json([_tree_entry(*file) for file in listing])
            if repository.answer is not None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                return self.finish_answer(repository.answer)
            siblings = [_sibling(*file) for file in repository.listing()]
            named = ("main", CONVERSION, repository.main)
            sha = repository.main if revision in named else COMMIT
            content = {"id": f"{owner}/{name}", "sha": sha, "siblings": siblings}
            return self.send_json(content | {"private": False, "gated": False, "tags": []})

        def answer_file(self, path):
            repositories = models
            if path.startswith("datasets/"):
                repositories, path = datasets, path.removeprefix("datasets/")
            owner, name, _, revision, *parts = map(unquote, path.split("/"))
            repository, file = repositories.get(f"{owner}/{name}"), "/".join(parts)
            if repository is None:
                return self.refuse(404, "RepoNotFound")
            if repository.failures:
                return self.fail(repository)
            if not repository.admits(self.headers.get("Authorization")):
                return self.refuse(403, "GatedRepo")
            if (repository := repository.at(revision)) is None:
                return self.refuse(404, "RevisionNotFound")
            if file not in repository.files:
                return self.refuse(404, "EntryNotFound")
            return self.send_file(repository, file)

        def send_file(self, repository, file):
            if file in repository.endless:
                return self.send_endless(repository, file)
            data, entry = repository.files[file], dict(repository.listing())[file]
            start, end = 0, len(data)
            ranged = repository.ranges and "Range" in self.headers
            if ranged:
                first, last = self.headers["Range"].removeprefix("bytes=").split("-")
                start, end = int(first), min(int(last) + 1 if last else end, end)
            self.send_response(206 if ranged else 200)
            self.send_header("ETag", f'"{entry.get("sha256", entry["blob_id"])}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            if ranged:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
            body = data[start:end]
            if repository.truncated and file.endswith(".safetensors"):
                body = body[: len(body) // 2]
            sent = body
            if self.command == "GET" and repository.breaks.get(file):
                sent = body[: repository.breaks[file].pop(0)]
                self.close_connection = True
            if self.command == "GET":
                repository.transfers.append((file, start, len(sent)))
            self.finish_answer(body, sent)

        def send_endless(self, repository, file):
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            sent = 0
            with contextlib.suppress(OSError):  # the client leaves
                while sent < ENDLESS:
                    sent += self.wfile.write(bytes(2**16))
            repository.transfers.append((file, 0, sent))

        def send_json(self, content):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.finish_answer(json.dumps(content).encode())

        def refuse(self, status, code):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.finish_answer(b"")

        def fail(self, repository):
            status, headers = repository.failures.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.finish_answer(b"")

        def finish_answer(self, body, sent=None):
            """Announce `body` and send it, or only `sent` of it."""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body if sent is None else sent)

    models, datasets = models or {}, datasets or {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *arguments: None  # connections that a client has left
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
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


class Fetching:
    """Runs of the script in one folder; everything that it printed is kept."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        self.manifest = folder / "models" / "tiny" / "manifest.json"
        self.partial = folder / "models" / ".tiny.partial"
        self.part = self.partial / ".in-progress" / "model.safetensors.part"
        self.printed = ""

    def run(self, repository, definition=DEFINITION, token=CANARY, endpoint=None, **options):
        """Exit code and last line of a run while the hub serves org/tiny as `repository`.

        Options: offline; of runs in this process `change`, a function of a monkeypatch; of runs in
        their own `file_limit`, the bytes that a file may have.
        """
        arguments = ["--definition", json.dumps(definition), "--manifest", str(self.manifest)]
        arguments += ["--lock", str(self.folder / "lock.yaml")]
        with loopback_hub({"org/tiny": repository}) as self.endpoint:
            code, stderr = self.execute(arguments, token, endpoint or self.endpoint, **options)
        self.printed += stderr
        self.check_token()
        lines = stderr.strip().splitlines()
        assert "Traceback" not in stderr, stderr
        assert sum(line.startswith("error: ") for line in lines) == code
        return code, lines[-1]

    def execute(self, arguments, token, endpoint, offline=False, change=None):
        """Exit code and stderr."""
        stderr = io.StringIO()
        with self.monkeypatch.context() as patch, contextlib.redirect_stderr(stderr):
            patch.setattr(sys, "argv", [str(SCRIPT), *arguments])
            patch.setattr(hub, "PAUSE", 0)
            patch.setattr(constants, "ENDPOINT", endpoint)
            template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
            patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
            patch.setattr(constants, "HF_HUB_OFFLINE", offline)
            patch.setattr(constants, "HF_TOKEN_PATH", str(self.folder / "no-token"))
            patch.setenv("TQDM_DISABLE", "1")
            patch.delenv("HF_TOKEN", raising=False)
            if token:
                patch.setenv("HF_TOKEN", token)
            if change:
                change(patch)
            try:
                runpy.run_path(str(SCRIPT), run_name="__main__")
            except SystemExit as end:
                return end.code, stderr.getvalue()
        return 0, stderr.getvalue()

    def check_token(self):
        """The token stands in nothing that was printed or written, partial downloads included."""
        assert CANARY not in self.printed
        written = [path for path in self.folder.rglob("*") if path.is_file()]
        assert not [path for path in written if CANARY.encode() in path.read_bytes()]

    def succeed(self, repository, **options):
        """Run, and compare the model folder with the repository."""
        code, line = self.run(repository, **options)
        assert code == 0, line
        found = {path.name: path.read_bytes() for path in self.manifest.parent.iterdir()}
        wanted = {name: data for name, data in repository.files.items() if name not in UNWANTED}
        assert set(found) == {*wanted, "manifest.json", ".verified.json"}
        assert found.items() >= wanted.items()
        assert os.listdir(self.manifest.parent.parent) == ["tiny"]

    def refuse(self, repository, **options):
        """The one error line of a run that must fail."""
        code, line = self.run(repository, **options)
        assert code == 1
        assert not self.manifest.parent.exists()
        return line


class FetchingAlone(Fetching):
    """Runs of the script in processes of their own."""

    def execute(self, arguments, token, endpoint, offline=False, file_limit=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

        settings = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline))}
        settings |= {"HF_HOME": str(self.folder / "cache")} | ({"HF_TOKEN": token} if token else {})
        inherited = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_PAUSES, *arguments],
            env=inherited | settings,
            preexec_fn=limit if file_limit else None,
            capture_output=True,
            text=True,
            timeout=patience(180),
        )
        self.printed += done.stdout
        return done.returncode, done.stderr
