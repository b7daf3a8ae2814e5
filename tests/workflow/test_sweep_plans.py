"""What is planned where the constants of a method are chosen on validation text."""

import pandas as pd
import pytest
import yaml
from workflow import expected
from workflow.expected import MODEL
from workflow.formulas import assert_counted
from workflow.running import Workflow

STRENGTHS = ("strength-0.05", "strength-0.02")
SWEEP = f"results/tiny/{MODEL}/seed0/sweep/m-wanda"


def choose(workflow: Workflow, values: list[float], **others: object) -> None:
    with workflow.edit_config() as config:
        config["methods"]["m-wanda"]["choose"] = {"allocation.strength": values}
        config |= others


def test_a_sweep_adds_its_own_jobs_and_changes_no_other(fresh: Workflow):
    choose(fresh, [0.02, 0.05])
    jobs = fresh.jobs()
    assert jobs - expected.everything() == {
        *(f"evaluate_candidate {MODEL} 0 m-wanda {name}" for name in STRENGTHS),
        f"choose_constants {MODEL} 0 m-wanda",
        f"tabulate_results {MODEL} sweep",
        "join_tables sweep",
        f"draw_figure sweep_of_constants {MODEL}",
    }
    assert expected.everything() <= jobs


def test_every_seed_takes_the_choice_of_the_smallest(fresh: Workflow):
    choose(fresh, [0.02, 0.05], seeds=[7, 3])
    jobs = fresh.jobs("masks")
    swept = {job for job in jobs if job.startswith(("evaluate_candidate", "choose_constants"))}
    assert {job.split()[2] for job in swept} == {"3"}
    outcome = fresh.run("--dry-run", "--printshellcmds", "masks")
    masks = outcome.lines_with("prune_model.py", "--name m-wanda")
    assert len(masks) == 2
    assert all(f"--chosen results/tiny/{MODEL}/seed3/sweep/m-wanda/chosen.json" in m for m in masks)
    for other in outcome.lines_with("prune_model.py", "--name wanda "):
        assert "--chosen --" in " ".join(other.split())  # no file


def test_finalists_are_measured_on_every_seed(fresh: Workflow):
    choose(fresh, [0.02, 0.05, 0.1], seeds=[7, 3])
    with fresh.edit_config() as config:
        config["methods"]["m-wanda"]["choose_finalists"] = 2
    jobs = fresh.jobs("masks")
    kinds = ("evaluate_candidate", "evaluate_finalists", "screen_candidates", "choose_constants")
    assert {job for job in jobs if job.startswith(kinds)} == {
        *(f"evaluate_candidate {MODEL} 3 m-wanda strength-{value}" for value in (0.02, 0.05, 0.1)),
        f"screen_candidates {MODEL} 3 m-wanda",
        *(f"evaluate_finalists {MODEL} {seed} m-wanda" for seed in (3, 7)),
        f"choose_constants {MODEL} 3 m-wanda",
    }
    commands = fresh.run("--dry-run", "--printshellcmds", "masks")
    [last] = commands.lines_with("choose_constants.py", "chosen.json")
    sweeps = [f"results/tiny/{MODEL}/seed{seed}/sweep/m-wanda" for seed in (3, 7)]
    assert f"--decided-by {sweeps[0]}/finalists.json {sweeps[1]}/finalists.json" in last
    [screen] = commands.lines_with("choose_constants.py", "screened.json")
    assert "--finalists 2" in screen


@pytest.mark.slow
def test_finalists_decide_and_stand_in_the_table(project: Workflow):
    choose(project, [0.02, 0.05, 0.1], seeds=[7, 0])
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["choose_finalists"] = 2
    table = f"results/tiny/tables/by_model/{MODEL}/sweep.csv"
    outcome = project.run("--show-failed-logs", table)
    assert outcome.code == 0, outcome.text
    rows = pd.read_csv(project.folder / table)
    assert len(rows) == 3
    assert rows["seeds"].tolist() == [2, 2, 1]
    assert rows["chosen"].sum() == 1
    assert rows.loc[rows["chosen"] == 1, "seeds"].item() == 2


def test_a_sweep_reads_validation_text_alone(fresh: Workflow):
    choose(fresh, [0.02, 0.05])
    outcome = fresh.run("--dry-run", "--printshellcmds", f"{SWEEP}/chosen.json")
    assert outcome.code == 0, outcome.text
    inputs = outcome.lines_with("    input: ", "resources/corpora")
    assert any("words/de/validation.jsonl" in line for line in inputs)
    assert not any("/test.jsonl" in line for line in inputs)
    assert not outcome.lines_with("evaluate_perplexity")
    commands = outcome.lines_with("evaluate_candidate.py")
    assert len(commands) == 2
    assert all("--split validation" in command for command in commands)
    assert "fetch_corpus words sw" not in fresh.jobs(f"{SWEEP}/chosen.json")  # no calibration on it


def test_a_threshold_to_choose_reruns_the_statistics_and_what_follows(project: Workflow):
    weight = {"norm.activation_weight": [0.0, 1.0]}
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["choose"] = weight
    swept = project.jobs()
    statistics = {f"collect_statistics {MODEL} 0 {language}" for language in ("de", "en")}
    assert statistics <= swept  # activity was not counted for a weight of 0
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["choose"] = {**weight, "norm.activation_threshold": [0.5, 1]}
    jobs = project.jobs()
    calibrated = expected.WANDA_EN | expected.WANDA | expected.M_WANDA
    thresholds = {
        f"evaluate_candidate {MODEL} 0 m-wanda activation_threshold-{tau}__activation_weight-{w}"
        for tau in ("0.5", "1")
        for w in ("0", "1")
    }
    assert jobs == (
        {job for job in swept if not job.startswith("evaluate_candidate")}
        | thresholds
        | statistics
        | expected.masks(calibrated)
        | expected.evaluations(calibrated)
        | expected.tables("perplexity", "allocation", "correlation", "overlap")
        | expected.figures()
    )
    commands = project.run("--dry-run", "--printshellcmds").lines_with("collect_statistics.py")
    assert len(commands) == 2
    flags = "--activation-threshold 1.0 --activation-thresholds 0.5 1.0 --absolute-thresholds"
    assert all(flags in command for command in commands)


def test_the_overlay_adds_a_sweep_to_the_demo(fresh: Workflow):
    files = ("config/demo.yaml", "config/sweep.yaml")
    demo = fresh.jobs("--configfile", files[0], config=False)
    both = fresh.jobs("--configfile", *files, config=False)
    assert demo <= both
    config, sweep = (yaml.safe_load((fresh.folder / file).read_text()) for file in files)
    for method, options in sweep["methods"].items():
        config["methods"][method] |= options
    assert_counted(both, config)
