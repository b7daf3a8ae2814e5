"""Tables with a method that is pruned for each of two languages, with numbers by hand."""

import math

import pytest

from multiprune.evaluation.downstream_runs import Run
from multiprune.files.json import write_json
from multiprune.tables import allocation, consistency, downstream, perplexity, summary
from unit.tables import downstream_data, perplexity_data
from unit.tables.perplexity_data import METHODS, row, write_records
from unit.tables.test_consistency import IDS, likelihoods

MEMBERS = {"en": "own-en", "sw": "own-sw"}
SEEDS = [0, 1]
RUN = {"sparsities": ["0.5"], "seeds": SEEDS}
OWN = {
    "own": RUN | {"calibration": ["en", "sw-en"], "members": MEMBERS},
    "own-en": RUN | {"calibration": ["en"], "member_of": "own"},
    "own-sw": RUN | {"calibration": ["sw-en"], "member_of": "own"},
}
LOSS = {"en": (2.3, 2.5), "sw": (4.6, 4.6)}  # seed 0, seed 1


@pytest.fixture
def grid():
    return perplexity_data.grid_of(methods=METHODS | OWN)


@pytest.fixture
def results(tmp_path):
    """What members have: a record each, in their own language."""
    write_records(tmp_path)
    for language, member in MEMBERS.items():
        for seed in SEEDS:
            loss = LOSS[language][seed]
            perplexity_data.write_record(tmp_path, member, "0.5", seed, language, loss)
    return tmp_path


def test_perplexity_has_the_whole_in_its_languages_and_no_member(results, grid):
    table = perplexity.tabulate(results, "m", grid)
    assert set(table["method"]) == {"dense", "magnitude", "owl", "wanda", "own"}
    own = table[table["method"] == "own"]
    assert sorted(zip(own["seed"], own["language"], strict=True)) == [
        (0, "en"), (0, "sw"), (1, "en"), (1, "sw"),
    ]  # fmt: skip
    found = row(own, seed=1, language="en")
    assert found["perplexity"] == pytest.approx(math.exp(2.5))
    assert found["ratio_to_dense"] == pytest.approx(math.exp(0.5))
    assert found["ratio_to_baseline"] == pytest.approx(math.exp(-0.2))
    assert set(own["calibrated_on"]) == {"yes"}


def test_other_rows_are_those_without_it(results, grid):
    with_it, without = (
        perplexity.tabulate(results, "m", one) for one in (grid, perplexity_data.grid_of())
    )
    others = with_it[with_it["method"] != "own"].reset_index(drop=True)
    assert others.equals(without)


def test_summary_has_a_mean_over_its_own_languages_alone(results, grid):
    table = summary.tabulate(results, "m", grid)
    found = row(table, method="own")
    assert (found["language_set"], found["languages"], found["seeds"]) == ("own", 2, 2)
    # own: (2.3 + 2.5 + 4.6 + 4.6) / 4; dense: (2 + 4) / 2; wanda: (2.5 + 2.7 + 5.0 + 5.2) / 4
    assert found["perplexity"] == pytest.approx(math.exp(3.5))
    assert found["ratio_to_dense"] == pytest.approx(math.exp(0.5))
    assert found["ratio_to_baseline"] == pytest.approx(math.exp(3.5 - 3.85))
    assert (found["worst_language"], found["worst_ratio"]) == ("sw", pytest.approx(math.exp(0.6)))
    assert "own" not in set(table.loc[table["method"] != "own", "language_set"])


def test_a_language_that_the_tokenizer_hardly_knows_is_left_out_of_its_mean(results):
    for method, settings in METHODS.items():
        for sparsity in settings["sparsities"]:
            for seed in settings["seeds"]:
                loss = perplexity_data.loss_of(method, seed, "sw")
                perplexity_data.write_record(results, method, sparsity, seed, "sw", loss, unknown=6)
    grid = perplexity_data.grid_of(methods=METHODS | OWN, most_unknown_tokens=0.1)
    found = row(summary.tabulate(results, "m", grid), method="own")
    assert found["languages"] == 1
    assert found["perplexity"] == pytest.approx(math.exp(2.4))


def test_masks_are_those_of_members(tmp_path, grid):
    block = {"block": 0, "parameters": 4, "target": 0.5, "importance": None, "sparsity": 0.5}
    for method, sparsity, seed in grid.pruned():
        write_json(tmp_path / f"m/seed{seed}/masks/{method}/{sparsity}.json", {"blocks": [block]})
    table = allocation.tabulate(tmp_path, "m", grid)
    assert set(table["method"]) == {"magnitude", "owl", "wanda", "own-en", "own-sw"}


# Downstream --------------------------------------------------------------------------------------


@pytest.fixture
def answered():
    """One task in en, fr and sw; the whole has fr and sw, the reference is en."""
    members = {"fr": "own-fr", "sw": "own-sw"}
    grid = downstream_data.grid_of({"xnli": ["en", "fr", "sw"]}, ["wanda", "own"])
    settings = grid.downstream["methods"]["own"] | {"calibration": ["fr", "sw"]}
    grid.methods["own"] |= {"members": members}
    for language, member in members.items():
        grid.methods[member] = settings | {"calibration": [language], "member_of": "own"}
    return grid


def write(results, run, language, *rankings, correct=(1, 1, 1)):
    content = downstream_data.record_of(
        {"acc": list(correct)}, IDS, [0] * 3, likelihoods(*rankings), 1 / 3
    )
    downstream_data.write_record(results, run, "xnli", language, content)


@pytest.fixture
def answers(tmp_path):
    for language in ("en", "fr", "sw"):
        write(tmp_path, Run("dense", "0", 0), language, "abc", "abc", "abc")
        write(tmp_path, Run("wanda", "0.5", 0), language, "abc", "abc", "abc", correct=(1, 0, 0))
    french, swahili = Run("own-fr", "0.5", 0), Run("own-sw", "0.5", 0)
    write(tmp_path, french, "fr", "abc", "abc", "cba", correct=(1, 1, 0))
    write(tmp_path, french, "en", "abc", "abc", "cba")
    write(tmp_path, swahili, "sw", "bac", "abc", "abc", correct=(0, 1, 1))
    write(tmp_path, swahili, "en", "abc", "abc", "abc")
    return tmp_path


def test_downstream_has_the_whole_in_its_languages(answers, answered):
    table = downstream.tabulate(answers, "m", answered)
    own = table[table["method"] == "own"]
    assert list(own["language"]) == ["fr", "sw"]
    assert list(own["score"]) == pytest.approx([2 / 3, 2 / 3])
    assert list(own["difference_to_baseline"]) == pytest.approx([1 / 3, 1 / 3])
    assert set(own["calibrated_on"]) == {"yes"}
    assert not set(table["method"]) & {"own-fr", "own-sw"}


def test_consistency_is_with_the_reference_under_the_same_member(answers, answered):
    table = consistency.tabulate(answers, "m", answered)
    own = table[table["method"] == "own"].set_index("language")["rankc"]
    assert own["fr"] == pytest.approx(1)  # as its own model ranks English, unlike that of Swahili
    # bac, abc: none of 1 first choice is common, 2 of 2 and 3 of 3 are; weights softmax(2, 1, 0)
    swapped = (math.e + 1) / (math.e**2 + math.e + 1)
    assert own["sw"] == pytest.approx((swapped + 2) / 3)
