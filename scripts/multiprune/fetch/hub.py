"""The Hugging Face hub: resumable downloads, retries, and every failure as one line.

The client's own downloader (huggingface_hub 2.4) gives a transfer a name of its own in each call
and deletes it when it fails, so that the next call starts the file anew. `Download` keeps what has
arrived and asks for the rest. Addresses, token, offline mode and errors stay the client's.
"""

import errno
import os
import random
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from multiprune.errors import InputError
from multiprune.fetch.hub_answers import UNEXPECTED
from multiprune.files.folders import IN_PROGRESS
from multiprune.files.hashes import sha256_file
from multiprune.files.json import read_json, write_json

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

# The client is imported where it is used: readers of local sources need not wait for it.

Result = TypeVar("Result")

ATTEMPTS = 5  # without progress
PAUSE = 4.0  # seconds before the second attempt; doubled before each further one
LONGEST_PAUSE = 300.0  # seconds; the hub counts requests in windows of five minutes
TIMEOUT = 30.0  # seconds in which the hub must send something
TRANSFERS = 4  # at a time, for one model
TRANSIENT = (408, 429, 500, 502, 503, 504)
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

AWAY = "the hub cannot be reached"
_given_up = Event()  # this process has tried to reach it ATTEMPTS times in a row
UNREACHABLE = (
    f"{AWAY}; fetch on a machine with network access (is HF_HUB_OFFLINE set?), "
    "or use a model or corpus on this machine"
)
BROKEN_TRANSFER = "the transfer from the hub broke off; run the same command again"


class NotThere(InputError):
    """The hub itself says that it does not have what was asked for, or not in a form that is read.

    Only for answers that no fault of a network, a mirror or a lock file can look like.
    """


class BrokenTransfer(Exception):
    """An answer ended before all of a file had arrived."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C, so this transfer ends early."""


def hub_page(repo: str, kind: str = "model") -> str:
    """Address of a repository's page, where its licence is accepted; kind: model, dataset.

    Of an endpoint that holds a user and a password, these are left out: messages show the address.
    """
    from huggingface_hub import constants

    endpoint = re.sub(r"//[^/]*@", "//", constants.ENDPOINT)
    return f"{endpoint}/{'datasets/' if kind == 'dataset' else ''}{repo}"


def gated(page: str | None) -> str:
    """What to do about a repository whose licence must be accepted first."""
    return (
        f"access is gated; accept the licence at {page or 'its hub page'}, then set HF_TOKEN to a "
        "token of the same account, or log in with `hf auth login`"
    )


@contextmanager
def hub_errors(what: str, revision: str | None, page: str | None = None) -> Iterator[None]:
    """Turn the hub client's exceptions into InputError.

    `what` names the repository, such as `model org/name`; `page` is its `hub_page`. No message of
    the server is passed on beyond its status code: it may repeat request headers.
    """
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except InputError:
        raise
    except errors.GatedRepoError:
        raise InputError(f"{what}: {gated(page)}") from None
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{what}: revision {revision!r} does not exist; give a branch, tag or commit that "
            f"{page or 'its hub page'} lists"
        ) from None
    except errors.RepositoryNotFoundError as error:
        # The client also calls a 401 so, with which a mirror asks for a login.
        problem = NotThere if error.response.status_code == 404 else InputError
        raise problem(
            f"{what}: no such repository on the hub, or it is private; check the name, or log in "
            "with `hf auth login` or HF_TOKEN"
        ) from None
    except errors.HFValidationError:
        raise InputError(f"{what}: is not a valid repository name; it reads owner/name") from None
    except errors.HfHubHTTPError as error:
        line = _status_line(error.response.status_code, page)
        raise InputError(f"{what}: {line}") from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, ConnectionError):
        raise InputError(f"{what}: {UNREACHABLE}") from None
    except (httpx2.ConnectError, httpx2.TimeoutException):
        raise InputError(f"{what}: {UNREACHABLE}") from None
    except (httpx2.LocalProtocolError, UnicodeEncodeError):
        # Its message would quote the header.
        raise InputError(f"{what}: the token in HF_TOKEN cannot be sent; copy it again") from None
    except (httpx2.HTTPError, errors.XetDownloadError, errors.FileMetadataError, BrokenTransfer):
        raise InputError(f"{what}: {BROKEN_TRANSFER}") from None
    except OSError as error:
        if error.errno is not None:  # this machine's fault, such as no space left
            raise
        raise InputError(f"{what}: {BROKEN_TRANSFER}") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # What the client says where an answer has another form than it expects. The type tells a
        # mistake of ours from that.
        raise InputError(f"{what}: {UNEXPECTED} ({type(error).__name__})") from None


