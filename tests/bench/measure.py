"""Measured figures, each against its bar: `make bench`.

Of the finished demo, of planning the papers' grid, and of jobs on a SLURM cluster of this machine.
Ratios are taken within this process, alternating the two sides, since machines are noisy. Nothing
here fails a test run; the table says what was met.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import torch
from cluster import clones, daemons
from cluster.submitting import Submission, new_project
from evaluation import verdict_minutes, wrapper_share

from multiprune.activations import collect
from multiprune.architectures import architecture_of
from multiprune.artefacts import opened_tensors, read_metadata, read_tensors, write_json
from multiprune.models import load_model, set_up

ROUNDS = 5
Row = tuple[str, float, float | None]  # what, value, bar or None where there is none


def paired_ratio(side: Callable[[], object], reference: Callable[[], object]) -> float:
    """Median over rounds of time(side) / time(reference), after one warm-up of both."""
    ratios = []
    for _ in range(ROUNDS + 1):
        times = []
        for run in (side, reference):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        ratios.append(times[0] / times[1])
    return statistics.median(ratios[1:])


def statistics_ratio(model_folder: Path, windows_file: Path) -> float:
    """Statistics pass against the model's plain forward pass over the same batches."""
    set_up(threads=2)
    model = load_model(model_folder)
    windows = read_tensors(windows_file)[0]["input_ids"]
    batch_tokens = 2048
    rows = batch_tokens // windows.shape[1]

    @torch.inference_mode()
    def plain() -> None:
        for start in range(0, len(windows), rows):
            model(torch.from_numpy(windows[start : start + rows]).long(), use_cache=False)

    architecture = architecture_of(model_folder)
    return paired_ratio(lambda: collect(model, windows, architecture, batch_tokens, 1.0), plain)


def bits_per_weight(mask: Path) -> float:
    """Size of a mask file's tensors in bits, per weight that can be pruned."""
    with opened_tensors(mask) as file:
        metadata = read_metadata(file)
        packed = sum(file.get_tensor(name).nbytes for name in file.keys())  # noqa: SIM118
    weights = sum(rows * columns for rows, columns in json.loads(metadata["shapes"]).values())
    return 8 * packed / weights


def benchmark_records(folder: Path) -> list[dict]:
    """Snakemake's benchmark of every job of the demo."""
    lines = (path.read_text().splitlines()[-1] for path in folder.rglob("*.jsonl"))
    return [json.loads(line) for line in lines]


def demo_rows(results: Path, model: str) -> list[Row]:
    """What the finished demo took, and its statistics pass and mask."""
    run = results / model / "seed0"
    jobs = benchmark_records(results / "benchmarks")
    busy = sum(float(job["s"]) for job in jobs)
    peak = max(float(job["max_rss"]) for job in jobs if job["max_rss"] != "NA") / 1024
    windows = run / "calibration" / "en.safetensors"
    ratio = statistics_ratio(Path("resources/models") / model, windows)
    return [
        ("minutes of all jobs, two at a time", busy / 60 / 2, 15.0),
        ("peak memory of a job, GiB", peak, 4.0),
        ("statistics pass / plain forward pass", ratio, 1.3),
        ("mask, bits per weight", bits_per_weight(run / "masks/wanda/0.5.safetensors"), 1.02),
    ]


def evaluation_rows(results: Path, model: str, folder: Path) -> list[Row]:
    """lm-eval's wrapper on the demo's task, and the verdicts of a simulated paper grid."""
    task = results / "tasks/parallel_cloze/en/task.json"
    share = wrapper_share(Path("resources/models") / model, task)
    return [
        ("lm-eval, share outside forward passes", share, 0.1),
        ("verdicts on the papers' grid, minutes", verdict_minutes(folder / "grid"), 2.0),
    ]


def planning_rows(folder: Path) -> list[Row]:
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
        ("planning the papers' grid, seconds", planned.seconds, 60.0),
        ("planning the papers' grid, peak GiB", planned.gibibytes, 1.5),
    ]


def cluster_rows(folder: Path) -> list[Row]:
    """What a job costs beyond its script on a real cluster; says why where none can be started."""
    project = new_project(folder / "submitted")
    try:
        if reason := daemons.missing():
            raise daemons.ClusterError(reason)
        with daemons.started(), Submission(project) as run:
            outcome = run.finish()
            overheads = run.overheads() if outcome.code == 0 else []
    except daemons.ClusterError as error:
        print(f"SLURM, seconds a job beyond its script: not measured: {error}")
        return []
    if not overheads:
        sys.exit(f"snakemake --profile slurm ended with {outcome.code}:\n{outcome.text}")
    return [("SLURM, seconds a job beyond its script", statistics.median(overheads), None)]


def main() -> None:
    """Measure, print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/demo"))
    parser.add_argument("--model", default="smollm2-135m")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="multiprune-bench-") as temporary:
        rows = [
            *demo_rows(options.results, options.model),
            *evaluation_rows(options.results, options.model, Path(temporary)),
            *planning_rows(Path(temporary)),
            *cluster_rows(Path(temporary)),
        ]
    print(f"{'measure':40s} {'value':>8s} {'bar':>6s}")
    for name, value, bar in rows:
        verdict = "" if bar is None else f"{bar:6g}  {'met' if value <= bar else 'NOT MET'}"
        print(f"{name:40s} {value:8.3f} {verdict}")
    report = {name: {"value": value, "bar": bar} for name, value, bar in rows}
    write_json(options.results / "bench.json", report)


if __name__ == "__main__":
    main()
