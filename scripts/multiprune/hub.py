"""What goes wrong on the Hugging Face hub, each as one line that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from multiprune.errors import InputError

UNREACHABLE = (
    "the hub cannot be reached; fetch on a machine with network access (is HF_HUB_OFFLINE set?), "
    "or use a model or corpus on this machine"
)
BROKEN_TRANSFER = "the transfer from the hub broke off; run the same command again"
GATED = (
    "access is gated; accept its terms on its hub page, then log in with `hf auth login` or set "
    "HF_TOKEN"
)


@contextmanager
def hub_errors(what: str, revision: str | None) -> Iterator[None]:
    """Turn the hub client's exceptions into InputError.

    `what` names the repository, such as `model org/name`. No message of the server is passed on
    beyond its status code: it may repeat request headers.
    """
    # Imported late: readers of local sources need not wait for the client.
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError:
        raise InputError(f"{what}: {GATED}") from None
    except errors.RevisionNotFoundError:
        raise InputError(
            f"{what}: revision {revision!r} does not exist; give a branch, tag or commit that its "
            "hub page lists"
        ) from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"{what}: no such repository on the hub, or it is private; check the name, or log in "
            "with `hf auth login` or HF_TOKEN"
        ) from None
    except errors.HFValidationError:
        raise InputError(f"{what}: is not a valid repository name; it reads owner/name") from None
    except errors.HfHubHTTPError as error:
        raise InputError(f"{what}: {_status_line(error.response.status_code)}") from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, ConnectionError):
        raise InputError(f"{what}: {UNREACHABLE}") from None
    except (httpx2.ConnectError, httpx2.TimeoutException):
        raise InputError(f"{what}: {UNREACHABLE}") from None
    except (httpx2.HTTPError, errors.XetDownloadError, errors.FileMetadataError):
        raise InputError(f"{what}: {BROKEN_TRANSFER}") from None
    except OSError as error:
        if error.errno is not None:  # this machine's fault, such as no space left
            raise
        raise InputError(f"{what}: {BROKEN_TRANSFER}") from None


def _status_line(status: int) -> str:
    if status in (401, 403):
        return f"the hub refuses access (status {status}); {GATED}"
    if status == 404:
        return "the hub knows no such repository, revision or file (status 404); check the names"
    return f"the hub answered with status {status}; run the same command again later"
