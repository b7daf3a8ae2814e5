"""Write a pruned model as a Hugging Face folder with a model card.

The folder appears as a whole, by rename, or not at all. It loads with transformers alone.
"""

import argparse
from importlib.metadata import version
from pathlib import Path

from multiprune.errors import InputError
from multiprune.export.checkpoint import PrunedCheckpoint, must_not_replace
from multiprune.export.model_card import (
    CARD,
    RECORD,
    calibration_sets,
    model_card,
    perplexity_rows,
    public,
)
from multiprune.files.json import write_json
from multiprune.files.manifests import (
    MANIFEST,
    checked_fingerprint,
    fill_folder,
    read_manifest,
)
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run, text_by_language
from multiprune.models.folder import is_licence
from multiprune.pruning.files import pruning_hash
from multiprune.pruning.masks import check_mask_belongs


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, type=Path, help="Hugging Face model folder")
    parser.add_argument("--mask", required=True, help="mask, or file of pruned weights")
    parser.add_argument("--seed", type=int, help="of the calibration text, for the model card")
    parser.add_argument("--perplexity", help="folder of its perplexity records, for the model card")
    parser.add_argument("--dense-perplexity", help="folder of the dense model's records")
    parser.add_argument("--languages", default="{}", help="JSON, code -> name; of the records")
    parser.add_argument("--output", required=True, type=Path, help="new folder")
    options = parser.parse_args()
    options.languages = text_by_language(
        "--languages", options.languages, "code and name", "Swahili"
    )
    if options.languages and not (options.perplexity and options.dense_perplexity):
        raise InputError("--languages: needs --perplexity and --dense-perplexity, their records")
    return options


def main() -> None:
    """Stream the checkpoint through the mask, then describe what was written."""
    options = parse()
    model, mask = checked_fingerprint(options.model), pruning_hash(options.mask)
    check_mask_belongs(options.mask, model)
    base = read_manifest(options.model / MANIFEST)
    checkpoint = PrunedCheckpoint(options.model, list(base["files"]), options.mask)
    rows = perplexity_rows(
        options.perplexity, options.dense_perplexity, options.languages, model, mask
    )
    definition = {"kind": "export", "model": model, "mask": mask}
    must_not_replace(options.output, definition)
    pruned = checkpoint.metadata
    record = {
        "name": options.model.resolve().name,
        "auto_class": checkpoint.architecture.auto_class,
        "base": {
            "definition": public(base["definition"]),
            "revision": base["revision"],
            "fingerprint": model,
        },
        "licences": sorted(filter(is_licence, base["files"])),
        "mask": mask,
        "seed": options.seed,
        "method": pruned["method"],
        "options": pruned["options"],
        "sparsity": {
            "requested": pruned["requested_sparsity"],
            "achieved": pruned["achieved_sparsity"],
        },
        "blocks": pruned["blocks"],
        "propagation": pruned.get("propagation", "dense"),
        "calibration": pruned.get("taken") or calibration_sets(pruned["inputs"]),
        "inputs": pruned["inputs"],
        "perplexity": rows,
        "versions": {**pruned["versions"], "safetensors": version("safetensors")},
        "code": code_digest(__file__),
    }

    def fill(folder: Path) -> dict:
        record["zeros"] = vars(checkpoint.write(folder))
        write_json(folder / RECORD, record)
        (folder / CARD).write_text(model_card(record), encoding="utf-8")
        return {}

    fill_folder(options.output / MANIFEST, definition, fill)
    zeros, achieved = record["zeros"]["dropped"], pruned["achieved_sparsity"]
    print(f"{options.output}: {zeros} weights are zero, sparsity {achieved:.5f}")


if __name__ == "__main__":
    run(main)
