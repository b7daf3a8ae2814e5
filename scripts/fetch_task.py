"""Download the rows of one language of one of lm-eval's tasks, for jobs without network."""

import argparse
from pathlib import Path

from multiprune.fetch.definitions import add_arguments, link_outputs, parse_definition
from multiprune.fetch.revisions import RevisionLock
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
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"task", "language"})
    task, language = definition["task"], definition["language"]
    source = source_of(task, language).definition
    lock = RevisionLock(options.lock)
    revision = lock.pin(f"tasks/{task}", source)["revision"]

    def fill(folder: Path) -> dict:
        described = fetch(task, language, folder, options.cache, revision)
        write_json(folder / TASK, described)
        return {"revision": described["dataset"]["revision"]}

    made_by = {"code": code_digest(__file__)}
    manifest = fill_folder(options.manifest, definition, fill, made_by)
    lock.record(f"tasks/{task}", source, manifest["revision"])
    lock.must_agree(f"tasks/{task}", source, options.manifest)
    dataset = read_json(options.manifest.with_name(TASK))["dataset"]
    print(f"{task} {language}: {dataset['rows']} rows of {dataset['path']}")
    link_outputs(options)


if __name__ == "__main__":
    run(main)
