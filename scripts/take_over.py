"""Take over results that were copied here, as far as their content is intact.

Snakemake then knows of each what it was made with, as if it had been made here, and its next call
makes the damaged files again and those that other code or another config made. No result is
changed.
"""

import argparse
import os
import time
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.io import IOFile
from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord
from snakemake.persistence.file import FilePersistence
from snakemake.utils import update_config

from multiprune.audit.findings import files_below
from multiprune.audit.taking_over import Judged, judge
from multiprune.errors import InputError
from multiprune.experiment.reading import check_file
from multiprune.experiment.validation import validate
from multiprune.jobs.command import run
from multiprune.jobs.made import Made, must_be_read, read

LINKS = Path(".resources")  # as rules/common.smk has it
# Parameters that no job has: Snakemake makes such a file again, and says why.
NOT_TAKEN_OVER = {
    "params": ["not taken over"],
    "record_format_version": RECORD_FORMAT_VERSION,
}


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--configfile", type=Path, nargs="+", required=True, help="as Snakemake's")
    parser.add_argument("--resources", type=Path, default="resources", help="of the downloads")
    return parser.parse_args()


def results_of(configs: list[Path]) -> Path:
    """Folder of the experiment that config files describe together."""
    merged = {}
    for path in configs:
        check_file(path)
        update_config(merged, load_configfile(path))
    return Path("results") / validate(merged).experiment


def known_here(memory: FilePersistence, results: Path) -> dict[Path, Made]:
    """What Snakemake's own records say, if they were copied too; they tell no content."""
    paths = [*files_below(results), *(path for path in LINKS.rglob("*") if path.is_file())]
    records = {path: memory.metadata(IOFile(str(path))) for path in paths}
    return {path: Made(dict(record.items()), "") for path, record in records.items() if record}


def tell(memory: FilePersistence, results: Path, judged: Judged, made: dict[Path, Made]) -> None:
    """Give Snakemake the records, and all files one time: none is newer than another.

    To Snakemake a job is as old as the oldest of its outputs and its benchmark.
    """
    now = time.time_ns()
    for path in [*judged.intact, *(results / "benchmarks").rglob("*.jsonl")]:
        os.utime(path, ns=(now, now), follow_symlinks=False)
    for path in judged.intact:
        record = {**made[path].record, "incomplete": False, "endtime": now / 1e9}
        memory._write_record(str(path), MetadataRecord(**record))
    for path in judged.again:
        memory._write_record(str(path), MetadataRecord(**NOT_TAKEN_OVER))


def main() -> None:
    """Take over what is intact, and name the rest."""
    options = parse()
    results = results_of(options.configfile)
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; copy the results to it first")
    memory = FilePersistence()
    if any(memory._read_locks()):
        raise InputError(".snakemake/locks: Snakemake runs here; if it does not, make unlock")
    known = known_here(memory, results)
    made = known | read(results) if known else must_be_read(results)
    judged = judge(results, options.resources, LINKS, made)
    for finding in judged.findings:
        print(f"{finding.path}: {finding.problem}")
    for path in judged.unknown:
        print(f"{path}: nothing tells what it was made with")
    if judged.missing:
        print(
            f"{judged.missing[0]} and {len(judged.missing) - 1} more files of downloads are not "
            "here: fetch them (snakemake fetch) and take over again"
        )
    tell(memory, results, judged, made)
    configs = " ".join(map(str, options.configfile))
    print(
        f"take-over: {len(judged.intact)} files taken over, {len(judged.again)} not; what is "
        f"left to do: snakemake -n --workflow-profile local --configfile {configs}"
    )


if __name__ == "__main__":
    run(main, log_environment=False)
