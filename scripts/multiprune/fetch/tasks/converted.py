"""The hub's own conversion to Parquet of a dataset that is loaded by a script of its own."""

from multiprune.errors import InputError
from multiprune.fetch.hub import TIMEOUT, NotThere, persistently
from multiprune.fetch.hub_answers import commit_of

BRANCH = "refs/convert/parquet"
NONE = "is loaded by a script of its own, which is never run, and the hub has no conversion of it"


def has_script(dataset: str, commit: str) -> bool:
    """Whether a dataset of the hub is loaded by a script; to be called in `dataset_errors`.

    `datasets` looks for one, too, and takes a hub that fails to answer for one that has none.
    """
    from huggingface_hub import HfApi

    info = persistently(
        lambda: HfApi().dataset_info(dataset, revision=commit, timeout=TIMEOUT),
        f"dataset {dataset}",
    )
    script = f"{dataset.rpartition('/')[2]}.py"
    return any(file.rfilename == script for file in info.siblings or ())


def converted_files(
    dataset: str, config: str | None, split: str, revision: str
) -> tuple[str, list[str]]:
    """The commit of the conversion, and the addresses of its files; revision: BRANCH or a commit.

    Raises NotThere where the hub has none, or one of a part of the rows only, and what
    `dataset_errors` turns into a line.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError

    what = f"dataset {dataset}, config {config or 'default'}, split {split}"
    try:
        info = persistently(
            lambda: HfApi().dataset_info(dataset, revision=revision, timeout=TIMEOUT), what
        )
    except RevisionNotFoundError:
        raise _none(what, revision) from None
    commit, folder = commit_of(info, what), f"{config or 'default'}/{split}/"
    names = sorted(file.rfilename for file in info.siblings or ())
    names = [name for name in names if name.startswith(folder) and name.endswith(".parquet")]
    if not names:
        raise _none(what, revision)
    return commit, [f"hf://datasets/{dataset}@{commit}/{name}" for name in names]


def _none(what: str, revision: str) -> InputError:
    if revision == BRANCH:
        return NotThere(f"{what}: {NONE}")
    return InputError(
        f"{what}: the locked commit {revision} of {BRANCH} is gone or has no such rows; delete its "
        "entry in the lock file"
    )
