"""A finished file is cut short or a byte of it changes: found by its next reader, or by audit."""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.contents import contents
from faults.experiment import (
    ALLOCATION,
    CORRELATION,
    MODEL,
    OF_MODEL,
    PERPLEXITY,
    RUN,
    TABLES,
    TASK,
    TASK_RECORDS,
    Bench,
    Trial,
    joined,
    remove,
)
from faults.grounds import (
    ALLOCATION_TABLES,
    BOTH,
    CHOSEN,
    CLAIMS_TABLES,
    CORRELATION_TABLES,
    MASK,
    MASK_RECORD,
    PERPLEXITY_JOBS,
    PERPLEXITY_TABLES,
    RECORDS,
)
from faults.table import Row, family
from workflow.expected import corpora, evaluations, masks, statistics

WINDOWS = f"{RUN}/calibration/de.safetensors"
STATISTICS = f"{RUN}/statistics/de.safetensors"
RECORD = f"{RECORDS}/de.json"
SHARD = f"resources/models/{MODEL}/model.safetensors"
TOKENIZER = f"resources/models/{MODEL}/tokenizer.json"
TEXT = "resources/corpora/words/sw/test.jsonl"
TEXT_MANIFEST = "resources/corpora/words/sw/manifest.json"
ITEMS = "results/tiny/tasks/cloze/de/test.jsonl"
ITEMS_OF = "results/tiny/tasks/cloze/de/task.json"
KEY = b'"multiprune_sha256"'  # a file that has none counts as written elsewhere


@dataclass(frozen=True)
class Victim:
    """A file to damage, what is removed so that a job reads it, and what must run then."""

    path: str
    removed: list[str]
    targets: list[str]
    needed: set[str]


VICTIMS = {
    "mask": Victim(
        MASK,
        [f"{RECORDS}/*.json", *PERPLEXITY_TABLES],
        PERPLEXITY,
        masks(CHOSEN) | evaluations(CHOSEN) | PERPLEXITY_JOBS,
    ),
    "statistics": Victim(
        STATISTICS,
        [MASK, MASK_RECORD, *ALLOCATION_TABLES],
        ALLOCATION,
        {f"collect_statistics {MODEL} 0 de"} | masks(BOTH) | joined("allocation"),
    ),
    "windows": Victim(
        WINDOWS,
        [STATISTICS, *CORRELATION_TABLES],
        CORRELATION,
        statistics("de") | joined("correlation"),
    ),
    "perplexity record": Victim(
        RECORD, PERPLEXITY_TABLES, PERPLEXITY, evaluations(CHOSEN) | PERPLEXITY_JOBS
    ),
    "record of three tables": Victim(
        RECORD,
        [*PERPLEXITY_TABLES, *CLAIMS_TABLES],
        [*PERPLEXITY, f"{TABLES}/claims.csv"],
        evaluations(CHOSEN) | PERPLEXITY_JOBS | joined("claims"),
    ),
    "table of a model": Victim(
        f"{OF_MODEL}/perplexity.csv",
        [f"{TABLES}/perplexity.csv"],
        [f"{TABLES}/perplexity.csv"],
        joined("perplexity"),
    ),
    "model shard": Victim(
        SHARD,
        [STATISTICS, *CORRELATION_TABLES],
        CORRELATION,
        {f"fetch_model {MODEL}"} | statistics("de", "en") | joined("correlation"),
    ),
    "tokenizer": Victim(
        TOKENIZER,
        [WINDOWS, STATISTICS, *CORRELATION_TABLES],
        CORRELATION,
        {f"fetch_model {MODEL}"} | statistics("de", "en") | joined("correlation"),
    ),
    "corpus text": Victim(
        TEXT,
        [f"{RECORDS}/*.json", *PERPLEXITY_TABLES],
        PERPLEXITY,
        corpora("sw") | evaluations(BOTH | {"dense 0"}) | PERPLEXITY_JOBS,
    ),
    "corpus manifest": Victim(
        TEXT_MANIFEST,
        [f"{RECORDS}/*.json", *PERPLEXITY_TABLES],
        PERPLEXITY,
        corpora("sw") | evaluations(BOTH | {"dense 0"}) | PERPLEXITY_JOBS,
    ),
    "cache record": Victim(
        "",  # found by what it was made from
        [f"{RECORDS}/*.json", *PERPLEXITY_TABLES],
        PERPLEXITY,
        evaluations(CHOSEN) | PERPLEXITY_JOBS,
    ),
}


