"""A repository of the Hugging Face hub at one revision."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import require_keys
from multiprune.fetch.hub import TIMEOUT, Download, hub_errors, hub_page, persistently
from multiprune.fetch.hub_answers import checked_model, commit_of
from multiprune.fetch.model_files import (
    Check,
    check_configs,
    check_shards,
    check_tokenizer,
    check_weights,
    model_files,
)
from multiprune.fetch.pickled import convert
from multiprune.fetch.revisions import found_commit
from multiprune.models.architectures import architecture_of
from multiprune.models.folder import pickled_weights


def fetch(definition: dict, folder: Path, fits: Check) -> dict:
    """Keys: repo, revision. The commit that the revision stands for is recorded.

    `folder` may hold what an earlier run fetched before it failed: what is of the same commit is
    kept.
    """
    from huggingface_hub import HfApi

    require_keys(definition, ["repo", "revision"])
    repo, revision = definition["repo"], definition["revision"]
    what = f"model {repo}"
    with hub_errors(what, revision, hub_page(repo)):
        info = persistently(
            lambda: HfApi().model_info(
                repo, revision=revision, files_metadata=True, timeout=TIMEOUT
            ),
            what,
        )
        download = Download(repo, checked_model(info, what, sizes=True), folder)
    names = model_files(download.files, what)
    download.require_space(names)
    # The small files that decide, then the rest: a refused model costs no gigabytes.
    pickled = pickled_weights(names)
    large = {*pickled, *(name for name in names if name.endswith(".safetensors"))}
    download.fetch(name for name in names if name not in large)
    with _discarding(download):
        check_configs(folder, what)
        architecture_of(folder)
        check_shards(folder, names, what)
        check_tokenizer(folder, what)
    fits(folder)
    download.fetch(names)
    with _discarding(download):
        notes = _converted(folder, pickled, what)
        check_weights(folder, what)
    fits(folder)
    return {"revision": info.sha} | notes


def _converted(folder: Path, pickled: list[str], what: str) -> dict:
    """Put safetensors in the place of pickled weights; what the manifest says of it."""
    if not pickled:
        return {}
    notes = convert(folder, folder, pickled, what)
    for name in pickled:
        (folder / name).unlink()
    return notes


def made_by(definition: dict, code: str) -> dict:
    """Nothing beside the definition: the files are as the hub has them."""
    return {}


def check(definition: dict, pinned: dict, folder: Path, fits: Check) -> str:
    """Whether the repository has a model that can be pruned; config.json alone is fetched."""
    from huggingface_hub import HfApi, hf_hub_download

    repo, revision = definition["repo"], pinned["revision"]
    what = f"model {repo}"
    with hub_errors(what, revision, hub_page(repo)):
        info = checked_model(HfApi().model_info(repo, revision=revision), what)
        model_files([file.rfilename for file in info.siblings], what)
        hf_hub_download(repo, "config.json", revision=info.sha, local_dir=folder)
        now = commit_of(HfApi().model_info(repo, revision=definition["revision"]), what)
    architecture_of(folder)
    fits(folder)
    return found_commit(definition, info.sha, now)


@contextmanager
def _discarding(download: Download) -> Iterator[None]:
    """Empty the folder of a model that is refused for good."""
    try:
        yield
    except InputError:
        download.discard()
        raise
