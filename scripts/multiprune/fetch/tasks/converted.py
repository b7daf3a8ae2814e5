"""The hub's own conversion to Parquet of a dataset that is loaded by a script of its own."""

from multiprune.errors import InputError
from multiprune.fetch.hub import TIMEOUT, NotThere, persistently
from multiprune.fetch.hub_answers import commit_of

BRANCH = "refs/convert/parquet"
NONE = "is loaded by a script of its own, which is never run, and the hub has no conversion of it"


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
        if revision != BRANCH:
            gone = f"the locked commit {revision} of {BRANCH} is gone; delete its entry"
            raise InputError(f"{what}: {gone} in the lock file") from None
        raise NotThere(f"{what}: {NONE}") from None
    commit, folder = commit_of(info, what), f"{config or 'default'}/{split}/"
    names = sorted(file.rfilename for file in info.siblings or ())
    names = [name for name in names if name.startswith(folder) and name.endswith(".parquet")]
    if not names:
        raise NotThere(f"{what}: {NONE}")
    return commit, [f"hf://datasets/{dataset}@{commit}/{name}" for name in names]
