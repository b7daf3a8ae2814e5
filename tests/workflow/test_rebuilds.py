"""After one change, exactly those jobs run that depend on it."""

import os
import subprocess
import time

import pytest
import tiny
import yaml
from workflow.expected import (
    DENSE,
    M_WANDA,
    MAGNITUDE,
    MODEL,
    PRUNED,
    TABLES,
    WANDA,
    WANDA_EN,
    corpora,
    evaluations,
    everything,
    figures,
    join,
    masks,
    statistics,
    tables,
)
from workflow.running import Workflow, backwards

RUN = f"results/tiny/{MODEL}/seed0"
ALL_TABLES = ("perplexity", "allocation", "correlation", "overlap")


def test_plans_the_whole_experiment_from_nothing(fresh: Workflow):
    assert fresh.jobs() == everything()


def test_finished_run_leaves_nothing_to_do(finished: Workflow):
    assert finished.jobs() == set()


def test_demo_profile_leaves_nothing_to_do(project: Workflow):
    outcome = project.run("--dry-run", "--workflow-profile", "demo")
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("Nothing to be done")


def test_a_dry_run_under_the_demo_profile_fits_on_two_screens(fresh: Workflow):
    """It says how many jobs of each rule would run, and for which reasons."""
    outcome = fresh.run("--dry-run", "--workflow-profile", "demo")
    assert outcome.code == 0, outcome.text
    assert len(outcome.text.splitlines()) < 80
    assert max(map(len, outcome.text.splitlines())) < 500
    assert outcome.lines_with("prune_model", str(len(PRUNED)))
    assert outcome.lines_with("Reasons:")


@pytest.mark.parametrize(
    ("path", "job"),
    [
        ("resources/models/tiny-llama/manifest.json", f"fetch_model {MODEL}"),
        ("resources/corpora/words/de/calibration.jsonl", "fetch_corpus words de"),
        (f"{RUN}/calibration/de.safetensors", f"sample_calibration {MODEL} 0 de"),
        (f"{RUN}/statistics/de.safetensors", f"collect_statistics {MODEL} 0 de"),
        (f"{RUN}/masks/wanda/0.5.safetensors", f"prune_model {MODEL} 0 wanda 0.5"),
        (f"{RUN}/perplexity/wanda/0.5/de.json", f"evaluate_perplexity {MODEL} 0 wanda 0.5"),
        (f"results/tiny/tables/by_model/{MODEL}/overlap.csv", f"tabulate_results {MODEL} overlap"),
    ],
)
def test_what_a_failed_job_has_lost_is_made_again(project: Workflow, path: str, job: str):
    """Although tables stand that were made from it, perhaps before the change that failed."""
    (project.folder / path).unlink()
    assert job in project.jobs("tables")


def test_everything_and_the_figures_miss_it_too(project: Workflow):
    (project.folder / RUN / "perplexity/wanda/0.5/de.json").unlink()
    expected = evaluations({"wanda 0.5"}) | tables("perplexity") | figures("perplexity")
    assert project.jobs() == expected
    joined = join("perplexity", "summary", "claims") | {"write_claims", "write_findings"}
    assert project.jobs("figures") == expected - joined - {"all"} | {"figures"}


def test_one_lost_figure_is_drawn_alone(project: Workflow):
    (project.folder / "results/tiny/figures/sparsity_by_block-tiny-llama.pdf").unlink()
    assert project.jobs() == {"draw_figure sparsity_by_block tiny-llama", "all"}


def test_new_calibration_language_reruns_what_calibrates_on_all(project: Workflow):
    with project.edit_config() as config:
        config["languages"]["fr"] = {"corpus": "words", "role": "calibration"}
    expected = corpora("fr") | statistics("fr") | masks(WANDA | M_WANDA)
    expected |= evaluations(PRUNED | DENSE) | tables(*ALL_TABLES) | figures()
    assert project.jobs() == expected


def test_a_label_changes_figures_pages_and_words_only(project: Workflow):
    with project.edit_config() as config:
        config["methods"]["wanda"]["label"] = "Wanda"
    pages = join(*(name for kind in ALL_TABLES for name in TABLES[kind]))
    written = {"write_findings", "write_claims"}  # from tables that are written with their pages
    assert project.jobs() == figures() | pages | written


