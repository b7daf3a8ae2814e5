"""Activation statistics of one calibration set in one dense forward pass."""

import argparse
import json

from multiprune.calibration.windows import read_windows
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint
from multiprune.jobs.command import run
from multiprune.models.architectures import architecture_of
from multiprune.models.devices import card, set_up
from multiprune.models.loading import check_ids, check_length, load_model
from multiprune.models.versions import library_versions
from multiprune.statistics.files import ABOVE, COUNTED, count_key, write_statistics
from multiprune.statistics.passes import collect
from multiprune.statistics.readings import FURTHER, Absolute
from multiprune.statistics.residual import ResidualNorms


def main() -> None:
    """Pass every window through the dense model and write the sums of every input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--dtype", required=True, help="precision of the weights, or auto")
    parser.add_argument("--windows", required=True, help="calibration windows")
    parser.add_argument("--batch-tokens", type=int, required=True, help="tokens in a batch")
    parser.add_argument(
        "--activation-threshold", type=float, required=True, help="tau of norms that name none"
    )
    parser.add_argument(
        "--activation-thresholds", type=float, nargs="*", default=[], help="all to be counted"
    )
    parser.add_argument(
        "--absolute-thresholds", type=float, nargs="*", default=[], help="of |x| itself"
    )
    parser.add_argument(
        "--means", nargs="*", default=[], choices=FURTHER, help="to be summed beside squares"
    )
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    device = set_up(options.threads)
    fingerprint = checked_fingerprint(options.model)
    windows, drawn = read_windows(options.windows, fingerprint)
    model = load_model(options.model, options.dtype)
    check_length(model, int(windows.lengths.max()))
    check_ids(model, windows.input_ids, options.windows)
    default = options.activation_threshold
    above = [Absolute(value) for value in options.absolute_thresholds]
    thresholds = [*options.activation_thresholds, *above]
    counts = {count_key(value, default): value for value in thresholds}
    further = [FURTHER[name] for name in options.means]
    architecture, residual = architecture_of(options.model), ResidualNorms()
    sums = collect(model, windows, architecture, options.batch_tokens, counts, residual, further)
    provenance = {
        "model": fingerprint,
        "activation_threshold": repr(default),
        "windows": sha256_file(options.windows),
        "seed": drawn.get("seed", ""),
        "unknown_tokens": drawn.get("unknown_tokens", "0"),
        "device": device.type,
        "versions": json.dumps(library_versions(), sort_keys=True),
        **card(),
    }
    if options.activation_thresholds:
        provenance[COUNTED] = json.dumps(sorted(options.activation_thresholds))
    if above:
        provenance[ABOVE] = json.dumps(sorted(above))
    arrays = {module_input: total.arrays() for module_input, total in sums.items()}
    write_statistics(options.output, arrays, windows.counted, provenance, residual.arrays())


if __name__ == "__main__":
    run(main)
