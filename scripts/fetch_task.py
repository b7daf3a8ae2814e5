"""Download the rows of one language of one of lm-eval's tasks, for jobs without network."""

import argparse
from pathlib import Path

from multiprune.fetch.definitions import add_arguments, link_outputs, parse_definition
from multiprune.fetch.hub import NotThere
from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.tasks.described import MISSING, is_left_out, left_out
from multiprune.fetch.tasks.rows import fetch, source_of
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
        "--missing", choices=("fail", "skip"), default="fail", help="what if the hub has it not"
    )
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"task", "language"})
    task, language = definition["task"], definition["language"]
    source = source_of(task, language).definition
    lock = RevisionLock(options.lock)
    revision = lock.pin(f"tasks/{task}", source)["revision"]

    def fill(folder: Path) -> dict:
        try:
            described = fetch(task, language, folder, options.cache, revision)
        except NotThere as error:
            if options.missing == "fail":
                raise
            described = left_out(task, language, str(error))
        write_json(folder / TASK, described)
        return {"revision": None if MISSING in described else described["dataset"]["revision"]}

    # What was left out is asked for again each time.
    asked_again = is_left_out(options.manifest.with_name(TASK))
    made_by = None if asked_again else {"code": code_digest(__file__)}
    manifest = fill_folder(options.manifest, definition, fill, made_by)
    described = read_json(options.manifest.with_name(TASK))
    if MISSING in described:
        print(f"{task} {language}: left out ({described[MISSING]})")
    else:
        lock.record(f"tasks/{task}", source, manifest["revision"])
        lock.must_agree(f"tasks/{task}", source, options.manifest)
        dataset = described["dataset"]
        print(f"{task} {language}: {dataset['rows']} rows of {dataset['path']}")
    link_outputs(options)


if __name__ == "__main__":
    run(main)
