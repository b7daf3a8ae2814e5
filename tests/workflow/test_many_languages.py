"""Many calibration languages: subsets share statistics, and one more language costs its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
import yaml
from patience import patience
from workflow.expected import (
    DENSE,
    M_WANDA,
    MODEL,
    PRUNED,
    WANDA,
    corpora,
    evaluations,
    masks,
    statistics,
)
from workflow.formulas import counts
from workflow.running import Outcome, Workflow

from multiprune.experiment import subsets
from multiprune.export.checkpoint import pruning_metadata
from multiprune.files.json import read_json
from multiprune.pruning.files import mask_hash

OVERLAY = "tiny_languages.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
RUN = f"results/tiny/{MODEL}/seed0"
POOL = ("de", "en", "fi", "kk", "ru", "tr")
UNSEEN = ("fr", "sw", "uk")
NEW = {"hu": {"corpus": "words", "role": "calibration", "script": "Latn", "family": "urj"}}
# Size and seed of each sample. By sha256sum of `0 de` and so on, of the pool: de, fi, kk, tr, en,
# ru under seed 0, and kk, ru, en, fi, de, tr under seed 1.
SAMPLES = {
    "wanda-2-s0 0.5": (2, 0),
    "wanda-2-s1 0.5": (2, 1),
    "wanda-4-s0 0.5": (4, 0),
    "m-wanda-2-s0 0.5": (2, 0),
}
TAKEN = {
    "wanda-2-s0 0.5": {"de", "fi"},
    "wanda-2-s1 0.5": {"kk", "ru"},
    "wanda-4-s0 0.5": {"de", "fi", "kk", "tr"},
    "m-wanda-2-s0 0.5": {"de", "fi"},
    "wanda-largest-2 0.5": {"en", "ru"},
}
GREEDY = {"wanda-greedy-2 0.5"}
WHOLE = {"wanda-equal 0.5", "wanda-shares 0.5"}
SUBSETS = {*TAKEN} | GREEDY
ADDED = SUBSETS | WHOLE
FIGURES = (
    "languages_needed",
    "choice_of_languages",
    "ratio_by_family",
    "ratio_against_dense",
    "language_structure",
    "scaling_cost",
    "claims_forest",
)
OWN_TABLES = ("scaling", "structure", "scaling_cost")
ALL_TABLES = ("perplexity", "summary", "allocation", "claims", *OWN_TABLES)
ORDER = {f"rank_languages {MODEL} 0"}


def outputs() -> set[str]:
    """All tables, what is written of claims, and all figures."""
    made = {f"tabulate_results {MODEL} {table}" for table in ALL_TABLES}
    made |= {"write_claims", "write_findings"}
    made |= {f"join_tables {table}" for table in ALL_TABLES}
    return made | {f"draw_figure {figure} {MODEL}" for figure in FIGURES} | {"all"}


def everything() -> set[str]:
    """The experiment from nothing: statistics of each calibration language, and of no subset."""
    return (
        {f"fetch_model {MODEL}"}
        | corpora(*POOL, *UNSEEN)
        | statistics(*POOL)
        | ORDER
        | masks(PRUNED | ADDED)
        | evaluations(PRUNED | ADDED | DENSE)
        | outputs()
    )


def overlaid(workflow: Workflow) -> Workflow:
    """The overlay beside the config, and the texts of its languages."""
    workflow.add_overlay(OVERLAY)
    tiny.write_texts(workflow.folder / "inputs/texts", list(tiny.FURTHER_WORDS))
    return workflow


def states(workflow: Workflow, kind: str) -> dict[str, tuple[int, bytes]]:
    """Time and content of the files of a kind, by path below its folder."""
    folder = workflow.folder / RUN / kind
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*.safetensors")
    }


def mask(workflow: Workflow, name: str) -> Path:
    return workflow.folder / RUN / "masks" / f"{name.replace(' ', '/')}.safetensors"


def languages_of(workflow: Workflow, name: str) -> set[str]:
    """Languages that a mask calibrates on: those that it took, or whose statistics it had."""
    metadata = pruning_metadata(mask(workflow, name))
    files = {Path(file).stem for file in metadata["inputs"] if file.endswith(".safetensors")}
    return set(metadata.get("taken", files))


def table(workflow: Workflow, name: str) -> pd.DataFrame:
    path = workflow.folder / f"results/tiny/tables/{name}.csv"
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


# From nothing ------------------------------------------------------------------------------------


def test_each_language_has_one_job_of_statistics_however_many_subsets(fresh: Workflow):
    workflow = overlaid(fresh)
    assert workflow.jobs(*CONFIG, config=False) == everything()
    further = {f"wanda-{size}-s{seed}": (size, seed) for size in (1, 3, 5) for seed in (0, 1, 2)}
    with workflow.edit_config(OVERLAY) as overlay:
        for name, (size, seed) in further.items():
            choice = {"sample": size, "seed": seed}
            overlay["methods"][name] = {"score": "wanda", "calibration": choice}
        overlay["methods"]["wanda-greedy-5"] = {"score": "wanda", "calibration": {"greedy": 5}}
    names = {f"{name} 0.5" for name in (*further, "wanda-greedy-5")}
    expected = everything() | masks(names) | evaluations(names)
    assert workflow.jobs(*CONFIG, config=False) == expected


def test_reordered_overlay_asks_for_the_same_files(fresh: Workflow):
    workflow = overlaid(fresh)
    commands = workflow.run("--dry-run", "--printshellcmds", *CONFIG, config=False)
    before = sorted(commands.lines_with("prune_model.py"))
    assert len(before) == len(PRUNED | ADDED)
    with workflow.edit_config(OVERLAY) as overlay:
        for key in ("languages", "methods"):
            overlay[key] = dict(reversed(overlay[key].items()))
    commands = workflow.run("--dry-run", "--printshellcmds", *CONFIG, config=False)
    assert sorted(commands.lines_with("prune_model.py")) == before


def test_the_plan_of_the_experiment_hundred_by_arithmetic(fresh: Workflow):
    jobs = fresh.jobs("--configfile", "config/hundred.yaml", config=False)
    # Two whole methods, three weightings; six sizes of Wanda and three of M-Wanda in three draws;
    # three sizes, greedy and largest.
    methods = 2 + 3 + (6 + 3) * 3 + 3 * 2
    assert counts(jobs) == {
        "fetch_model": 1, "download_package": 1, "fetch_corpus": 140,
        "sample_calibration": 100, "collect_statistics": 100, "rank_languages": 1,
        "prune_model": methods, "evaluate_perplexity": methods + 1,
        "tabulate_results": 7, "write_claims": 1, "write_findings": 1, "join_tables": 7,
        "draw_figure": 7, "all": 1,
    }  # fmt: skip


# After a run -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def before(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment, with the overlay beside its config."""
    return overlaid(finished.copy(tmp_path_factory.mktemp("languages") / "project"))