def _status_line(status: int, page: str | None) -> str:
    if status in (401, 403):
        return f"the hub refuses access (status {status}); {gated(page)}"
    if status == 404:
        return "the hub knows no such repository, revision or file (status 404); check the names"
    return f"the hub answered with status {status}; run the same command again later"


def persistently(
    action: Callable[[], Result],
    what: str,
    *,
    progress: Callable[[], int] = lambda: 0,
    sleep: Callable[[float], object] = time.sleep,
) -> Result:
    """The result of `action`, which is tried again after failures that may pass.

    After ATTEMPTS failures in a row, between which `progress()` has not grown, and at once after
    any other failure, the exception is raised. A hub that could not be reached so often is asked
    for other things once each, until it answers. Each attempt is announced on stderr.
    """
    failures, reached = 0, progress()
    while True:
        try:
            result = action()
        except Exception as error:
            reason, now = _passing(error), progress()
            if reason != AWAY or now > reached:
                _given_up.clear()
            failures = 1 if now > reached else failures + 1
            reached = max(reached, now)
            if reason is None or failures >= (1 if _given_up.is_set() else ATTEMPTS):
                if reason == AWAY:
                    _given_up.set()
                raise
            pause = _pause(failures, error)
        else:
            _given_up.clear()
            return result
        attempt = f"attempt {failures + 1} of {ATTEMPTS} in {pause:.0f} s"
        print(f"{what}: {reason}; {attempt}", file=sys.stderr, flush=True)
        sleep(pause)


