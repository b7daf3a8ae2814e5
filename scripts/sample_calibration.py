"""Draw the calibration windows of one language."""

import argparse
from pathlib import Path

from multiprune.calibration.sampling import sample_windows
from multiprune.calibration.windows import START_TOKEN, start_metadata
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint
from multiprune.files.tensors import metadata_text, write_tensors
from multiprune.jobs.command import run
from multiprune.models.positions import check_positions
from multiprune.models.tokenization import start_tokens, tokenize, unknown_tokens, warn_of_unknown
from multiprune.models.tokenizer import load_tokenizer
from multiprune.models.versions import library_versions


def main() -> None:
    """Tokenize the calibration split and write `input_ids` int32 [samples, length]."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--text", required=True, help="calibration split, JSON lines")
    parser.add_argument("--name", required=True, help="name of the calibration set")
    parser.add_argument("--samples", type=int, required=True, help="number of windows")
    parser.add_argument("--length", type=int, required=True, help="tokens in a window")
    parser.add_argument("--start-token", choices=START_TOKEN, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    model = checked_fingerprint(options.model)
    check_positions(Path(options.model).name, options.model, {"calibration.length": options.length})
    tokenizer = load_tokenizer(options.model)
    tokens, _ = tokenize(read_paragraphs(options.text), tokenizer)
    start = [] if options.start_token == "none" else start_tokens(tokenizer)
    windows = sample_windows(
        tokens, options.samples, options.length, options.seed, options.name, start
    )
    unknown = unknown_tokens(windows, tokenizer)
    metadata = {
        "name": options.name,
        "seed": options.seed,
        "text": sha256_file(options.text),
        "available_tokens": len(tokens),
        "unknown_tokens": unknown,
        **start_metadata(start, options.start_token),
        "model": model,
        "versions": library_versions(),
    }
    write_tensors(options.output, {"input_ids": windows}, metadata_text(metadata))
    warn_of_unknown(options.name, unknown, windows.size)


if __name__ == "__main__":
    run(main)
