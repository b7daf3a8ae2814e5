"""What is planned for the shipped configs, and what planning itself must not do."""

import json
import re
from pathlib import Path

import pytest
import yaml
from cluster.clones import bare_machine, clone, plan, resources_by_rule, with_conda
from workflow.formulas import Sizes, assert_counted, counts
from workflow.running import TARGETS, Workflow, without_jobs

# Modules that planning has no business with; importing one of these copies fails.
HEAVY = ("torch", "transformers", "tokenizers", "datasets", "matplotlib", "seaborn", "scipy")
NO_NETWORK = """\
import socket

def refuse(*arguments, **options):
    raise OSError("the network was asked for while planning")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""


def demo(fresh: Workflow) -> dict:
    return yaml.safe_load((fresh.folder / "config/demo.yaml").read_text(encoding="utf-8"))


def test_without_configfile_the_demo_is_planned(fresh: Workflow):
    assert_counted(fresh.jobs(config=False), demo(fresh))


@pytest.mark.slow
def test_the_papers_grid_is_planned_on_a_bare_machine(tmp_path: Path):
    """`snakemake -n --profile slurm` in a clone, with a conda and with nothing else.

    With all targets, since planning takes a minute: those beside `all` add themselves alone.
    """
    project, refusing = tmp_path / "project", tmp_path / "refusing"
    clone(project)
    refusing.mkdir()
    (refusing / "sitecustomize.py").write_text(NO_NETWORK)
    machine = with_conda(bare_machine(tmp_path / "machine"), tmp_path / "conda")
    planned = plan(project, machine | {"PYTHONPATH": str(refusing)}, *TARGETS)
    assert planned.code == 0, planned.text
    paper = yaml.safe_load((project / "config/paper.yaml").read_text(encoding="utf-8"))
    assert planned.jobs >= {*TARGETS}
    assert_counted(planned.jobs - {*TARGETS[1:]}, paper)
    for rule, jobs in counts(planned.jobs).items():  # and so says the table that is printed
        assert re.search(rf"^{rule} +{jobs}$", planned.text, re.MULTILINE)
    with_gpu = {rule for rule, asked in resources_by_rule(planned.text).items() if "gpu" in asked}
    passes = "check_gpu|collect_statistics|prune_sequentially|prune_with_update|evaluate_"
    assert with_gpu == {rule for rule in counts(planned.jobs) if re.match(passes, rule)}
    gigabytes, hours = estimated(planned.text)
    # At least the masks: a bit for every weight.
    billions = sum(model["parameters"] for model in paper["models"].values())
    assert gigabytes > billions * Sizes(paper).pruned / 8
    assert hours > 1
    assert planned.gibibytes < 1.5
    profile = yaml.safe_load((project / "slurm/config.yaml").read_text(encoding="utf-8"))
    assert "rules" in profile["quiet"]  # as people type it
    assert len(without_jobs(planned.text)) < 8_000
    assert [path.name for path in (project / "results").iterdir()] == [".gitkeep"]
    assert not (project / "resources").exists()


@pytest.mark.parametrize(
    ("config", "model", "most"),
    [("paper", "llama-3.2-1b", 550), ("demo-smollm2", "smollm2-135m", 52)],
)
def test_a_figure_asks_for_the_tables_that_it_draws_from(
    fresh: Workflow, config: str, model: str, most: int
):
    target = f"results/{config}/figures/sparsity_by_block-{model}.png"
    jobs = fresh.jobs(target, "--configfile", f"config/{config}.yaml", config=False)
    found = counts(jobs)
    assert found.total() <= most
    assert not [rule for rule in found if rule.startswith(("evaluate_", "join_tables"))]
    assert found["fetch_model"] == found["tabulate_results"] == found["draw_figure"] == 1


def test_models_of_13_and_70_billion_parameters_are_planned_within_the_caps(fresh: Workflow):
    """bfloat16 is 26 and 140 GB: cards of 80 GB, 85% of each filled, are one and three."""
    with fresh.edit_config() as config:
        model = config["models"].pop("tiny-llama") | {"dtype": "bfloat16"}
        sizes = {"medium": {"parameters": 13}, "large": {"parameters": 70}}
        config["models"] = {name: model | size for name, size in sizes.items()}
        config["compute"] = {"gpu_memory_gb": 80, "most_minutes": 600}
    asked = {"medium": [], "large": []}
    planned = fresh.run("--dry-run", "--quiet=host", "masks", "perplexity")
    assert planned.code == 0, planned.text
    for job in re.split(r"^(?:local)?rule ", planned.text, flags=re.MULTILINE):
        if name := re.search(r"wildcards: model=(\w+), .*\n    resources: (.*\bgpu=.*)", job):
            asked[name[1]].append(dict(pair.split("=", 1) for pair in name[2].split(", ")))
    for name, cards, weights in (("medium", 1, 26_000), ("large", 3, 140_000)):
        assert {int(job["gpu"]) for job in asked[name]} == {cards}
        assert min(int(job["mem_mb"]) for job in asked[name]) > 1.25 * weights
    assert {int(job["runtime"]) for job in asked["medium"]} == {30 + 13 * 30}
    assert {int(job["runtime"]) for job in asked["large"]} == {600}


def estimated(text: str) -> tuple[float, float]:
    """Gigabytes of disk and GPU hours in the one line that estimates them."""
    pattern = r"^estimate: ([\d,.]+) GB on disk, ([\d,.]+) GPU hours"
    [(gigabytes, hours)] = re.findall(pattern, text, re.MULTILINE)
    return float(gigabytes.replace(",", "")), float(hours.replace(",", ""))


def test_nothing_of_the_demo_leaks_into_another_config(fresh: Workflow):
    jobs = fresh.jobs()
    words = {word for job in jobs for word in job.split()}
    config = demo(fresh)
    own = yaml.safe_load(fresh.config.read_text(encoding="utf-8"))
    for key in ("models", "languages", "methods", "corpora"):
        assert not words & (set(config[key]) - set(own[key]))
    assert "download_package" not in words


def test_ablations_overlay_adds_masks_evaluations_and_examples_of_three_terms(fresh: Workflow):
    demo_jobs = fresh.jobs(config=False)
    overlay = ("--configfile", "config/demo.yaml", "config/ablations.yaml")
    added = fresh.jobs(*overlay, config=False) - demo_jobs
    terms = ("m-wanda-variance", "m-wanda-activation", "m-wanda-cwl")
    assert added == {
        f"{rule} gemma-3-270m 0 {term} 0.5"
        for rule in ("prune_model", "evaluate_perplexity", "generate_examples")
        for term in terms
    }


def test_planning_imports_no_heavy_module_and_asks_no_network(fresh: Workflow, tmp_path: Path):
    poisoned = tmp_path / "poisoned"
    for name in HEAVY:
        (poisoned / name).mkdir(parents=True)
        reason = f"raise ImportError('{name} was imported while planning')\n"
        (poisoned / name / "__init__.py").write_text(reason)
    (poisoned / "sitecustomize.py").write_text(NO_NETWORK)
    jobs = fresh.jobs(config=False, environment={"PYTHONPATH": str(poisoned)})
    assert counts(jobs)["evaluate_perplexity"] > 0


def test_planning_writes_nothing(fresh: Workflow):
    fresh.jobs()
    assert not (fresh.folder / "results").exists()
    assert not (fresh.folder / "resources").exists()


def test_model_name_with_another_definition_is_refused(project: Workflow):
    before = project.files("resources")
    with project.edit_config() as config:
        config["models"]["tiny-llama"]["folder"] = "inputs/another"
    outcome = project.run()
    assert outcome.code != 0
    assert outcome.lines_with("resources/models/tiny-llama", "inputs/another", "another key")
    assert "Traceback" not in outcome.text
    assert project.files("resources") == before


def test_corpus_name_with_another_definition_is_refused(project: Workflow):
    before = project.files("resources")
    with project.edit_config() as config:
        config["corpora"]["words"] = {"kind": "udhr"}
    outcome = project.run()
    assert outcome.code != 0
    assert outcome.lines_with("resources/corpora/words/de", "udhr", "another key")
    assert "Traceback" not in outcome.text
    assert project.files("resources") == before


def test_targets_are_listed_with_their_purpose(fresh: Workflow):
    outcome = fresh.run("--list")
    for target in ("all", "fetch", "masks", "perplexity", "tables", "figures"):
        assert re.search(rf"^{target} \(.+\.\)$", outcome.text, re.MULTILINE), outcome.text


def test_dry_run_gives_a_reason_for_each_job(project: Workflow):
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["allocation"]["strength"] = 0.1
    outcome = project.run("--dry-run")
    assert outcome.lines_with("reason: Params have changed", json.dumps(0.1))


def test_folders_with_spaces_and_in_the_home_folder_are_read(fresh: Workflow):
    home = fresh.folder / "home"
    (fresh.folder / "inputs").rename(home)
    (home / "model").rename(home / "my model")
    (home / "texts").rename(home / "my texts")
    with fresh.edit_config() as config:
        config["models"]["tiny-llama"]["folder"] = "~/my model"
        config["corpora"]["words"]["folder"] = "~/my texts"
    environment = {"HOME": str(home)}
    outcome = fresh.run("--show-failed-logs", "fetch", environment=environment)
    assert outcome.code == 0, outcome.text
    (home / "my texts/de.txt").write_text("anders\n")
    (home / "my model/config.json").write_text("{}\n")
    planned = fresh.jobs("fetch", environment=environment)
    assert planned == {"fetch_model tiny-llama", "fetch_corpus words de", "fetch"}
