"""Look for damaged results, results made from other files than stand there, and orphans.

Every file is compared with the checksum that is recorded of it, and what it was made from with what
stands there. What the config makes, and from what, is asked of Snakemake itself. Nothing is
changed, unless orphans are to be deleted.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from multiprune.audit.findings import audit
from multiprune.audit.sources import Sources
from multiprune.errors import InputError
from multiprune.files.checksums import origin_of
from multiprune.jobs.command import run


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of the experiment")
    parser.add_argument("--resources", type=Path, default="resources", help="of the downloads")
    parser.add_argument("--python", default=sys.executable, help="one that has Snakemake")
    parser.add_argument("--snakefile", default="Snakefile")
    parser.add_argument("--configfile", nargs="*", default=[], help="as Snakemake is given them")
    parser.add_argument("--delete-orphans", action="store_true", help="files that no job makes")
    return parser.parse_args()


def made_files(options: argparse.Namespace) -> Sources:
    """Every file that a job of the config makes, finished or not, and what its job read."""
    command = [options.python, "-m", "snakemake", "--snakefile", options.snakefile]
    command += ["--detailed-summary"]
    command += ["--configfile", *options.configfile] if options.configfile else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"snakemake --detailed-summary ended with {done.returncode}: {last}")
    names, *rows = (line.split("\t") for line in done.stdout.strip("\n").split("\n"))
    files = [dict(zip(names, row, strict=False)) for row in rows]
    return {Path(file["output_file"]): sources(file["input-file(s)"]) for file in files}


def sources(noted: str) -> list[Path] | None:
    """Files that a job has read, as Snakemake lists them; None where it does not know."""
    return None if noted == "-" else [Path(name) for name in noted.split(",") if name]


def delete(path: Path) -> None:
    """Delete a file and its origin beside it."""
    for file in (path, origin_of(path)):
        file.unlink(missing_ok=True)


def main() -> None:
    """Print a line for each finding; exit code 1 where a file is damaged or of other inputs."""
    options = parse()
    made = made_files(options)
    findings = audit(options.results, options.resources, made)
    for finding in findings:
        print(f"{finding.path}: {finding.problem}")
        if finding.orphan and options.delete_orphans:
            delete(finding.path)
    unknown = sum(known is None and path.is_file() for path, known in made.items())
    if unknown:
        print(f"audit: of {unknown} files Snakemake no longer knows what they were made from")
    wrong = sum(not finding.orphan for finding in findings)
    orphans = len(findings) - wrong
    deleted = ", deleted" if orphans and options.delete_orphans else ""
    print(f"audit: {wrong} damaged or made from other files, {orphans} orphans{deleted}")
    if wrong:
        raise InputError("remove the files above and run the experiment's command again")


if __name__ == "__main__":
    run(main, log_environment=False)
