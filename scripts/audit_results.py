"""Look for damaged results, results made from other files than stand there, and orphans.

Every file that records a checksum is compared with it. What the current config makes is asked of
Snakemake itself. Nothing is changed, unless orphans are to be deleted.
"""

import argparse
import csv
import io
import subprocess
import sys
from pathlib import Path

from multiprune.audit import audit
from multiprune.command import run
from multiprune.errors import InputError


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment")
    parser.add_argument("--resources", type=Path, required=True, help="folder of the downloads")
    parser.add_argument("--python", default=sys.executable, help="one that has Snakemake")
    parser.add_argument("--snakefile", required=True)
    parser.add_argument("--configfile", nargs="*", default=[], help="as Snakemake is given them")
    parser.add_argument("--delete-orphans", action="store_true", help="files that no job makes")
    return parser.parse_args()


def expected_files(options: argparse.Namespace) -> list[Path]:
    """Every file that a job of the config makes, finished or not."""
    command = [options.python, "-m", "snakemake", "--snakefile", options.snakefile, "--summary"]
    if options.configfile:
        command += ["--configfile", *options.configfile]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"snakemake --summary ended with {done.returncode}: {last}")
    rows = csv.DictReader(io.StringIO(done.stdout), delimiter="\t")
    return [Path(row["output_file"]) for row in rows]


def main() -> None:
    """Print a line for each finding; exit code 1 where a file is damaged or of other inputs."""
    options = parse()
    findings = audit(options.results, options.resources, expected_files(options))
    for finding in findings:
        print(f"{finding.path}: {finding.problem}")
        if finding.orphan and options.delete_orphans:
            finding.path.unlink()
    wrong = sum(not finding.orphan for finding in findings)
    orphans = len(findings) - wrong
    deleted = ", deleted" if orphans and options.delete_orphans else ""
    print(f"audit: {wrong} damaged or made from other files, {orphans} orphans{deleted}")
    if wrong:
        raise InputError("remove the files above and run the same command again")


if __name__ == "__main__":
    run(main, log_environment=False)