def equivalent_score(project: Workflow) -> None:
    """Write the score of Wanda in another way."""
    project.replace(
        "scripts/multiprune/pruning/scores/wanda.py",
        "    return weight.abs() * norm\n",
        "    size = weight.abs()\n    return size * norm\n",
    )


def test_changed_score_code_reruns_masks_and_what_follows(project: Workflow):
    equivalent_score(project)
    scored = WANDA_EN | WANDA | M_WANDA
    kinds = ("perplexity", "allocation")
    expected = masks(scored) | evaluations(scored) | tables(*kinds) | figures(*kinds)
    assert project.jobs() == expected


def test_equal_masks_stop_the_wave(project: Workflow):
    equivalent_score(project)
    outcome = project.run("--until", "prune_model")
    assert outcome.code == 0, outcome.text
    assert project.jobs() == set()


def test_a_score_that_no_method_names_reruns_nothing(project: Workflow):
    (project.folder / "scripts/multiprune/pruning/scores/random.py").write_text(
        '"""Chance."""\n\nimport torch\n\n\ndef score(weight, norm):\n'
        '    """Noise."""\n    return torch.rand_like(weight)\n'
    )
    assert project.jobs() == set()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("jobs/command.py", "run one job a ", "run a job for each "),
        ("jobs/command.py", "sys.exit(1)\n    except Run", "sys.exit(3)\n    except Run"),
        ("files/locks.py", "LOCK_EX | fcntl.LOCK_NB", "LOCK_NB | fcntl.LOCK_EX"),
        ("errors.py", '"""', '"""All '),
        ("evaluation/records.py", "the loss on it is not finite", "its loss is not finite"),
        ("pruning/pruner.py", "holds numbers that are not finite", "has infinite numbers"),
        ("calibration/sampling.py", "raise InputError(\n", "raise InputError(  # said so\n"),
    ],
)  # fmt: skip
def test_what_people_are_told_reruns_nothing(project: Workflow, file: str, old: str, new: str):
    path = project.folder / "scripts/multiprune" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert project.jobs() == set()


def test_a_touched_mask_reruns_nothing_however_large(project: Workflow):
    later = time.time() + 5
    os.utime(project.folder / f"{RUN}/masks/wanda/0.5.safetensors", (later, later))
    assert project.jobs("--max-checksum-file-size", "1") == set()


def test_one_figure_of_a_model_makes_what_its_tables_read(fresh: Workflow):
    picture = f"results/tiny/figures/sparsity_by_block-{MODEL}.png"
    expected = {f"fetch_model {MODEL}"} | corpora("de", "en") | statistics("de", "en")
    expected |= masks(PRUNED) | {f"tabulate_results {MODEL} allocation"}
    assert fresh.jobs(picture) == expected | {f"draw_figure sparsity_by_block {MODEL}"}


def test_a_command_copied_from_a_log_runs_after_an_edit(project: Workflow):
    outcome = project.run("--dry-run", "--printshellcmds", "--force", f"{RUN}/masks/wanda/0.5.json")
    [command] = outcome.lines_with("prune_model.py", "--code")
    equivalent_score(project)
    (project.folder / f"{RUN}/masks/wanda/0.5.json").unlink()
    log = project.folder / f"results/tiny/logs/prune_model/{MODEL}/seed0/wanda/0.5.log"
    command = command.partition("Shell command: ")[2]
    done = subprocess.run(["bash", "-c", command], cwd=project.folder, check=False)
    assert done.returncode == 0, log.read_text()
    assert "warning: scripts/prune_model.py: its code was edited" in log.read_text()
    assert (project.folder / f"{RUN}/masks/wanda/0.5.json").is_file()


