"""Tables on disk: their columns, reading, writing and putting them below each other.

Tables are CSV with full float precision, sorted, an empty cell for a missing value. Beside each
stands its SHA-256, which readers check.
"""

from pathlib import Path

import pandas as pd

from multiprune.errors import InputError
from multiprune.files.checksums import checksum_problem, replacing_signed
from multiprune.files.noted_inputs import note_input
from multiprune.files.writing import set_aside

COLUMNS = {
    "perplexity": [
        "model", "seed", "method", "sparsity", "language", "role", "tokens", "perplexity",
        "bits_per_byte", "ratio_to_dense", "ci_low", "ci_high", "ratio_to_baseline",
        "baseline_ci_low", "baseline_ci_high", "unknown_share", "note",
    ],
    "summary": [
        "model", "method", "sparsity", "language_set", "languages", "seeds", "perplexity",
        "bits_per_byte", "ratio_to_dense", "ci_low", "ci_high", "ratio_to_baseline",
        "baseline_ci_low", "baseline_ci_high", "worst_language", "worst_ratio",
        "note",
    ],
    "allocation": [
        "model", "seed", "method", "sparsity", "block", "parameters", "target", "achieved",
        "importance",
    ],
    "correlation": [
        "model", "seed", "block", "input", "language_a", "language_b", "correlation",
    ],
    "overlap": ["model", "seed", "input", "end", "set_a", "set_b", "overlap", "chance"],
    "downstream": [
        "model", "seed", "method", "sparsity", "task", "language", "role", "metric", "score",
        "stderr", "chance", "items", "difference_to_dense", "ci_low", "ci_high",
        "difference_to_baseline", "baseline_ci_low", "baseline_ci_high", "p_value", "p_holm",
        "note",
    ],
    "consistency": [
        "model", "seed", "method", "sparsity", "task", "language", "reference", "rankc", "ci_low",
        "ci_high", "items", "difference_to_baseline", "baseline_ci_low", "baseline_ci_high",
    ],
    "sweep": [
        "model", "seed", "method", "sparsity", "candidate", "constants", "perplexity",
        "ratio_to_best", "standard_error", "ci_low", "ci_high", "within", "chosen",
    ],
    "claims": [
        "model", "claim", "paper", "statement", "measurement", "scope", "estimate", "ci_low",
        "ci_high", "threshold", "direction", "languages", "languages_hold", "verdict", "reason",
        "paper_value", "paper_source", "second_hand",
    ],
    "scaling": [
        "model", "sparsity", "curve", "choice", "size", "language_set", "languages", "draws",
        "ratio_to_dense", "ci_low", "ci_high", "worst_ratio", "worst_low", "worst_high",
        "worst_language",
    ],
    "structure": ["model", "seed", "depth", "language_a", "language_b", "correlation"],
    "scaling_cost": [
        "model", "step", "method", "languages", "seconds", "memory_mb", "megabytes",
    ],
}  # fmt: skip


def write_table(path: Path | str, table: pd.DataFrame) -> None:
    """Write CSV and its checksum; a missing value becomes an empty cell."""
    with replacing_signed(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_table(path: Path | str, columns: list[str], text: bool = False) -> pd.DataFrame:
    """Read CSV with exactly these columns; only an empty cell is missing (`nan` is a language).

    text: keep every cell as it is written.
    """
    note_input(path)
    kept = {"dtype": str, "keep_default_na": False} if text else {}
    try:
        if problem := checksum_problem(Path(path)):
            set_aside(path, problem)
        table = pd.read_csv(path, **({"keep_default_na": False, "na_values": [""]} | kept))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        set_aside(path, f"is not a table ({str(error).strip()})")
    if list(table.columns) != columns:
        raise InputError(
            f"{path}: columns {', '.join(table.columns)}; expected {', '.join(columns)}; "
            "remove the file and run the same command again"
        )
    return table


def join_tables(folder: Path | str, models: list[str], table: str) -> pd.DataFrame:
    """The models' tables of one kind below each other, in the given order, cells unchanged."""
    paths = [Path(folder) / model / f"{table}.csv" for model in models]
    return pd.concat([read_table(path, COLUMNS[table], text=True) for path in paths])
