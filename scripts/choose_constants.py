"""Records of candidates of a method -> the simplest within one standard error of the best."""

import argparse
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from multiprune.evaluation.candidate_records import read_all_scores, read_finalists
from multiprune.evaluation.choice import finalists, one_standard_error, ranking, reason
from multiprune.files.hashes import sha256_file
from multiprune.files.json import write_json
from multiprune.jobs.command import run


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="with one record per candidate")
    parser.add_argument(
        "--candidates",
        type=json.loads,
        required=True,
        help="JSON list of {name, constants}, the simplest first",
    )
    parser.add_argument(
        "--finalists", type=int, nargs="?", help="to be named, and measured on all seeds"
    )
    parser.add_argument(
        "--decided-by",
        type=Path,
        nargs="*",
        default=[],
        help="records of finalists, one file a seed; those of all candidates are then not read",
    )
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--name", required=True, help="name of the method")
    parser.add_argument("--sparsity", type=float, required=True)
    parser.add_argument("--output", required=True, help="JSON")
    return parser.parse_args()


def main() -> None:
    """Rank the candidates and write the choice with all that it was made from."""
    options = parse()
    constants = {entry["name"]: entry["constants"] for entry in options.candidates}
    paths = {name: Path(options.folder) / f"{name}.json" for name in constants}
    if options.decided_by:
        paths = {path.parts[-4]: path for path in options.decided_by}  # by seed
        by_name = {one.candidate: one for one in read_finalists(options.decided_by)}
        scores = [by_name[name] for name in constants if name in by_name]  # the simplest first
    else:
        scores = read_all_scores(Path(options.folder), list(constants))
    ranks = ranking([(one.candidate, one.losses) for one in scores], scores[0].tokens)
    chosen = one_standard_error(ranks)
    why = reason(ranks, chosen)
    named = finalists(ranks, options.finalists) if options.finalists else None
    write_json(
        options.output,
        {
            "model": options.model,
            "seed": options.seed,
            "seeds": max(1, len(options.decided_by)),
            "method": options.name,
            "sparsity": options.sparsity,
            "chosen": chosen.candidate,
            "constants": constants[chosen.candidate],
            "why": why,
            "rule": "the simplest within one standard error of the lowest perplexity",
            "finalists": named,
            "text": scores[0].text,
            "ranking": [
                asdict(rank) | {"within": rank.within, "constants": constants[rank.candidate]}
                for rank in ranks
            ],
            "provenance": {
                "versions": {"numpy": version("numpy")},
                "inputs": {name: sha256_file(path) for name, path in paths.items()},
            },
        },
    )
    print(f"finalists: {', '.join(named)}" if named else f"{chosen.candidate}: {why}")


if __name__ == "__main__":
    run(main)
