"""Results that were copied without their times and without `.snakemake`, then taken over."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.expected import M_WANDA, MAGNITUDE, MODEL, WANDA_EN, evaluations, masks
from workflow.running import Outcome, Workflow, clean_environment

from multiprune.jobs.made import NAME

RUN = f"results/tiny/{MODEL}/seed0"
MASK = f"{RUN}/masks/wanda/0.5.safetensors"
RECORD = f"results/tiny/{NAME}"
HIDDEN = shutil.ignore_patterns(".snakemake", ".resources")


@pytest.fixture
def copied(finished: Workflow, tmp_path: Path) -> Workflow:
    """As `cp -r` copies: all files are new, and hidden folders beside the results stay behind."""
    folder = tmp_path / "copied"
    shutil.copytree(
        finished.folder, folder, symlinks=True, ignore=HIDDEN, copy_function=shutil.copyfile
    )
    return Workflow(folder)


def take_over(workflow: Workflow) -> Outcome:
    done = subprocess.run(
        [sys.executable, "scripts/take_over.py", "--configfile", workflow.config.name],
        cwd=workflow.folder, env=clean_environment(), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout)


def test_a_copy_costs_nothing(copied: Workflow, finished: Workflow):
    outcome = take_over(copied)
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("files taken over, 0 not")
    assert copied.jobs() == set()
    assert copied.jobs("--max-checksum-file-size", "0") == set()  # by the times alone
    assert copied.files("results/tiny") == finished.files("results/tiny")


def test_an_exported_model_is_taken_over(project: Workflow, tmp_path: Path):
    export = f"{RUN}/export/wanda/0.5/manifest.json"
    assert project.run(export).code == 0
    there = Workflow(tmp_path / "there")
    shutil.copytree(
        project.folder, there.folder, symlinks=True, ignore=HIDDEN, copy_function=shutil.copyfile
    )
    outcome = take_over(there)
    assert outcome.lines_with("files taken over, 0 not"), outcome.text
    assert there.jobs(export) == set()


def test_the_last_job_of_a_run_is_noted_too(copied: Workflow):
    take_over(copied)
    figure = Path(f"results/tiny/figures/ratio_to_baseline-{MODEL}.png")
    (copied.folder / RECORD).unlink()
    (copied.folder / figure).unlink()
    assert copied.run(str(figure)).code == 0
    noted = json.loads((copied.folder / RECORD).read_text())["jobs"]
    assert [figure for job in noted if str(figure) in job["made"]] == [figure]


def test_results_alone_after_fetching(copied: Workflow):
    """Downloads come from where they came from; then they are compared as all else is."""
    shutil.rmtree(copied.folder / "resources")
    assert take_over(copied).lines_with("more files of downloads are not here", "snakemake fetch")
    assert copied.run("fetch").code == 0
    assert take_over(copied).lines_with("files taken over, 0 not")
    assert copied.jobs() == set()


def test_a_damaged_file_is_named_and_made_again_with_what_depends_on_it(copied: Workflow):
    mask = copied.folder / MASK
    whole = mask.read_bytes()
    mask.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    outcome = take_over(copied)
    assert outcome.lines_with(MASK, "differs from the one that it records")
    assert outcome.lines_with("files taken over, 1 not")
    assert copied.jobs("masks") == masks({"wanda 0.5"}) | {"masks"}
    assert copied.run(MASK).code == 0
    assert mask.read_bytes() == whole


def test_what_other_code_another_config_or_nobody_made_is_not_taken_over(copied: Workflow):
    scores = "scripts/multiprune/pruning/scores"
    copied.replace(f"{scores}/magnitude.py", "return weight.abs()", "return 2 * weight.abs()")
    with copied.edit_config() as config:
        config["methods"]["m-wanda"]["allocation"]["strength"] = 0.06
    unknown = f"{RUN}/masks/wanda-en/0.5.safetensors"
    forget(copied, unknown, f"{RUN}/masks/wanda-en/0.5.json")
    outcome = take_over(copied)
    assert outcome.lines_with(unknown, "nothing tells what it was made with")
    changed = MAGNITUDE | M_WANDA | WANDA_EN
    assert copied.jobs("perplexity") == masks(changed) | evaluations(changed) | {"perplexity"}


def forget(workflow: Workflow, *paths: str) -> None:
    """Take files out of the record, as if the run that made them had been killed."""
    path = workflow.folder / "results/tiny" / NAME
    content = json.loads(path.read_text())
    del content["multiprune_sha256"]
    for job in content["jobs"]:
        job["made"] = {name: word for name, word in job["made"].items() if name not in paths}
    path.write_text(json.dumps(content))


def test_without_any_record_nothing_is_taken_over(copied: Workflow):
    (copied.folder / "results/tiny" / NAME).unlink()
    outcome = take_over(copied)
    assert outcome.code == 1
    assert outcome.lines_with("error: results/tiny/logs/made_with.json: is missing", ".snakemake")


def test_a_copy_with_the_memory_of_snakemake_needs_no_record(finished: Workflow, copied: Workflow):
    """As of a run that was killed, or of an older version; the times are new as well."""
    (copied.folder / "results/tiny" / NAME).unlink()
    shutil.copytree(finished.folder / ".snakemake", copied.folder / ".snakemake")
    shutil.copytree(finished.folder / ".resources", copied.folder / ".resources", symlinks=True)
    outcome = take_over(copied)
    assert outcome.lines_with("files taken over, 0 not"), outcome.text
    assert copied.jobs() == set()
