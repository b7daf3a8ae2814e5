"""`snakemake audit` on a finished experiment: whole, damaged, and with files that nobody makes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from workflow.running import Workflow, clean_environment

RUN = "results/tiny/tiny-llama/seed0"
MASK = f"{RUN}/masks/wanda/0.5.safetensors"
MANIFEST = "resources/corpora/words/sw/manifest.json"
WHOLE = "audit: 0 damaged or made from other files, 0 orphans"


def flip_last_byte(path: Path) -> bytes:
    """Damage a file; its size and its time stay."""
    written = path.stat().st_mtime_ns
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    os.utime(path, ns=(written, written))
    return bytes(damaged)


def test_a_whole_experiment_passes_until_it_is_damaged(project: Workflow):
    outcome = project.run("audit")
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with(WHOLE)
    assert not outcome.lines_with("no longer knows")
    mask = project.folder / MASK
    damaged = flip_last_byte(mask)
    assert project.jobs() == set()
    outcome = project.run("audit", "--show-failed-logs")
    assert outcome.code != 0
    assert outcome.lines_with(MASK, "differs from the one that it records")
    assert outcome.lines_with("audit: 1 damaged")
    assert "Traceback" not in outcome.text
    assert mask.read_bytes() == damaged  # an audit changes nothing


def test_results_that_were_made_from_others(project: Workflow):
    source = f"{RUN}/statistics/en.safetensors"
    shutil.copyfile(project.folder / RUN / "statistics/de.safetensors", project.folder / source)
    outcome = project.run("audit")
    assert outcome.code != 0
    for mask in ("wanda-en/0.5", "wanda/0.5", "m-wanda/0.5"):
        path = f"{RUN}/masks/{mask}.safetensors"
        assert outcome.lines_with(f"{path}: was made from another {source}")
    assert not outcome.lines_with("masks/magnitude")


def test_a_broken_manifest_is_left_to_who_reads_it(project: Workflow):
    manifest = project.folder / MANIFEST
    written = manifest.stat().st_mtime_ns
    manifest.write_text("{")
    os.utime(manifest, ns=(written, written))
    assert project.jobs() == set()
    outcome = project.run("audit")
    assert outcome.code != 0
    assert outcome.lines_with(MANIFEST, "is not JSON")
    assert outcome.lines_with("audit: 1 damaged")
    assert manifest.read_text() == "{"


def test_results_of_a_method_that_left_the_config_are_orphans(project: Workflow):
    with project.edit_config() as config:
        del config["methods"]["m-wanda"]
    outcome = project.run("audit")
    assert outcome.code == 0, outcome.text
    orphan = f"{RUN}/masks/m-wanda/0.5.safetensors"
    assert outcome.lines_with(orphan, "no job of this config makes it")
    assert (project.folder / orphan).is_file()
    deleted = subprocess.run(
        [
            sys.executable, "scripts/audit.py", "--results", "results/tiny",
            "--configfile", project.config.name, "--delete-orphans",
        ],
        cwd=project.folder, env=clean_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert deleted.returncode == 0, deleted.stderr
    assert not (project.folder / orphan).exists()
    assert (project.folder / MASK).is_file()
    assert project.run("audit").lines_with(WHOLE)


def test_the_config_of_the_command_line_counts(project: Workflow):
    other = project.folder / "results/other"
    shutil.copytree(project.folder / "results/tiny", other)
    (other / "tables/old.csv").write_text("")
    outcome = project.run("audit", "--config", "experiment=other")
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("results/other/tables/old.csv", "no job of this config makes it")
    assert outcome.lines_with("audit: 0 damaged or made from other files, 1 orphans")
    assert outcome.lines_with("Snakemake no longer knows what they were made from")
