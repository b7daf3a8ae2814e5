"""A text column of a dataset in the Hugging Face format, from the hub or from a local folder."""

import sys
from pathlib import Path

from multiprune.fetch.definitions import require_keys
from multiprune.fetch.enough import Windows, enough, shortages
from multiprune.fetch.hub_datasets import dataset_commit, read_column
from multiprune.fetch.revisions import found_commit
from multiprune.fetch.splits import SPLITS, Dealt, keep_apart, split_of_position, without_repeats

FIRST_ROWS = 256  # of a split that are read to see whether it can be enough; then eight times more


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Rows of a column; `corpus` names our splits' counterparts in the dataset.

    Keys: dataset (hub name or local folder), revision, column, splits, rows; optional config and
    files. In column, config and files, `{text}` stands for the language's code. The first `rows`
    rows that are not blank are taken of each dataset split. Where several of our splits name the
    same one, its rows are dealt among them by row number (see `split_of_position`) and repeats are
    left out; a split that the dataset itself keeps apart is taken as it is, without the rows that
    a later split of ours holds too.
    """
    require_keys(corpus, ["dataset", "revision", "column", "splits", "rows"])
    require_keys(corpus["splits"], SPLITS)
    commit = dataset_commit(corpus["dataset"], corpus["revision"])
    keys = ("column", "config", "files")
    patterns = {key: corpus[key].replace("{text}", text) for key in keys if corpus.get(key)}
    all_rows, repeats = [], 0
    for name in dict.fromkeys(corpus["splits"][split] for split in SPLITS):
        sharing = [split for split in SPLITS if corpus["splits"][split] == name]
        numbered = read_column(
            corpus["dataset"], name, rows=corpus["rows"], revision=commit, **patterns
        )
        dealt = [
            ({"id": f"{name}.{number + 1:06d}", "text": row}, split_of_position(number, sharing))
            for number, row in numbered
        ]
        if len(sharing) > 1:
            dealt, notes = without_repeats(dealt)
            repeats += notes["repeats_left_out"]
        all_rows += dealt
    all_rows, leaks = keep_apart(all_rows, f"dataset {corpus['dataset']}, text {text!r}")
    if leaks:
        print(f"{leaks} rows that stand in a later split too are left out", file=sys.stderr)
    return all_rows, {"revision": commit, "repeats_left_out": repeats + leaks}


def check(corpus: dict, pinned: dict, text: str, source: Path | None, windows: Windows) -> str:
    """Whether the dataset has the text, and of it what can be enough.

    Of each split of the dataset no more rows are read than show it: one where no windows are asked.
    """
    rows = min(FIRST_ROWS, corpus["rows"]) if windows else 1
    dealt, _notes = read({**pinned, "rows": rows}, text, None)
    while shortages(dealt, windows) and rows < corpus["rows"]:
        rows = min(8 * rows, corpus["rows"])
        dealt, _notes = read({**pinned, "rows": rows}, text, None)
    paragraphs = enough(dealt, windows)
    commit = dataset_commit(corpus["dataset"], pinned["revision"])
    now = dataset_commit(corpus["dataset"], corpus["revision"])
    found = found_commit(corpus, commit, now)
    return f"{found}, {paragraphs} in the first {rows} rows" if windows else found
