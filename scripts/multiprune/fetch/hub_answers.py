"""What the hub states about a repository, compared with what its interface promises.

A login page of a network, a proxy or another service may answer anything, with status 200.
"""

import re
from typing import TYPE_CHECKING

from multiprune.errors import InputError, shown
from multiprune.files.folders import leads_below

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

UNEXPECTED = (
    "the hub's answer is not what its interface promises; is there a login page of this network, "
    "or another service at HF_ENDPOINT?"
)
MOST_BYTES = 2**63  # what a file system can hold


def commit_of(info: object, what: str) -> str:
    """The commit that an answer of the hub is of; InputError where it states none."""
    commit = getattr(info, "sha", None)
    if not isinstance(commit, str) or not re.fullmatch("[0-9a-f]{40}", commit):
        raise InputError(f"{what}: {UNEXPECTED} (it states the commit {shown(commit)})")
    return commit


def checked_model(info: "ModelInfo", what: str, sizes: bool = False) -> "ModelInfo":
    """The answer as it is; InputError where commit, names or sizes are none.

    With `sizes`, which is for answers that were asked for with `files_metadata`, every file must
    have one: a transfer is stopped there, and might never end otherwise.
    """
    commit_of(info, what)
    if not isinstance(info.siblings, list):
        raise InputError(f"{what}: {UNEXPECTED} (it lists no files)")
    for file in info.siblings:
        if not leads_below(file.rfilename) or not _is_text(file.rfilename):
            raise InputError(f"{what}: {UNEXPECTED} (it names a file {shown(file.rfilename)})")
        if sizes and not _has_size(file):
            stated = f"the size {shown(file.size)}"
            raise InputError(f"{what}: {UNEXPECTED} (it states {stated} of {file.rfilename!r})")
    return info


def _is_text(name: str) -> bool:
    """Whether a name can stand in an address; half of a surrogate pair cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _has_size(file: "RepoSibling") -> bool:
    return type(file.size) is int and 0 <= file.size < MOST_BYTES
