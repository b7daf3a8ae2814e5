"""Measured figures, each against its bar: `make bench`.

Of the finished demo, of the passes over its model, of pruning against the published procedure and
at the shapes of Llama-3-8B, of exchanges beside SparseGPT there, of a mask of a hundred languages,
of planning the papers' grid, and of jobs on a SLURM cluster of this machine. Ratios are taken in
one run, most of them alternating the two sides, since machines are noisy. Nothing here fails a test
run; the table says what was met.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

import languages
import yaml
from cluster import clones, daemons
from cluster.submitting import Submission, new_project
from evaluation import verdict_minutes, wrapper_share
from large_shapes import large_rows
from many_languages import language_count_rows
from model_passes import pass_rows
from pruning_speed import grid_rows, single_rows
from second_moments import second_moment_rows
from selection import selection_rows
from timing import Row

from multiprune.errors import InputError
from multiprune.experiment import methods
from multiprune.experiment.grid import DENSE
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.validation import validate
from multiprune.files.json import write_json
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from multiprune.registry import unknown_name

ROOT = Path(__file__).parents[1]
SWEEPING = (
    "choose_constants",
    "evaluate_candidate",
    "evaluate_finalists",
    "screen_candidates",
)


@dataclass(frozen=True)
class Demo:
    """Where the finished demo stands, and where the bench may write."""

    results: Path
    model: Path
    corpora: Path
    figure: Path

    @cached_property
    def experiment(self) -> Experiment:
        """The demo as its config describes it."""
        text = (ROOT / "config/demo-smollm2.yaml").read_text(encoding="utf-8")
        return validate(yaml.safe_load(text))

    @property
    def run(self) -> Path:
        """Results of the model and its seed."""
        return self.results / self.model.name / "seed0"

    @property
    def windows(self) -> dict[str, Path]:
        """File of calibration windows by calibration language."""
        names = methods.languages(self.experiment, "calibration")
        return {name: self.run / f"calibration/{name}.safetensors" for name in names}

    def benchmarks(self) -> list[Path]:
        """Benchmark files of the demo's own jobs; overlays such as a sweep leave theirs here."""
        known = {DENSE, *self.experiment.methods}
        found = []
        for path in (self.results / "benchmarks").rglob("*.jsonl"):
            rule, *wildcards = path.relative_to(self.results / "benchmarks").parts
            of_another_method = len(wildcards) == 4 and wildcards[2] not in known
            of_a_sweep = rule in SWEEPING or path.name == "sweep.jsonl"
            if not of_a_sweep and not of_another_method:
                found.append(path)
        return found

    @property
    def mask(self) -> Path:
        """A mask that the demo has made."""
        return self.run / "masks/wanda/0.5.safetensors"


def demo_rows(demo: Demo, folder: Path) -> list[Row]:
    """What the finished demo took, by Snakemake's benchmark of every job, and its mask."""
    jobs = [json.loads(path.read_text().splitlines()[-1]) for path in demo.benchmarks()]
    busy = sum(float(job["s"]) for job in jobs)
    peak = max(float(job["max_rss"]) for job in jobs if job["max_rss"] != "NA") / 1024
    return [
        Row("demo: minutes of all jobs, two at a time", busy / 60 / 2, 15.0),
        Row("demo: peak memory of a job, GiB", peak, 4.0),
        Row("mask, bits per weight", bits_per_weight(demo.mask), 1.02),
    ]


def bits_per_weight(mask: Path) -> float:
    """Size of a mask file's tensors in bits, per weight that can be pruned."""
    with opened_tensors(mask) as file:
        metadata = read_metadata(file)
        packed = sum(file.get_tensor(name).nbytes for name in file.keys())  # noqa: SIM118
    weights = sum(rows * columns for rows, columns in json.loads(metadata["shapes"]).values())
    return 8 * packed / weights


def passes(demo: Demo, folder: Path) -> list[Row]:
    """Statistics, perplexity and loading, against the model alone."""
    corpus = demo.experiment.languages["en"].corpus
    text = demo.corpora / corpus / "en/test.jsonl"
    length = demo.experiment.evaluation.perplexity.length
    return pass_rows(demo.model, demo.windows["en"], text, demo.mask, length)


def number_of_languages(demo: Demo, folder: Path) -> list[Row]:
    """Cost of one more language; draws the figure."""
    times = languages.measure(demo.model, demo.windows, folder)
    with replacing(demo.figure) as temporary:
        languages.draw(times).savefig(temporary, format="png", dpi=160)
    print(f"figure: {demo.figure}")
    return languages.language_rows(times)


def evaluation(demo: Demo, folder: Path) -> list[Row]:
    """lm-eval's wrapper on the demo's task, and the verdicts of a simulated paper grid."""
    share = wrapper_share(demo.model, demo.results / "tasks/parallel_cloze/en/task.json")
    return [
        Row("lm-eval, share outside forward passes", share, 0.1),
        Row("verdicts on the papers' grid, minutes", verdict_minutes(folder / "grid"), 2.0),
    ]


