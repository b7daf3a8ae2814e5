"""Fetch one model into a folder in Hugging Face layout, with a manifest.

The folder of --manifest is built beside its place, in .NAME.partial, and renamed into it. What has
arrived from the hub stays there when a download fails, and the same command goes on from it. A
folder that holds another definition is refused.
"""

import argparse
import json
import os
from functools import partial
from pathlib import Path

from multiprune.fetch.definitions import parse_definition
from multiprune.fetch.fit import NOTHING, check_fit
from multiprune.fetch.revisions import RevisionLock
from multiprune.files.manifests import (
    described_folder,
    keep_copy,
    note_verified,
    still_complete,
)
from multiprune.jobs.command import run
from multiprune.registry import find


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--definition", required=True, help="the model's config entry, as JSON")
    parser.add_argument("--manifest", required=True, type=Path, help="MODEL_FOLDER/manifest.json")
    parser.add_argument("--lock", required=True, type=Path, help="lock file of hub revisions")
    parser.add_argument(
        "--asked",
        type=json.loads,
        default=NOTHING,
        help="JSON, dtype and lengths that the experiment asks of the model",
    )
    arguments = parser.parse_args()
    definition = parse_definition(arguments.definition, {"kind"})
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars in a log; read when tqdm is imported
    from_hub = definition["kind"] == "huggingface"
    if from_hub and still_complete(arguments.manifest, definition):
        note_verified(arguments.manifest)
        print("complete already: nothing is fetched again")
        return
    kind = find("fetch.models", definition["kind"], "model kind")
    lock, key = RevisionLock(arguments.lock), f"models/{arguments.manifest.parent.name}"
    pinned = lock.pin(key, definition)
    with described_folder(arguments.manifest, definition, resumable=from_hub) as (folder, notes):
        fits = partial(check_fit, arguments.manifest.parent.name, asked=arguments.asked)
        notes.update(kind.fetch(pinned, folder, fits))
    note_verified(arguments.manifest)  # its files have just been hashed
    lock.record(key, definition, notes.get("revision"))
    if from_hub:
        keep_copy(arguments.manifest)


if __name__ == "__main__":
    run(main)
