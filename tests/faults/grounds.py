"""What there is to be done when a fault comes: nothing yet, or a finished experiment with gaps."""

from faults.experiment import (
    ALLOCATION,
    CORRELATION,
    EVERY_TABLE,
    MODEL,
    OF_MODEL,
    PERPLEXITY,
    RUN,
    TABLES,
    Bench,
    Trial,
    joined,
    remove,
)
from workflow.expected import corpora, evaluations, masks, statistics

BOTH = {"wanda 0.5", "m-wanda 0.5"}
CHOSEN = {"m-wanda 0.5"}
PERPLEXITY_JOBS = joined("perplexity", "summary")
PERPLEXITY_TABLES = [
    f"{folder}/{name}.csv" for folder in (TABLES, OF_MODEL) for name in ("perplexity", "summary")
]
ALLOCATION_TABLES = [f"{folder}/allocation.csv" for folder in (TABLES, OF_MODEL)]
CLAIMS_TABLES = [f"{folder}/claims.csv" for folder in (TABLES, OF_MODEL)]
CORRELATION_TABLES = [f"{folder}/correlation.csv" for folder in (TABLES, OF_MODEL)]
MASK = f"{RUN}/masks/m-wanda/0.5.safetensors"
MASK_RECORD = f"{RUN}/masks/m-wanda/0.5.json"
RECORDS = f"{RUN}/perplexity/m-wanda/0.5"
EVERYTHING = (
    {f"fetch_model {MODEL}"}
    | corpora("de", "en", "sw")
    | statistics("de", "en")
    | masks(BOTH)
    | evaluations(BOTH | {"dense 0"})
    | joined("perplexity", "summary", "allocation", "correlation", "overlap", "claims")
    | {"write_claims", "write_findings", "tables"}
)


def one_method(bench: Bench, targets: list[str] = PERPLEXITY) -> Trial:
    """A mask, its evaluation and the tables of perplexity are to be made."""
    needed = masks(CHOSEN) | evaluations(CHOSEN) | PERPLEXITY_JOBS
    trial = bench.trial(targets, needed)
    remove(trial.folder, MASK, f"{RECORDS}/*.json", *PERPLEXITY_TABLES)
    return trial


def all_masks(bench: Bench, targets: list[str] = ALLOCATION) -> Trial:
    """Both masks and the table of their sparsities are to be made."""
    trial = bench.trial(targets, masks(BOTH) | joined("allocation"))
    remove(trial.folder, f"{RUN}/masks/*/*", *ALLOCATION_TABLES)
    return trial


def from_nothing(bench: Bench) -> Trial:
    """An empty folder; what one table needs is to be made."""
    needed = {f"fetch_model {MODEL}"} | corpora("de", "en") | statistics("de", "en")
    return bench.trial(CORRELATION, needed | joined("correlation"), bench.empty)


def everything_from_nothing(bench: Bench) -> Trial:
    """An empty folder; all tables are to be made."""
    return bench.trial(EVERY_TABLE, EVERYTHING, bench.empty)


# Scripts that each of them runs.
SCRIPTS = {one_method: 5, all_masks: 4, from_nothing: 9, everything_from_nothing: 25}
