"""Copy what the documentation shows of the finished demo, and say how it was made."""

import argparse
import os
import platform
import shutil
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from print_summary import summary

PACKAGES = ("snakemake", "torch", "transformers", "lm_eval", "numpy", "pandas", "matplotlib")
MODEL = "smollm2-135m"
# File of the results -> file of the documentation; the second group only after `make bench`.
SHOWN = {
    "tables/claims.md": "claims.md",
    f"figures/method_comparison-{MODEL}.png": "method_comparison.png",
}
MEASURED = {"bench.md": "bench.md", "bench/statistics_time.png": "statistics_time.png"}


def provenance(config: Path) -> str:
    """A Markdown table of what the numbers depend on beside the config."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    rows = {
        "date": date.today().isoformat(),
        "commit": commit.stdout.strip() or "unknown",
        "config": f"`{config}`",
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, {platform.machine()}, no GPU",
    }
    lines = ["| provenance | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())]) + "\n"


def main() -> None:
    """Copy files and write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="folder of the finished demo")
    parser.add_argument("--config", type=Path, required=True, help="its config")
    parser.add_argument("--folder", type=Path, required=True, help="where the copies go")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for source, target in {**SHOWN, **MEASURED}.items():
        path = options.results / source
        if path.is_file():
            shutil.copyfile(path, options.folder / target)
        elif source in SHOWN:
            raise InputError(f"{path}: no such file; run `make demo` first")
    texts = {
        "summary.txt": summary(options.results / "tables", options.results / "report.html"),
        "provenance.md": provenance(options.config),
    }
    for name, text in texts.items():
        with replacing(options.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main, log_environment=False)
