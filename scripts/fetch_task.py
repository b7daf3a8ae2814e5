"""Download the rows of one language of a task that lm-eval runs, for jobs without network."""

import argparse
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.harness_tasks import MISSING
from multiprune.fetch.definitions import add_arguments, link_outputs, parse_definition
from multiprune.fetch.hub import NotThere
from multiprune.fetch.revisions import RevisionLock, is_commit
from multiprune.fetch.tasks.described import left_out
from multiprune.fetch.tasks.rows import Revisions, fetch, source_of
from multiprune.files.json import read_json, write_json
from multiprune.files.manifests import fill_folder
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run

TASK = "task.json"


def main() -> None:
    """Fetch the rows and write task.json beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "task and language, as JSON")
    parser.add_argument("--cache", required=True, help="folder for what `datasets` downloads")
    parser.add_argument(
        "--missing", choices=("fail", "skip"), default="fail", help="where the hub has no such task"
    )
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"task", "language"})
    task, language = definition["task"], definition["language"]
    source, lock = source_of(task, language), RevisionLock(options.lock)
    # The conversion that the hub makes of a dataset has commits of its own.
    entries = {f"tasks/{task}": source.definition, f"tasks/{task}/converted": source.conversion}
    revisions = Revisions(*(lock.pin(key, entry)["revision"] for key, entry in entries.items()))

    def fill(folder: Path) -> dict:
        try:
            described = fetch(task, language, folder, options.cache, revisions)
        except NotThere as error:
            if options.missing == "fail":
                raise
            locked = f"; {lock.path} has locked this commit" if is_commit(revisions.dataset) else ""
            described = left_out(task, language, f"{error}{locked}")
        write_json(folder / TASK, described)
        return {"revision": None if MISSING in described else described["dataset"]["revision"]}

    fill_folder(options.manifest, definition, fill, {"code": code_digest(__file__)})
    described = read_json(options.manifest.with_name(TASK))
    if MISSING in described:
        if options.missing == "fail":
            again = f"remove {options.manifest.parent} to ask the hub again"
            raise InputError(f"left out earlier ({described[MISSING]}); {again}")
        print(f"{task} {language}: left out ({described[MISSING]})")
    else:
        dataset = described["dataset"]
        commits = (dataset["revision"], dataset.get("converted"))
        for (key, entry), commit in zip(entries.items(), commits, strict=True):
            if commit is not None:
                lock.record(key, entry, commit)
                lock.must_have(key, entry, commit, options.manifest.parent)
        print(f"{task} {language}: {dataset['rows']} rows of {dataset['path']}")
    link_outputs(options)


if __name__ == "__main__":
    run(main)