def _passing(error: Exception) -> str | None:
    """What to say of a failure that may pass; None for one that stays."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        return f"the hub answered with status {status}" if status in TRANSIENT else None
    if isinstance(error, httpx2.ConnectError | httpx2.TimeoutException | httpx2.ProxyError):
        return AWAY
    if isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError | BrokenTransfer):
        return "the transfer broke off"
    return None


def _pause(failures: int, error: Exception) -> float:
    """Seconds to wait: what the hub asks for, else exponential back-off; jitter spreads jobs."""
    pause = PAUSE * 2 ** (failures - 1) * random.uniform(0.5, 1.5)
    return min(pause + _asked_pause(error), LONGEST_PAUSE)


def _asked_pause(error: Exception) -> float:
    from huggingface_hub.utils import parse_ratelimit_headers

    response = getattr(error, "response", None)
    if response is None:
        return 0.0
    limit = parse_ratelimit_headers(response.headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


class Download:
    """Files of one commit of a model, on their way into a folder that outlives a failure.

    A finished file stands under its own name; one that is under way lies in IN_PROGRESS, beside a
    note of the repository and commit. A folder filled from another commit is emptied. `info` is
    an answer that has passed `checked_model` with sizes.
    """

    def __init__(self, repo: str, info: "ModelInfo", folder: Path):
        self.repo, self.commit, self.folder = repo, info.sha, folder
        self.what, self.page = f"model {repo}", hub_page(repo)
        self.files: dict[str, RepoSibling] = {file.rfilename: file for file in info.siblings}
        self._note = folder / IN_PROGRESS / "source.json"
        self._source = {"repo": repo, "commit": info.sha}
        self._noting = Lock()
        if not self._is_of_this_commit():
            self.discard()

    def discard(self) -> None:
        """Empty the folder."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def remaining(self, names: Iterable[str]) -> int:
        """Bytes of `names` that have not arrived."""
        held = {name: max(_size(self.folder / name), _size(self._part(name))) for name in names}
        return sum(max(0, self.files[name].size - held[name]) for name in held)

    def require_space(self, names: Iterable[str]) -> None:
        """InputError where the disk cannot hold what is still to come."""
        if self.remaining(names) > shutil.disk_usage(self.folder).free:
            raise InputError(self._no_room(names))

    def fetch(self, names: Iterable[str]) -> None:
        """Bring files into the folder, each compared with size and hash that the hub states.

        When one fails, those that are under way are finished and no other is begun.
        """
        names, stop = list(names), Event()
        pool = ThreadPoolExecutor(TRANSFERS)
        try:
            with hub_errors(self.what, self.commit, self.page):
                transfers = [pool.submit(self._fetch_file, name, stop) for name in names]
                for transfer in as_completed(transfers):
                    transfer.result()
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise InputError(f"{self._no_room(names)} ({error.strerror})") from None
        except KeyboardInterrupt:
            stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch_file(self, name: str, stop: Event) -> None:
        part, expected = self._part(name), self.files[name]
        if _fault(self.folder / name, expected) is None:
            return
        for _ in range(2):
            persistently(
                lambda: self._transfer(name, stop),
                f"{self.what}, {name}",
                progress=lambda: _size(part),
                sleep=stop.wait,
            )
            fault = _fault(part, expected)
            if fault is None:
                part.replace(self.folder / name)
                return
            part.unlink()
        raise InputError(
            f"{self.what}: {name} {fault}, fetched twice; it is removed and the same command "
            f"fetches it anew; if it stays so, tell the owners at {self.page}"
        )

    def _transfer(self, name: str, stop: Event) -> None:
        """Append to the part of a file what is lacking."""
        from huggingface_hub import get_session, hf_hub_url
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

        part, size = self._part(name), self.files[name].size
        start = _size(part)
        if start == size and part.is_file():
            return
        if start > size:
            start = 0
        headers = build_hf_headers() | {"Accept-Encoding": "identity"}  # so that bytes count
        if start:
            headers["Range"] = f"bytes={start}-"
        url = hf_hub_url(self.repo, name, revision=self.commit)
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT) as response:
            hf_raise_for_status(response)
            self._note_source()
            # Status 200 answers a request for a range with the whole file.
            with open(part, "ab" if start and response.status_code == 206 else "wb") as file:
                for chunk in response.iter_bytes():
                    if stop.is_set():
                        raise Stopped
                    file.write(chunk)
                    if file.tell() > size:
                        break  # of an answer that might never end; `_fault` says what is wrong
                file.flush()
                os.fsync(file.fileno())
        if _size(part) < size:
            raise BrokenTransfer

    def _part(self, name: str) -> Path:
        return self.folder / IN_PROGRESS / f"{name}.part"

    def _note_source(self) -> None:
        with self._noting:
            if not self._note.exists():
                write_json(self._note, self._source)

    def _is_of_this_commit(self) -> bool:
        try:
            return read_json(self._note) == self._source
        except InputError:
            return False

    def _no_room(self, names: Iterable[str]) -> str:
        lacking = size_text(self.remaining(names))
        free = size_text(shutil.disk_usage(self.folder).free)
        return (
            f"{self.folder}: {self.what} needs {lacking} more, {free} are free; make room there "
            "and run the same command: it goes on where it stopped"
        )


def _fault(path: Path, expected: "RepoSibling") -> str | None:
    """What is wrong with a file, as `name ...`; None where size and hash are those of the hub."""
    from huggingface_hub.utils.sha import git_hash

    if not path.is_file():
        return "did not arrive"
    size = path.stat().st_size
    if size != expected.size:
        return f"has {size} bytes, the hub says {expected.size}"
    if expected.lfs is not None:
        intact = sha256_file(path) == expected.lfs.sha256
        return None if intact else "has another SHA-256 than the hub states"
    intact = expected.blob_id is None or git_hash(path.read_bytes()) == expected.blob_id
    return None if intact else "has another git hash than the hub states"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def size_text(size: float) -> str:
    """A number of bytes for people, such as 16.1 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
