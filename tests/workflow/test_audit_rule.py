"""`snakemake audit` on a finished experiment: whole, damaged, and with files that nobody makes."""

import os
from pathlib import Path

from workflow.running import Workflow

MASK = "results/tiny/tiny-llama/seed0/masks/wanda/0.5.safetensors"


def test_a_whole_experiment_passes(finished: Workflow, tmp_path: Path):
    project = finished.copy(tmp_path / "project")
    outcome = project.run("audit")
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("audit: 0 damaged or made from other files, 0 orphans")


def test_damage_that_no_job_reads_is_named(project: Workflow):
    mask = project.folder / MASK
    written = mask.stat().st_mtime_ns
    damaged = bytearray(mask.read_bytes())
    damaged[-1] ^= 1
    mask.write_bytes(damaged)
    os.utime(mask, ns=(written, written))
    assert project.jobs() == set()
    outcome = project.run("audit", "--show-failed-logs")
    assert outcome.code != 0
    assert outcome.lines_with(MASK, "differs from the one that it records")
    assert "Traceback" not in outcome.text
    assert mask.read_bytes() == damaged  # an audit changes nothing


def test_results_of_a_method_that_left_the_config_are_orphans(project: Workflow):
    with project.edit_config() as config:
        del config["methods"]["m-wanda"]
    outcome = project.run("audit")
    assert outcome.code == 0, outcome.text
    orphan = "results/tiny/tiny-llama/seed0/masks/m-wanda/0.5.safetensors"
    assert outcome.lines_with(orphan, "no job of this config makes it")
    assert (project.folder / orphan).is_file()
