"""Which rule prunes which method, and that everything reads what it writes."""

import pytest
from workflow.expected import evaluations, figures, tables
from workflow.running import Workflow

METHODS = {
    "wanda": {"score": "wanda"},
    "wanda-2-4": {"score": "wanda", "pattern": "2:4"},
    "wanda-sequential": {"score": "wanda", "propagation": "sequential"},
    "sparsegpt": {"score": "sparsegpt"},
    "sparsegpt-2-4": {"score": "sparsegpt", "pattern": "2:4", "calibration": ["en"]},
}
RUNS = "results/tiny/tiny-llama/seed0"


def planned(fresh: Workflow, methods: set[str], *targets: str) -> tuple[set[str], str]:
    """The jobs and the commands of an experiment with some of METHODS."""
    with fresh.edit_config() as config:
        config["methods"] = {name: METHODS[name] for name in methods}
        config["baseline"] = min(methods)
        config["evaluation"]["downstream"] = {
            "reference": "en",
            "tasks": {"cloze": {"kind": "parallel_cloze", "corpus": "words"}},
        }
    jobs = fresh.jobs(*targets)
    return jobs, fresh.run("--dry-run", "--printshellcmds", *targets).text


def test_every_method_is_pruned_by_its_own_rule(fresh: Workflow):
    jobs, _ = planned(fresh, set(METHODS), "masks")
    assert {job for job in jobs if job.startswith("prune_")} == {
        "prune_model tiny-llama 0 wanda 0.5",
        "prune_model tiny-llama 0 wanda-2-4 0.5",
        "prune_sequentially tiny-llama 0 wanda-sequential 0.5",
        "prune_with_update tiny-llama 0 sparsegpt 0.5",
        "prune_with_update tiny-llama 0 sparsegpt-2-4 0.5",
    }
    assert {job for job in jobs if job.startswith("collect_statistics")} == {
        "collect_statistics tiny-llama 0 de",  # of the dense methods
        "collect_statistics tiny-llama 0 en",
    }


def test_the_memory_for_activations_is_not_rounded_to_whole_gigabytes(fresh: Workflow):
    with fresh.edit_config() as config:
        config["compute"] = {"activation_memory_gb": 0.4}
    _, text = planned(fresh, {"wanda-sequential"}, "masks")
    assert "--activation-memory-mb 400 " in text


def test_sparsegpt_alone_needs_no_statistics_and_all_read_its_weights(fresh: Workflow):
    manifest = f"{RUNS}/export/sparsegpt/0.5/manifest.json"
    targets = ("perplexity", "downstream", manifest, "results/tiny/tables/allocation.csv")
    jobs, text = planned(fresh, {"sparsegpt"}, *targets)
    assert not any(job.startswith(("collect_statistics", "prune_model")) for job in jobs)
    commands = [line for line in text.splitlines() if f"{RUNS}/weights/sparsegpt/0.5." in line]
    for script in ("evaluate_perplexity", "evaluate_downstream", "export_model"):
        flag = f"--mask {RUNS}/weights/sparsegpt/0.5.safetensors"
        assert any(f"scripts/{script}.py" in line and flag in line for line in commands), script
    assert any("scripts/prune_sequentially.py" in line for line in commands)
    assert f"{RUNS}/masks" not in text


@pytest.mark.parametrize(
    ("method", "rule"),
    [
        ("wanda-2-4", "prune_model"),
        ("wanda-sequential", "prune_sequentially"),
        ("sparsegpt", "prune_with_update"),
    ],
)
def test_a_method_added_to_a_finished_experiment_costs_itself(
    project: Workflow, method: str, rule: str
):
    with project.edit_config() as config:
        config["methods"][method] = METHODS[method]
    added = {f"{rule} tiny-llama 0 {method} 0.5"} | evaluations({f"{method} 0.5"})
    assert project.jobs() == added | tables("perplexity", "allocation") | figures()
