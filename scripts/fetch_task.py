"""Download the rows of one language of one of lm-eval's tasks, for jobs without network."""

import argparse
from pathlib import Path

from multiprune.artefacts import write_json
from multiprune.command import run
from multiprune.harness_datasets import fetch


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", required=True, help="name of the task, such as xnli")
    parser.add_argument("--language", required=True)
    parser.add_argument("--revision", nargs="?", help="of the dataset: branch, tag or commit")
    parser.add_argument("--cache", required=True, help="folder for what `datasets` downloads")
    parser.add_argument("--output", required=True, help="task.json; its folder takes the rows")
    return parser.parse_args()


def main() -> None:
    """Fetch the rows and write task.json beside them."""
    options = parse()
    folder = Path(options.output).parent
    manifest = fetch(
        options.task, options.language, folder, options.cache, options.revision or "main"
    )
    write_json(options.output, manifest)
    dataset = manifest["dataset"]
    print(f"{options.task} {options.language}: {dataset['rows']} rows of {dataset['path']}")


if __name__ == "__main__":
    run(main)