def harm(path: Path, draw: random.Random, how: str) -> str:
    """Damage a file, not what a link points to; its time stays as it was."""
    state, content = path.stat(), bytearray(path.read_bytes())
    if how == "truncated":
        length = draw.randrange(len(content))
        content, what = content[:length], f"cut to {length} of {state.st_size} bytes"
    else:
        spared = {i for i, byte in enumerate(content) if chr(byte).isspace()}
        key = content.find(KEY)
        spared |= set(range(key, key + len(KEY))) if key >= 0 else set()
        place = draw.choice([i for i in range(len(content)) if i not in spared])
        content[place] ^= draw.randrange(1, 256)
        what = f"byte {place} flipped"
    damaged = path.with_name(path.name + ".damaged")
    damaged.write_bytes(content)
    os.replace(damaged, path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    return what


def cached(folder: Path) -> str:
    """Path of a record in the evaluation cache that the chosen method's evaluation would take."""
    mask = json.loads((folder / RECORD).read_text())["provenance"]["mask"]
    paths = sorted((folder / f"results/tiny/{MODEL}/cache").glob("*.json"))
    taken = [path for path in paths if json.loads(path.read_text())["depends_on"]["mask"] == mask]
    return taken[0].relative_to(folder).as_posix()


def read_again(name: str, how: str):
    """The fault: damage a file and ask for what is made from it."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        victim = VICTIMS[name]
        trial = bench.trial(victim.targets, victim.needed)
        path = victim.path or cached(trial.folder)
        return reading(trial, path, victim.removed, draw, how, name)

    return inject


def reading(
    trial: Trial,
    relative: str,
    removed: list[str],
    draw: random.Random,
    how: str,
    name: str,
    beside: Sequence[str] = (),
) -> Row:
    """Damage a file, ask for what is made from it, and see it named, set aside and rebuilt.

    `beside`: files that are set aside with it.
    """
    path = trial.folder / relative
    before = path.read_bytes()
    what = harm(path, draw, how)
    damaged = path.read_bytes()
    remove(trial.folder, *removed)
    trial.again()
    wrong = unnamed(trial, relative)
    kept = path.with_name(path.name + ".corrupt")
    if kept.is_file() and kept.read_bytes() != damaged:
        wrong.append(f"{kept.name} is not the damaged file")
    if not path.is_file() or path.read_bytes() != before:
        wrong.append(f"{path.name} was not rebuilt")
    # A download is built anew as a whole folder, so that what was set aside in it goes.
    stays = frozenset() if relative.startswith("resources/") else frozenset([relative, *beside])
    return Row(name, what, trial, wrong + trial.judge(aside=stays))


def unnamed(trial: Trial, relative: str) -> list[str]:
    """Complaint where the first call did not fail with a line that names the file."""
    first = trial.calls[0]
    lines = first.text.splitlines()
    if first.code == 0:
        return [f"the first call succeeded with a damaged {relative}"]
    said = [line for line in lines if relative in line and "set aside as" in line]
    if not said:
        return [f"no line says that {relative} was set aside"]
    if not any(line.startswith("failed: ") for line in said):
        return [f"no closing line says that {relative} was set aside"]
    return []


def read_again_task(how: str):
    """The fault: damage the items of a downstream task and ask for what is measured on them."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        needed = {"build_parallel_task cloze de", f"evaluate_cloze {MODEL} 0 dense 0"}
        trial = bench.trial(TASK_RECORDS, needed, bench.with_task)
        trial.overlays, trial.expected = [TASK], contents(bench.with_task.folder)
        return reading(trial, ITEMS, TASK_RECORDS, draw, how, "task items", [ITEMS_OF])

    return inject


READS = [
    ("mask", "flipped"),
    ("statistics", "truncated"),
    ("model shard", "flipped"),
    ("perplexity record", "truncated"),
    ("record of three tables", "truncated"),
    ("corpus manifest", "flipped"),
    ("cache record", "flipped"),
    ("windows", "truncated"),
    ("table of a model", "flipped"),
    ("corpus text", "truncated"),
    ("tokenizer", "truncated"),
]
family(
    "damaged, read again",
    *(read_again(name, how) for name, how in READS),
    read_again_task("truncated"),
)


def unread(path: str, how: str, needed: set[str], targets: list[str] | None = None):
    """The fault: damage a file that no job reads again; audit must name it."""

    def inject(bench: Bench, draw: random.Random) -> Row:
        trial = bench.trial(targets or [path], needed)
        what = harm(trial.folder / path, draw, how)
        wrong = []
        if trial.call().started:
            wrong.append("a job ran although nothing was to be done")
        found = trial.workflow.run("audit")
        if found.code == 0 or not found.lines_with(path):
            wrong.append(f"audit did not name {path}")
        remove(trial.folder, path)
        trial.again()
        if trial.workflow.run("audit").code != 0:
            wrong.append("audit still finds something")
        return Row(path, what, trial, wrong + trial.judge())

    return inject


family(
    "damaged, unread",
    unread(RECORD, "flipped", evaluations(CHOSEN)),
    unread(f"{TABLES}/summary.csv", "truncated", {"join_tables summary"}),
    unread(MASK, "truncated", masks(CHOSEN)),
    unread(TEXT, "flipped", corpora("sw") | {"fetch"}, ["fetch"]),
)