@pytest.fixture(scope="module")
def done(before: Workflow) -> Workflow:
    """The experiment with its six languages. Tests read it and never change it."""
    outcome = before.run("--show-failed-logs", *CONFIG, config=False, timeout=patience(2700))
    assert outcome.code == 0, outcome.text
    return before


def test_the_same_command_again_has_nothing_to_do(done: Workflow):
    assert done.jobs(*CONFIG, config=False) == set()
    assert done.unfinished() == []


def test_a_lost_order_is_made_again(done: Workflow, tmp_path: Path):
    workflow = done.copy(tmp_path / "project")
    (workflow.folder / RUN / "statistics/order.json").unlink()
    assert workflow.jobs("tables", *CONFIG, config=False) >= ORDER


def test_an_audit_knows_the_order_and_the_tables(done: Workflow):
    outcome = done.run("audit", *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    assert outcome.lines_with("audit: 0 damaged or made from other files")
    assert not outcome.lines_with("order.json")


def test_masks_are_made_from_the_languages_of_their_subset(done: Workflow):
    for name, languages in TAKEN.items():
        assert languages_of(done, name) == languages
    order = read_json(done.folder / RUN / "statistics/order.json")["languages"]
    assert sorted(order) == sorted(POOL)
    assert languages_of(done, "wanda-greedy-2 0.5") == set(order[:2])
    for name in WHOLE | WANDA | M_WANDA:
        assert languages_of(done, name) == set(POOL)
    hashes = {name: mask_hash(mask(done, name)) for name in ADDED | PRUNED}
    # Every language has four windows of 16 tokens, so that equal shares are those of the tokens.
    assert hashes["wanda-equal 0.5"] == hashes.pop("wanda 0.5")
    assert len(set(hashes.values())) == len(hashes)


def test_the_card_of_a_greedy_choice_names_the_languages_that_it_took(
    done: Workflow, tmp_path: Path
):
    workflow = done.copy(tmp_path / "project")
    folder = f"{RUN}/export/wanda-greedy-2/0.5"
    outcome = workflow.run(f"{folder}/manifest.json", *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    header = (workflow.folder / folder / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    taken = yaml.safe_load(header)["pruning"]["calibration"]
    assert taken == sorted(languages_of(done, "wanda-greedy-2 0.5"))
    assert len(taken) == 2


POINTS = {
    "m-wanda": [("all", 6), ("random", 2)],
    "wanda": [("all", 6), ("greedy", 2), ("largest", 2), ("random", 2), ("random", 4)],
    "wanda-equal": [("all", 6)],
    "wanda-shares": [("all", 6)],
}


def test_the_scaling_table_has_every_point_of_every_curve(done: Workflow):
    scaling = table(done, "scaling")
    own = scaling[scaling["sparsity"] == 0.5]
    found = {
        curve: sorted({*zip(rows["choice"], rows["size"], strict=True)})
        for curve, rows in own.groupby("curve")
    }
    assert found == POINTS
    assert len(own) == 9 * 3
    assert set(scaling[scaling["sparsity"] == 0.25]["curve"]) == {"wanda"}
    sizes = own.groupby("language_set")["languages"].unique().map(list).to_dict()
    assert sizes == {"calibration": [6], "unseen-language": [2], "unseen-family": [1]}
    draws = own.set_index(["curve", "choice", "size", "language_set"])["draws"]
    assert draws["wanda", "random", 2, "unseen-family"] == 2
    assert draws["wanda", "random", 4, "unseen-family"] == 1


def test_a_point_of_two_draws_is_their_geometric_mean(done: Workflow):
    def logs(method: str) -> np.ndarray:
        folder = done.folder / RUN / "perplexity" / method
        return np.log([read_json(folder / f"{name}.json")["perplexity"] for name in POOL])

    ratios = [logs(f"wanda-2-s{seed}/0.5") - logs("dense/0") for seed in (0, 1)]
    scaling = table(done, "scaling").query(
        "curve == 'wanda' and choice == 'random' and size == 2 and language_set == 'calibration'"
    )
    assert len(scaling) == 1
    found = scaling.iloc[0]
    assert found["ratio_to_dense"] == pytest.approx(np.exp(np.mean(ratios)), rel=1e-9)
    assert found["worst_high"] == pytest.approx(np.exp(np.max(ratios)), rel=1e-9)
    assert found["ci_low"] < found["ratio_to_dense"] < found["ci_high"]


def test_the_tables_of_structure_and_of_cost(done: Workflow):
    structure = table(done, "structure")
    # Two blocks are the first two thirds; six languages have fifteen pairs.
    counts = structure["depth"].value_counts().to_dict()
    assert counts == dict.fromkeys(("all", "early", "middle"), 15)
    assert structure["correlation"].between(-1, 1).all()
    cost = table(done, "scaling_cost")
    collected = cost[cost["step"] == "statistics"]
    assert collected["languages"].tolist() == [1, 2, 3, 4, 5, 6]
    assert collected["megabytes"].is_monotonic_increasing
    pruned = cost[cost["step"] == "mask"]
    named = SUBSETS | WHOLE | WANDA | M_WANDA
    assert sorted(pruned["method"]) == sorted(name.split()[0] for name in named)
    assert (cost["seconds"] > 0).all()


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_drawn_and_has_a_caption(done: Workflow, figure: str):
    results = done.folder / "results/tiny"
    drawn = results / f"figures/{figure}-{MODEL}"
    assert drawn.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert drawn.with_suffix(".png").stat().st_size > 5000
    caption = (results / f"captions/{figure}-{MODEL}.rst").read_text(encoding="utf-8")
    assert len(caption.split()) > 20


# One more language -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grown(done: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The same with a seventh calibration language, which few people speak, in its config."""
    workflow = done.copy(tmp_path_factory.mktemp("grown") / "project")
    with workflow.edit_config(OVERLAY) as overlay:
        overlay["languages"]["hu"] = NEW["hu"] | {"name": "Hungarian", "speakers": 12}
    return workflow


@pytest.fixture(scope="module")
def planned(grown: Workflow) -> set[str]:
    return grown.jobs(*CONFIG, config=False)


@pytest.fixture(scope="module")
def outcome(grown: Workflow, planned: set[str]) -> Outcome:
    """The run with the new language, after it was planned."""
    return grown.run("--show-failed-logs", *CONFIG, config=False, timeout=patience(2700))


def joined() -> set[str]:
    """Masks of the samples that the new language comes into."""
    return {
        name
        for name, (size, seed) in SAMPLES.items()
        if subsets.sample(POOL, size, seed) != subsets.sample([*POOL, *NEW], size, seed)
    }


def changed_masks() -> set[str]:
    """Those of the whole pool, those of an order, which ranks the whole pool, and some samples."""
    return joined() | WANDA | M_WANDA | WHOLE | GREEDY


def test_the_new_language_comes_into_one_sample():
    # `0 hu` hashes between `0 kk` and `0 tr`, and `1 hu` behind all others.
    assert joined() == {"wanda-4-s0 0.5"}


def test_a_new_calibration_language_costs_itself_and_what_reads_it(planned: set[str]):
    expected = corpora("hu") | statistics("hu") | ORDER | masks(changed_masks())
    assert planned == expected | evaluations(PRUNED | ADDED | DENSE) | outputs()


def test_all_other_statistics_and_masks_stay_as_they_were(
    grown: Workflow, done: Workflow, outcome: Outcome
):
    """To the byte and the time: no job has touched them."""
    assert outcome.code == 0, outcome.text
    for kind in ("calibration", "statistics"):
        old, new = states(done, kind), states(grown, kind)
        assert len(old) == len(POOL)
        assert new.keys() - old.keys() == {"hu.safetensors"}
        assert {path: new[path] for path in old} == old
    old, new = states(done, "masks"), states(grown, "masks")
    assert old.keys() == new.keys()
    assert len(old) == len(PRUNED | ADDED)
    changed = {f"{name.replace(' ', '/')}.safetensors" for name in changed_masks()}
    unchanged = old.keys() - changed
    assert len(unchanged) == 6  # magnitude, wanda-en, three samples and the largest
    assert {path: new[path] for path in unchanged} == {path: old[path] for path in unchanged}
    for path in changed:
        assert new[path][0] > old[path][0]


def test_the_changed_masks_are_of_the_new_language_too(
    grown: Workflow, done: Workflow, outcome: Outcome
):
    for name in changed_masks() - GREEDY:
        assert "hu" in languages_of(grown, name)
        assert mask_hash(mask(grown, name)) != mask_hash(mask(done, name))
    assert languages_of(grown, "wanda-4-s0 0.5") == {"de", "fi", "kk", "hu"}
    order = read_json(grown.folder / RUN / "statistics/order.json")["languages"]
    assert sorted(order) == sorted((*POOL, "hu"))
    assert languages_of(grown, "wanda-greedy-2 0.5") == set(order[:2])


def test_records_of_masks_that_stayed_stay_and_gain_the_language(
    grown: Workflow, done: Workflow, outcome: Outcome
):
    for name in (SUBSETS - joined() - GREEDY) | DENSE | {"magnitude 0.5", "wanda-en 0.5"}:
        folder = f"{RUN}/perplexity/{name.replace(' ', '/')}"
        old, new = done.files(folder), grown.files(folder)
        assert new.keys() - old.keys() == {"hu.json"}
        assert {path: new[path] for path in old} == old


def test_tables_count_the_new_language(grown: Workflow, outcome: Outcome):
    scaling = table(grown, "scaling").query("sparsity == 0.5")
    whole = scaling[scaling["choice"] == "all"]
    assert set(whole["size"]) == {7}
    pool = scaling[scaling["language_set"] == "calibration"]
    assert set(pool["languages"]) == {7}
    assert len(table(grown, "structure")) == 3 * 21


def test_nothing_is_left_to_do(grown: Workflow, outcome: Outcome):
    assert grown.jobs(*CONFIG, config=False) == set()
    assert grown.unfinished() == []
