"""Preflight: check that every model, text, task and program of an experiment can be had."""

import argparse
import csv
import json
from functools import partial
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.harness_tasks import is_left_out
from multiprune.fetch.fit import NOTHING, check_fit
from multiprune.fetch.preflight import (
    check_corpus,
    check_fetched,
    check_gpu,
    check_left_out,
    check_model,
    check_task,
    check_tool,
    findings,
    on_disk,
)
from multiprune.fetch.revisions import RevisionLock
from multiprune.files.manifests import MANIFEST
from multiprune.files.markup import csv_text
from multiprune.files.writing import replacing
from multiprune.jobs.command import run


def main() -> None:
    """Print and write a table; InputError if anything is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=json.loads, required=True, help="name -> definition")
    parser.add_argument(
        "--asked", type=json.loads, default={}, help="what is asked of a model, by its name"
    )
    parser.add_argument("--texts", type=json.loads, required=True, help="by corpus/language")
    parser.add_argument(
        "--windows", type=json.loads, default={}, help="asked of a text, by corpus/language"
    )
    parser.add_argument("--tasks", type=json.loads, default=[], help="[task, language] each")
    parser.add_argument(
        "--optional", type=json.loads, default=[], help="tasks that the hub need not have"
    )
    parser.add_argument(
        "--programs", nargs="*", default=[], help="programs that only a cluster needs"
    )
    parser.add_argument("--gpu", type=Path, nargs="*", default=[], help="what a job wrote of it")
    parser.add_argument("--resources", type=Path, required=True, help="folder of downloads")
    parser.add_argument("--lock", type=Path, required=True, help="lock file of hub revisions")
    parser.add_argument("--output", type=Path, required=True, help="CSV")
    options = parser.parse_args()
    lock = RevisionLock(options.lock)
    checks = {}
    for name, definition in sorted(options.models.items()):
        fits = partial(check_fit, name, asked=options.asked.get(name, NOTHING))
        checks["model", name] = partial(check_model, name, definition, lock, fits)
        here = definition["kind"] == "local"  # one's own folder can change after it was fetched
        if not here and on_disk(options.resources / "models" / name / MANIFEST, definition):
            checks["model", name] = lambda: "fetched already"
    for text, entry in sorted(options.texts.items()):
        corpus, definition = entry["corpus_name"], entry["definition"]
        source = Path(entry["source"]) if entry["source"] else None
        windows, folder = options.windows.get(text, {}), options.resources / "corpora" / text
        checks["text", text] = partial(check_corpus, corpus, definition, source, lock, windows)
        here = source is not None and source.exists()
        if not here and on_disk(folder / MANIFEST, definition):
            checks["text", text] = partial(check_fetched, folder, windows)
    for task, language in options.tasks:
        optional = task in options.optional
        checks["task", f"{task}/{language}"] = partial(check_task, task, language, lock, optional)
        held = options.resources / "tasks" / task / language / "task.json"
        if is_left_out(held):
            checks["task", f"{task}/{language}"] = partial(check_left_out, held, optional)
        elif held.is_file():
            checks["task", f"{task}/{language}"] = lambda: "fetched already"
    checks |= {("gpu", line.name): partial(check_gpu, line) for line in options.gpu}
    checks |= {("program", name): partial(check_tool, name) for name in options.programs}
    rows = []
    for finding in findings(checks):
        missing = "absent" if finding.kind == "program" else "FAILED"
        state = "ok" if finding.passed else missing
        print(f"{state:7s}{finding.kind:8s} {finding.name}: {finding.detail}", flush=True)
        rows.append([finding.kind, csv_text(finding.name), state, csv_text(finding.detail)])
    with replacing(options.output) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([["kind", "name", "state", "detail"], *rows])
    failed = [f"{kind} {name}: {detail}" for kind, name, state, detail in rows if state == "FAILED"]
    print(f"{len(rows) - len(failed)} of {len(rows)} are in order; table: {options.output}")
    if failed:
        others = f" ({len(failed) - 1} more in {options.output})" if failed[1:] else ""
        raise InputError(f"not in order: {failed[0]}{others}")


if __name__ == "__main__":
    run(main)
