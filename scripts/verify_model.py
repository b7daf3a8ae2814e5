"""Report how sparse a model folder is, whether n:m patterns hold, and its perplexity on texts.

Any Hugging Face folder of a supported architecture will do, whoever pruned it.
"""

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path

from multiprune.errors import InputError
from multiprune.evaluation.output_head import check_logits
from multiprune.evaluation.perplexity import (
    bits_per_byte,
    perplexity,
    tokens_read,
    window_losses,
    windows_of,
)
from multiprune.experiment.group_pattern import GroupPattern, parse_pattern
from multiprune.export.sparsity_report import (
    LEVELS,
    as_text,
    matrices,
    must_match_record,
    sparsity_rows,
)
from multiprune.fetch.own_text import BLANK_LINES, PARTED_BY, own_paragraphs
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.markup import csv_text
from multiprune.files.writing import replacing
from multiprune.jobs.command import run, text_by_language
from multiprune.models.devices import set_up
from multiprune.models.loading import check_ids, check_length, load_model, not_finite
from multiprune.models.tokenization import tokenize, unknown_tokens, utf8_bytes, warn_of_unknown
from multiprune.models.tokenizer import load_tokenizer

DTYPES = ("auto", "float32", "bfloat16", "float16")


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--patterns", nargs="*", action="extend", help="n:m; default: 2:4 4:8")
    parser.add_argument("--dtype", default="auto", choices=DTYPES, help="of the weights in memory")
    parser.add_argument(
        "--text",
        nargs="*",
        action="extend",
        default=[],
        help='LANGUAGE=FILE, plain text in .txt, else a {"text": ...} a line',
    )
    parser.add_argument(
        "--paragraphs", choices=PARTED_BY, default=BLANK_LINES, help="what parts them in .txt"
    )
    parser.add_argument("--corpora", help="folder of all corpora of the workflow")
    parser.add_argument("--languages", default="{}", help="JSON, language -> corpus")
    parser.add_argument("--split", default="test", help="of these corpora")
    parser.add_argument("--length", type=int, help="tokens in a window; needed with text")
    parser.add_argument("--tokens", type=int, help="of text per language at most")
    parser.add_argument("--batch-tokens", type=int, default=2048, help="tokens in a batch")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--output", required=True, help="CSV file")
    options = parser.parse_args()
    options.languages = text_by_language(
        "--languages", options.languages, "language and corpus", "udhr"
    )
    if options.patterns is None:
        options.patterns = ["2:4", "4:8"]
    if options.languages and not options.corpora:
        raise InputError("--languages: needs --corpora, the folder of the corpora")
    if (options.text or options.languages) and options.length is None:
        raise InputError("--length: is needed with text, since perplexity depends on it")
    for name in ("length", "tokens", "batch_tokens", "threads"):
        number = getattr(options, name)
        if number is not None and number < 1:
            raise InputError(f"--{name.replace('_', '-')}: found {number}, at least 1 is needed")
    return options


def group_pattern(text: str) -> GroupPattern:
    """A pattern n:m; InputError for anything else."""
    pattern = parse_pattern(text, "--patterns")
    if pattern is None:
        raise InputError(f"--patterns: found {text!r}, a pattern n:m such as 2:4 is expected")
    return pattern


def texts(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Language and paragraphs of each text."""
    for entry in options.text:
        language, _, path = entry.partition("=")
        if not language or not path:
            raise InputError(f"--text {entry}: LANGUAGE=FILE is expected, such as en=english.txt")
        yield language, own_paragraphs(Path(path), options.paragraphs)
    for language, corpus in sorted(options.languages.items()):
        path = Path(options.corpora) / corpus / language / f"{options.split}.jsonl"
        yield language, read_paragraphs(path)


def perplexity_rows(options: argparse.Namespace) -> list[dict]:
    """One row per language, computed as the workflow computes it."""
    read = list(texts(options))
    if not read:
        return []
    names = [language for language, _ in read]
    if len(set(names)) < len(names):
        raise InputError(f"--text and --languages: found {', '.join(names)}, each at most once")
    tokenizer = load_tokenizer(options.model)
    model = load_model(options.model, options.dtype)
    check_length(model, tokens_read(options.length, tokenizer))
    check_logits(model)
    rows = []
    for language, paragraphs in read:
        ids, scored = tokenize(paragraphs, tokenizer, options.tokens)
        if not len(ids):
            raise InputError(f"--text {language}: has no tokens")
        check_ids(model, ids, f"--text {language}")
        windows = windows_of(ids, options.length, tokenizer)
        unknown = unknown_tokens(ids, tokenizer)
        warn_of_unknown(language, unknown, len(ids))
        losses = window_losses(model, windows, options.batch_tokens)
        if not all(map(math.isfinite, losses)):
            raise InputError(f"{options.model}: the loss on {language} is {not_finite(model)}")
        rows.append(
            {
                "level": "language",
                "name": language,
                "tokens": len(ids),
                "unknown_tokens": unknown,
                "perplexity": perplexity(losses, [len(window.targets) for window in windows]),
                "bits_per_byte": bits_per_byte(losses, utf8_bytes(scored, tokenizer)),
            }
        )
    return rows


def main() -> None:
    """Count zeros in the files, score the texts, write the table and print it in short."""
    options = parse()
    set_up(options.threads)
    patterns = list(dict.fromkeys(map(group_pattern, options.patterns)))
    counted = matrices(options.model, patterns)
    rows = [*sparsity_rows(counted), *perplexity_rows(options)]
    columns = [*LEVELS, *map(str, patterns), "tokens", "unknown_tokens"]
    columns += ["perplexity", "bits_per_byte"]
    with replacing(options.output) as temporary, open(temporary, "w", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(row | {"name": csv_text(str(row["name"]))} for row in rows)
    print(as_text(rows, columns))
    must_match_record(options.model, counted)


if __name__ == "__main__":
    run(main, log_environment=False)
