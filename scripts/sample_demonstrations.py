"""Draw k-shot translation demonstrations of a language pair, or their monolingual control."""

import argparse
from pathlib import Path

from multiprune.calibration.alignment import check_counts, check_lengths
from multiprune.calibration.demonstrations import (
    Side,
    aligned,
    monolingual_lines,
    read_sentences,
    tokenize_samples,
    translation_lines,
)
from multiprune.calibration.windows import START_TOKEN, start_metadata
from multiprune.files.hashes import sha256_file
from multiprune.files.manifests import checked_fingerprint, manifest_beside
from multiprune.files.tensors import metadata_text, write_tensors
from multiprune.jobs.command import run
from multiprune.models.positions import check_positions
from multiprune.models.tokenization import start_tokens, unknown_tokens, warn_of_unknown
from multiprune.models.tokenizer import load_tokenizer
from multiprune.models.versions import library_versions


def main() -> None:
    """Write `input_ids` int32 [samples, length] and `lengths` int32 [samples].

    The same file as source and target makes the monolingual control.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--source", required=True, help="calibration split, JSON lines")
    parser.add_argument("--target", required=True, help="calibration split of the translations")
    parser.add_argument("--source-name", required=True, help="the language as English names it")
    parser.add_argument("--target-name", required=True, help="the language as English names it")
    parser.add_argument("--name", required=True, help="name of the calibration set")
    parser.add_argument("--shots", type=int, required=True, help="demonstrations in a sample")
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--length", type=int, required=True, help="tokens in a sample at most")
    parser.add_argument("--start-token", choices=START_TOKEN, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()

    model = checked_fingerprint(options.model)
    lengths = {"calibration.demonstrations.length": options.length}
    check_positions(Path(options.model).name, options.model, lengths)
    source = Side(options.source_name, read_sentences(options.source))
    target = Side(options.target_name, read_sentences(options.target))
    drawing = options.shots, options.samples, options.seed, options.name
    monolingual = Path(options.source).resolve() == Path(options.target).resolve()
    if monolingual:
        lines = monolingual_lines(source, *drawing)
    else:
        check_counts(manifest_beside(options.source), manifest_beside(options.target))
        lengths = check_lengths(options.name, source.sentences, target.sentences)
        lines = translation_lines(source, target, *drawing)
    tokenizer = load_tokenizer(options.model)
    start = [] if options.start_token == "none" else start_tokens(tokenizer)
    samples = tokenize_samples(lines, tokenizer, options.length, start)
    shared = len(aligned(source, target))
    counts = {
        "paragraphs": shared,
        "dropped_from_source": len(source.sentences) - shared,
        "dropped_from_target": len(target.sentences) - shared,
        "tokens": int(samples.lengths.sum()),
        "truncated": samples.truncated,
        "unknown_tokens": unknown_tokens(samples.input_ids[samples.read], tokenizer),
    }
    if not monolingual:
        counts["length_outliers"] = lengths.share
    metadata = {
        "name": options.name,
        "seed": options.seed,
        "shots": options.shots,
        "source": sha256_file(options.source),
        "target": sha256_file(options.target),
        "model": model,
        "versions": library_versions(),
        **start_metadata(start, options.start_token),
        **counts,
    }
    tensors = {"input_ids": samples.input_ids, "lengths": samples.lengths}
    write_tensors(options.output, tensors, metadata_text(metadata))
    warn_of_unknown(options.name, counts["unknown_tokens"], counts["tokens"])
    print(
        f"{options.name}: {options.samples} samples, {counts['tokens']} tokens; cut at "
        f"{options.length} tokens: {samples.truncated}"
    )
    if not monolingual:
        print(
            f"{options.name}: {shared} aligned paragraphs; without a counterpart and dropped: "
            f"{counts['dropped_from_source']} {options.source_name}, "
            f"{counts['dropped_from_target']} {options.target_name}"
        )
        print(f"{options.name}: {lengths}")


if __name__ == "__main__":
    run(main)