def test_changed_comments_and_docstrings_rerun_nothing(project: Workflow):
    scores = "scripts/multiprune/pruning/scores"
    project.replace(f"{scores}/wanda.py", "    return weight", "    # eq. 1\n    return weight")
    project.replace(f"{scores}/wanda.py", '"""S_ij = |W_ij| *', '"""Size by norm. S_ij = |W_ij| *')
    project.replace(
        "scripts/evaluate_perplexity.py",
        "    options = parse()\n",
        "    # What to measure.\n    options = parse()\n",
    )
    for path in (project.folder / "Snakefile", *(project.folder / "rules").glob("*.smk")):
        path.write_text(path.read_text() + "\n\n# A comment.\n")
    project.replace("rules/pruning.smk", '    """Score the weights,', '    """First score weights,')
    assert project.jobs() == set()


def test_a_word_of_a_caption_redraws_one_figure(project: Workflow):
    project.replace(
        "scripts/multiprune/figures/sparsity_by_block.py",
        "Share of weights removed from each",
        "Share of weights taken from each",
    )
    assert project.jobs() == {f"draw_figure sparsity_by_block {MODEL}", "all"}


def test_a_word_of_what_explains_a_table_rejoins_it(project: Workflow):
    project.replace(
        "scripts/multiprune/tables/overlap.py", "How much of their", "What share of their"
    )
    assert project.jobs() == join("overlap") | {"all"}


def test_code_of_a_table_reruns_it_and_what_reads_it(project: Workflow):
    project.replace("scripts/multiprune/tables/overlap.py", "SHARE = 0.1", "SHARE = 0.2")
    assert project.jobs() == tables("overlap") | figures("overlap")


def test_what_figures_share_redraws_all(project: Workflow):
    path = project.folder / "scripts/multiprune/figures/style.py"
    path.write_text(path.read_text() + "\n\nLINE_WIDTH = 2\n")
    assert project.jobs() == figures()


def test_changed_norm_code_reruns_no_statistics(project: Workflow):
    path = project.folder / "scripts/multiprune/pruning/norms/cross_lingual.py"
    path.write_text(path.read_text() + "\n\nSMALLEST = 0\n")
    kinds = ("perplexity", "allocation")
    expected = masks(M_WANDA) | evaluations(M_WANDA) | tables(*kinds) | figures(*kinds)
    assert project.jobs() == expected


def test_explicit_defaults_rerun_nothing(project: Workflow):
    with project.edit_config() as config:
        config["compute"] = {"batch_tokens": 2048}
        config["statistics"] = {"activation_threshold": 1}
        config["resampling"] = {"confidence": 0.95, "draws": 2000}
        config["models"]["tiny-llama"]["dtype"] = "auto"
        config["languages"]["sw"]["text"] = "sw"
        config["evaluation"]["perplexity"]["split"] = "test"
        config["methods"]["magnitude"] |= {"scope": "row", "allocation": {"kind": "uniform"}}
        config["methods"]["wanda"] |= {"norm": {"kind": "pooled", "weighting": "tokens"}}
        config["methods"]["m-wanda"]["norm"] |= {"dispersion": "std", "activation_weight": 0}
        config["methods"]["m-wanda"]["norm"]["activation_threshold"] = 1
        config["methods"]["m-wanda"]["allocation"] |= {"direction": "keep_shared"}
    assert project.jobs() == set()


def test_reordered_config_reruns_nothing(project: Workflow):
    with project.edit_config() as config:
        reordered = backwards(config)
        config.clear()
        config.update(reordered)
    assert config["methods"]["wanda"]["sparsities"] == [0.5, 0.25]
    assert project.jobs() == set()


def test_quoted_text_and_other_spellings_of_numbers_rerun_nothing(project: Workflow):
    content = yaml.safe_load(project.config.read_text())
    text = yaml.safe_dump(content, default_style='"', sort_keys=False)
    # Every key and text in quotes; numbers stay numbers through their tags.
    text = text.replace('!!float "0.05"', "0.050").replace('!!float "0.5"', "0.50")
    project.config.write_text(text)
    assert project.jobs() == set()


def test_reordered_seeds_rerun_nothing(project: Workflow):
    with project.edit_config() as config:
        config["seeds"] = [1, 0]
    more_seeds = project.jobs()
    with project.edit_config() as config:
        config["seeds"] = [0, 1]
    assert project.jobs() == more_seeds == with_second_seed()


