"""Statistics of all calibration languages -> an order whose every prefix covers them well."""

import argparse
from importlib.metadata import version

from multiprune.files.json import write_json
from multiprune.files.manifests import checked_fingerprint
from multiprune.jobs.command import run
from multiprune.statistics.files import StatisticsFiles
from multiprune.statistics.structure import ALL, correlations, farthest_first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="Hugging Face model folder")
    parser.add_argument("--statistics", nargs="+", required=True, help="one file per language")
    parser.add_argument("--seed", type=int, required=True, help="of the text, to be recorded")
    parser.add_argument("--output", required=True, help="JSON")
    options = parser.parse_args()
    model = checked_fingerprint(options.model)
    with StatisticsFiles(options.statistics) as files:
        files.must_belong_to(model)
        order, distances = farthest_first(1 - correlations(files)[ALL])
        languages = [files.languages[index] for index in order]
        inputs = {"model": model, **files.hashes()}
    write_json(
        options.output,
        {
            "seed": options.seed,
            "rule": "each next language is farthest from those before it",
            "languages": languages,
            "distances": distances,
            "provenance": {
                "versions": {"numpy": version("numpy")},
                "inputs": inputs,
            },
        },
    )
    print(", ".join(languages))


if __name__ == "__main__":
    run(main)
