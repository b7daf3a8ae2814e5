"""Copy what the documentation shows of the finished demo, and say how it was made."""

import argparse
import shutil
from datetime import datetime
from pathlib import Path

import pandas as pd

from multiprune.errors import InputError
from multiprune.files.json import read_json
from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from print_summary import summary

# File of the results -> file of the documentation; the second group only after `make bench`.
SHOWN = {
    "tables/claims.md": "claims.md",
    "figures/method_comparison-{model}.png": "method_comparison.png",
}
MEASURED = {"bench.md": "bench.md", "bench/statistics_time.png": "statistics_time.png"}


def provenance(results: Path, resources: Path, model: str) -> str:
    """A Markdown table of what the numbers depend on, as the run itself noted it."""
    record = read_json(results / model / "seed0/perplexity/dense/0/en.json")["provenance"]
    made = datetime.fromtimestamp((results / "tables/summary.csv").stat().st_mtime)
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    rows = {
        "date": f"{made:%d %B %Y}",
        "device": record["device"],
        "packages": versions,
        "Python": read_json(resources / "corpora/python/code/manifest.json")["python"],
    }
    lines = ["| provenance | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())]) + "\n"


def copy(source: Path, target: Path) -> None:
    """Copy one file whole; InputError where there is none."""
    if not source.is_file():
        raise InputError(f"{source}: no such file; run `make demo` first")
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def main() -> None:
    """Copy files and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the finished demo")
    parser.add_argument("--bench", type=Path, required=True, help="results that were measured")
    parser.add_argument("--resources", type=Path, required=True, help="folder of the downloads")
    parser.add_argument("--folder", type=Path, required=True, help="where the copies go")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    printed = summary(options.results / "tables", options.results / "report.html")
    (model,) = pd.read_csv(options.results / "tables/summary.csv")["model"].unique()
    for source, target in SHOWN.items():
        copy(options.results / source.format(model=model), options.folder / target)
    for source, target in MEASURED.items():
        path = options.bench / source
        if path.is_file():
            copy(path, options.folder / target)
        else:
            print(f"{target} stays as it is: {path} is made by `make bench`")
    texts = {
        "summary.txt": printed,
        "provenance.md": provenance(options.results, options.resources, model),
    }
    for name, text in texts.items():
        with replacing(options.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
