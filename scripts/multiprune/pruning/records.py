"""The record of a pruned model: `{sparsity}.json` beside its mask or weights, which it stands for.

Evaluations and tables depend on the record. Snakemake compares small inputs by their content, and
hashes them after a job once for each of its outputs: on gigabytes of masks that would take longer
than the evaluations.
"""

import json
from pathlib import Path

from multiprune.files.json import write_json
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.pruning.files import pruning_hash

PARSED = ("inputs", "blocks")  # of the metadata, which holds text
KEPT = ("method", "seed", "requested_sparsity", "achieved_sparsity")


def record_of(pruned: Path | str) -> Path:
    """Where the record of a mask, or of pruned weights, stands."""
    return Path(pruned).with_suffix(".json")


def write_record(pruned: Path | str) -> None:
    """Write the record of a mask, or of pruned weights: hash of its tensors, inputs, blocks.

    Of the blocks: index, weights, and the sparsity that was asked for and reached.
    """
    with opened_tensors(pruned) as file:
        metadata = read_metadata(file)
    record = {key: metadata.get(key) for key in KEPT}
    record |= {key: json.loads(metadata[key]) for key in PARSED}
    write_json(record_of(pruned), record | {"pruned": pruning_hash(pruned)})