def with_second_seed() -> set[str]:
    """What a second draw of calibration text asks for: magnitude and dense stay as they are."""
    calibrated = WANDA_EN | WANDA | M_WANDA
    drawn = statistics("de", "en", seed=1) | masks(calibrated, 1) | evaluations(calibrated, 1)
    return drawn | tables(*ALL_TABLES) | figures()


def test_changed_strength_reruns_one_method(project: Workflow):
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["allocation"]["strength"] = 0.1
    expected = masks(M_WANDA) | evaluations(M_WANDA)
    kinds = ("perplexity", "allocation")
    assert project.jobs() == expected | tables(*kinds) | figures(*kinds)


def test_a_threshold_of_its_own_reruns_the_statistics_and_what_follows(project: Workflow):
    with project.edit_config() as config:
        norm = config["methods"]["m-wanda"]["norm"]
        norm["activation_threshold"] = 0.5  # which says nothing while its weight is 0
    without = masks(M_WANDA) | evaluations(M_WANDA)
    kinds = ("perplexity", "allocation")
    assert project.jobs() == without | tables(*kinds) | figures(*kinds)
    with project.edit_config() as config:
        config["methods"]["m-wanda"]["norm"]["activation_weight"] = 0.5
    calibrated = WANDA_EN | WANDA | M_WANDA
    expected = {f"collect_statistics tiny-llama 0 {language}" for language in ("de", "en")}
    expected |= masks(calibrated) | evaluations(calibrated)
    assert project.jobs() == expected | tables(*ALL_TABLES) | figures()


def test_new_sparsity_of_one_method_adds_one_mask(project: Workflow):
    with project.edit_config() as config:
        config["methods"]["wanda"]["sparsities"] = [0.25, 0.5, 0.75]
    expected = masks({"wanda 0.75"}) | evaluations({"wanda 0.75"})
    assert project.jobs() == expected | tables("perplexity", "allocation") | figures()


def test_dropped_method_reruns_tables_and_figures_alone(project: Workflow):
    with project.edit_config() as config:
        del config["methods"]["wanda-en"]
    assert project.jobs() == tables("perplexity", "allocation") | figures()


def test_renamed_language_redraws_what_shows_the_name(project: Workflow):
    with project.edit_config() as config:
        config["languages"]["sw"]["name"] = "Kiswahili"
    assert project.jobs() == tables("perplexity") | figures()


def test_claims_put_back_with_their_old_time_are_judged_again(project: Workflow):
    file = project.folder / "config/claims.yaml"
    old = file.stat().st_mtime_ns - 10**12
    project.replace("config/claims.yaml", "threshold: 1.25", "threshold: 1.5")
    os.utime(file, ns=(old, old))
    expected = {f"tabulate_results {MODEL} claims", "join_tables claims", "write_claims", "all"}
    assert project.jobs() == expected | {"draw_figure claims_forest tiny-llama"}


def test_changed_evaluation_length_reruns_no_mask(project: Workflow):
    with project.edit_config() as config:
        config["evaluation"]["perplexity"]["length"] = 64
    assert project.jobs() == evaluations(PRUNED | DENSE) | tables("perplexity") | figures()


def test_changed_calibration_length_reruns_no_text_and_no_magnitude(project: Workflow):
    with project.edit_config() as config:
        config["calibration"]["length"] = 8
    calibrated = WANDA_EN | WANDA | M_WANDA
    expected = statistics("de", "en") | masks(calibrated) | evaluations(calibrated)
    assert project.jobs() == expected | tables(*ALL_TABLES) | figures()
    assert not expected & (masks(MAGNITUDE) | evaluations(DENSE))


def test_changed_weights_rerun_everything_but_texts(project: Workflow):
    tiny.write_llama(project.folder / "inputs/model", seed=1)
    assert project.jobs() == everything() - corpora("de", "en", "sw")


def test_jobs_leave_no_bytecode(finished):
    # On a full disk it would be cut off, and no later job could import it.
    assert not (finished.folder / "scripts/multiprune/pruning/__pycache__").exists()
