"""Download the rows of one language of one of lm-eval's tasks, for jobs without network."""

import argparse
from pathlib import Path

from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.tasks.rows import fetch, source_of
from multiprune.files.json import write_json
from multiprune.jobs.command import run


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="name of the task, such as xnli")
    parser.add_argument("--language", required=True)
    parser.add_argument("--cache", required=True, help="folder for what `datasets` downloads")
    parser.add_argument("--lock", required=True, help="lock file of hub revisions")
    parser.add_argument("--output", required=True, help="task.json; its folder takes the rows")
    return parser.parse_args()


def main() -> None:
    """Fetch the rows and write task.json beside them."""
    options = parse()
    folder, key = Path(options.output).parent, f"tasks/{options.task}"
    definition = source_of(options.task, options.language).definition
    lock = RevisionLock(options.lock)
    revision = lock.pin(key, definition)["revision"]
    manifest = fetch(options.task, options.language, folder, options.cache, revision)
    write_json(options.output, manifest)
    dataset = manifest["dataset"]
    lock.record(key, definition, dataset["revision"])
    print(f"{options.task} {options.language}: {dataset['rows']} rows of {dataset['path']}")


if __name__ == "__main__":
    run(main)
