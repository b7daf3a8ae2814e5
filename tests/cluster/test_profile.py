"""What profiles/slurm/config.yaml and docs/cluster.md promise, as far as a dry run shows it."""

import re
from pathlib import Path

import pytest
import yaml
from cluster.clones import bare_machine, plan, resources_by_rule
from cluster.submitting import WITHOUT_CONDA, new_project
from workflow.running import ROOT, Workflow, planned_jobs

SITE = re.search(r"```yaml\n(.+?)```", (ROOT / "docs/cluster.md").read_text(), re.DOTALL)[1]

LISTED = ("--dry-run", "--profile", "slurm", "--quiet=host")  # the profile counts jobs only


@pytest.fixture
def planned(tmp_path: Path) -> Workflow:
    """The tiny experiment before anything has been run."""
    return new_project(tmp_path / "project")


def asked(workflow: Workflow, *arguments: str) -> dict[str, dict[str, str]]:
    """What each rule asks for in a dry run of `snakemake --profile slurm`."""
    outcome = workflow.run(*LISTED, *arguments, *WITHOUT_CONDA)
    assert outcome.code == 0, outcome.text
    return resources_by_rule(outcome.text)


def test_profile_plans_the_papers_grid(planned: Workflow):
    config = yaml.safe_load(planned.config.read_text())
    paper = planned.folder / "config/paper.yaml"
    paper.write_text(yaml.safe_dump(config | {"experiment": "papers-grid"}))
    outcome = planned.run(*LISTED, *WITHOUT_CONDA, config=False)
    assert outcome.lines_with("output:", "results/papers-grid/tables/summary.csv")


def test_missing_conda_is_named_in_the_last_line(planned: Workflow, tmp_path: Path):
    planned.config.replace(planned.folder / "config/paper.yaml")
    outcome = plan(planned.folder, bare_machine(tmp_path / "machine"))
    assert outcome.code != 0
    last = outcome.text.rstrip().splitlines()[-1]
    assert "Is conda installed and accessible?" in last
    assert "Traceback" not in outcome.text


def test_preflight_says_that_planning_needs_conda(planned: Workflow, tmp_path: Path):
    outcome = planned.run("preflight", environment=bare_machine(tmp_path / "machine"))
    assert outcome.lines_with("absent", "conda", "not found on PATH", "even to plan")
    assert outcome.lines_with("absent", "sbatch")


def test_preflight_submits_a_job_to_a_cluster_and_none_here(planned: Workflow):
    assert "check_gpu" not in planned.jobs("preflight")
    assert planned.jobs("preflight", "--profile", "slurm", *WITHOUT_CONDA) == {
        "check_gpu",
        "preflight",
    }
    resources = asked(planned, "preflight")["check_gpu"]
    assert (resources["gpu"], resources["runtime"], resources["mem_mb"]) == ("1", "5", "4000")


def test_given_config_replaces_the_papers_grid(planned: Workflow):
    paper = yaml.safe_load((planned.folder / "config/paper.yaml").read_text())
    outcome = planned.run(*LISTED, *WITHOUT_CONDA)
    words = {word for job in planned_jobs(outcome.text) for word in job.split()}
    assert "tiny-llama" in words
    assert not words & ({*paper["models"]} | {*paper["methods"]} - {"magnitude", "wanda"})


def test_gpu_is_asked_for_by_rules_that_pass_text_through_a_model(planned: Workflow):
    rules = asked(planned)
    assert {rule for rule in rules if "gpu" in rules[rule]} == {
        "collect_statistics",
        "evaluate_perplexity",
    }


def test_own_file_of_the_readme_sets_partition_and_account(planned: Workflow):
    (planned.folder / "site").mkdir()
    (planned.folder / "site/config.yaml").write_text(SITE)
    before, after = asked(planned), asked(planned, "--workflow-profile", "site")
    own = {"slurm_account": "my-project", "slurm_partition": "cpu", "tmpdir": "/scratch"}
    assert own.items() <= after["prune_model"].items()
    for rule in ("collect_statistics", "evaluate_perplexity"):
        gpu = own | {"slurm_partition": "gpu", "constraint": "a100", "gpu": "1"}
        assert gpu.items() <= after[rule].items()
    for rule in ("sample_calibration", "collect_statistics", "prune_model", "evaluate_perplexity"):
        for stated in ("mem_mb", "runtime"):  # by the rule, which the own file leaves alone
            assert after[rule][stated] == before[rule][stated]


def test_command_line_sets_partition_and_account(planned: Workflow):
    options = ("--default-resources", "slurm_account=mine", "slurm_partition=short")
    for rule in ("sample_calibration", "collect_statistics"):
        resources = asked(planned, *options)[rule]
        assert (resources["slurm_account"], resources["slurm_partition"]) == ("mine", "short")