def planning_rows(demo: Demo, folder: Path) -> list[Row]:
    """`snakemake -n --profile slurm` in a clone, on two cores; prints the jobs by rule."""
    clones.clone(folder / "clone")
    machine = clones.with_conda(clones.bare_machine(folder / "machine"), folder / "conda")
    planned = clones.plan(folder / "clone", machine)
    if planned.code:
        sys.exit(f"snakemake -n --profile slurm ended with {planned.code}:\n{planned.text}")
    counts = Counter(job.split()[0] for job in planned.jobs)
    listed = ", ".join(f"{rule} {jobs}" for rule, jobs in counts.most_common())
    print(f"snakemake -n --profile slurm plans {counts.total()} jobs: {listed}")
    return [
        Row("planning the papers' grid, seconds", planned.seconds, 60.0),
        Row("planning the papers' grid, peak GiB", planned.gibibytes, 1.5),
    ]


def cluster_rows(demo: Demo, folder: Path) -> list[Row]:
    """What a job costs beyond its script on a real cluster; says why where none can be started."""
    project = new_project(folder / "submitted")
    try:
        if reason := daemons.missing():
            raise daemons.ClusterError(reason)
        with daemons.started(), Submission(project) as submitted:
            outcome = submitted.finish()
            overheads = submitted.overheads() if outcome.code == 0 else []
    except daemons.ClusterError as error:
        print(f"SLURM, seconds a job beyond its script: not measured: {error}")
        return []
    if not overheads:
        sys.exit(f"snakemake --profile slurm ended with {outcome.code}:\n{outcome.text}")
    return [Row("SLURM, seconds a job beyond its script", statistics.median(overheads))]


GROUPS: dict[str, Callable[[Demo, Path], list[Row]]] = {
    "demo": demo_rows,
    "selection": lambda demo, folder: selection_rows(),
    "passes": passes,
    "grid": lambda demo, folder: grid_rows(demo.model, demo.windows, folder),
    "single": lambda demo, folder: single_rows(demo.model, demo.windows, folder),
    "languages": number_of_languages,
    "many_languages": lambda demo, folder: language_count_rows(folder),
    "shapes": lambda demo, folder: large_rows(folder),
    "second_moments": lambda demo, folder: second_moment_rows(folder),
    "evaluation": evaluation,
    "planning": planning_rows,
    "cluster": cluster_rows,
}


def measured_rows(demo: Demo, groups: list[str]) -> list[Row]:
    """Measure group by group and print the rows of each when it is done."""
    rows = []
    for group in groups:
        with tempfile.TemporaryDirectory(prefix="multiprune-bench-") as folder:
            found = GROUPS[group](demo, Path(folder))
        print("\n".join(map(str, found)), flush=True)
        rows += found
    return rows


def markdown(rows: list[Row]) -> str:
    """A table for the documentation, with what the figures depend on."""
    lines = ["| measured | figure | bar |", "|---|---:|---:|"]
    for row in rows:
        bar = "" if row.bar is None else f"{'≥' if row.at_least else '≤'} {row.bar:g}"
        missed = " (**not met**)" if row.verdict not in ("", "met") else ""
        lines.append(f"| {row.measure} | {row.value:.3g} | {bar}{missed} |")
    made = f"Run on {date.today():%d %B %Y}: {os.cpu_count()} cores, Python "
    made += f"{platform.python_version()}, torch {version('torch')}."
    return "\n".join([*lines, "", made, ""])


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo-smollm2"))
    parser.add_argument("--models", type=Path, default=Path("resources/models"))
    parser.add_argument("--corpora", type=Path, default=Path("resources/corpora"))
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--only", nargs="+", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--json", type=Path, help="default: bench.json in the results")
    parser.add_argument("--figure", type=Path, help="default: statistics_time.png in the results")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table and write it as JSON."""
    options = parse()
    groups = options.only or list(GROUPS)
    for group in groups:
        if group not in GROUPS:
            raise InputError(f"--only: {unknown_name('group', group, list(GROUPS))}")
    figure = options.figure or options.results / "bench/statistics_time.png"
    demo = Demo(options.results, options.models / options.model, options.corpora, figure)
    rows = measured_rows(demo, groups)
    write_json(
        options.json or options.results / "bench.json",
        {
            row.measure: {
                "value": row.value,
                "bar": row.bar,
                "at_least": row.at_least,
                "verdict": row.verdict,
            }
            for row in rows
        },
    )
    with replacing(options.results / "bench.md") as temporary:
        temporary.write_text(markdown(rows), encoding="utf-8")
    judged = [row for row in rows if row.verdict]
    missed = sum(row.verdict != "met" for row in judged)
    print(f"{missed} of {len(judged)} bars not met")


if __name__ == "__main__":
    run(main, log_environment=False)
