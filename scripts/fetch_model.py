"""Fetch one model into a folder in Hugging Face layout, with a manifest.

The folder of --manifest is built beside its place, in .NAME.partial, and renamed into it. What has
arrived from the hub stays there when a download fails, and the same command goes on from it. A
folder that is complete is left as it is; one that holds another definition is refused.
"""

import argparse
import json
import os
from functools import partial

from multiprune.fetch.definitions import add_arguments, link_outputs, parse_definition
from multiprune.fetch.fit import NOTHING, check_fit
from multiprune.fetch.revisions import RevisionLock
from multiprune.files.manifests import fill_folder
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run
from multiprune.models.precision import loaded_dtype
from multiprune.registry import find


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser, "the model's config entry, as JSON")
    parser.add_argument(
        "--asked",
        type=json.loads,
        default=NOTHING,
        help="JSON, dtype and lengths that the experiment asks of the model",
    )
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"kind"})
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars in a log; read when tqdm is imported
    kind = find("fetch.models", definition["kind"], what="model kind")
    name = options.manifest.parent.name
    lock, fits = RevisionLock(options.lock), partial(check_fit, name, asked=options.asked)
    pinned = lock.pin(f"models/{name}", definition)
    manifest = fill_folder(
        options.manifest,
        definition,
        lambda folder: kind.fetch(pinned, folder, fits) | {"dtype": loaded_dtype(folder)},
        kind.made_by(definition, code_digest(__file__, [f"fetch.models.{definition['kind']}"])),
        resumable=definition["kind"] == "huggingface",
    )
    lock.record(f"models/{name}", definition, manifest["revision"])
    lock.must_agree(f"models/{name}", definition, options.manifest)
    fits(options.manifest.parent)  # another run may have fetched it
    link_outputs(options)


if __name__ == "__main__":
    run(main)
