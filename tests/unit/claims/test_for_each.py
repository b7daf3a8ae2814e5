"""Claims about methods that are pruned for each of some languages, with numbers by hand."""

import math

import pytest

from multiprune.experiment.grid import Grid
from multiprune.files.json import read_json, write_json
from unit.claims.small_records import TOKENS, claim_of, grid_of, judged, measured, write_downstream
from unit.claims.small_records import write_perplexity as write_others

RUN = {"seeds": [0, 1], "sparsities": ["0.5"]}
PAIRED = {"de": "paired-de", "fr": "paired-fr", "sw": "paired-sw"}
ALONE = {"en": "alone-en", "fr": "alone-fr", "sw": "alone-sw"}
# Nats a token, of wanda 2.75.
LOSS = {
    "paired": {"de": 9.0, "fr": 2.55, "sw": 2.35}, "alone": {"en": 9.0, "fr": 2.65, "sw": 2.65},
}  # fmt: skip
OF_ONE = {"constants": "published", "off": [], "languages": 2, "tokens": 4096, "at_most": True}
PERPLEXITY = {
    "kind": "perplexity_ratio", "method": "paired", "reference": "alone",
}  # fmt: skip


@pytest.fixture
def grid() -> Grid:
    """The small grid with paired in de, fr and sw, and alone in en, fr and sw."""
    grid = grid_of()
    grid.downstream["methods"] = grid.methods | {"paired": RUN, "alone": RUN}
    for name, members in (("paired", PAIRED), ("alone", ALONE)):
        grid.methods[name] = RUN | {"calibration": sorted(members), "members": members}
        for language, member in members.items():
            grid.methods[member] = RUN | {"calibration": [language], "member_of": name}
        grid.facts[name] = OF_ONE
    grid.facts["wanda"] = OF_ONE | {"languages": 6, "tokens": 6144, "at_most": False}
    return grid


@pytest.fixture
def results(tmp_path, grid):
    write_others(tmp_path, grid_of())
    for name, members in (("paired", PAIRED), ("alone", ALONE)):
        for language, member in members.items():
            content = {
                "split": "test", "length": 20, "bits_per_byte": 1.0, "unknown_tokens": 0,
                "window_nll": [LOSS[name][language] * count for count in TOKENS],
                "window_tokens": TOKENS,
            }  # fmt: skip
            for seed in (0, 1):
                folder = tmp_path / f"m/seed{seed}/perplexity/{member}/0.5"
                write_json(folder / f"{language}.json", content)
    return tmp_path


def test_two_of_them_are_compared_in_the_languages_that_both_have(results, grid):
    row = judged(results, grid, claim_of(results, measurement=PERPLEXITY))
    # fr: 2.55 - 2.65, sw: 2.35 - 2.65; de and en have one side only
    assert row["estimate"] == pytest.approx(math.exp(-(0.1 + 0.3) / 2))
    assert (row["languages"], row["languages_hold"], row["verdict"]) == (2, 2, "points for")
    assert row["budgets"] == ""  # the same on both sides


def test_with_a_method_of_all_languages_in_its_own(results, grid):
    to_wanda = PERPLEXITY | {"reference": "wanda"}
    scope = {"sparsity": 0.5, "languages": "unseen"}
    row = judged(results, grid, claim_of(results, measurement=to_wanda, scope=scope))
    assert row["estimate"] == pytest.approx(math.exp(2.35 - 2.75))
    assert row["languages"] == 1
    assert row["budgets"] == (
        "paired: 2 languages, at most 4,096 tokens for each model; wanda: 6 languages, 6,144 tokens"
    )


def test_without_a_language_in_common_it_is_not_measured(results, grid):
    for name, language in (("paired", "de"), ("alone", "en")):
        members = grid.methods[name]["members"]
        grid.methods[name]["members"] = {language: members[language]}
    row = judged(results, grid, claim_of(results, measurement=PERPLEXITY))
    assert row["verdict"] == "not measured"
    assert row["reason"] == "paired and alone have no language of the scope in common"


def test_fewer_than_three_common_languages_are_no_sample(results, grid):
    sample = {"kind": "language_ratio", "method": "paired", "reference": "alone"}
    row = judged(results, grid, claim_of(results, measurement=sample))
    assert row["reason"] == "fewer than three languages: fr, sw"
    three = judged(results, grid, claim_of(results, measurement=sample | {"reference": "wanda"}))
    mean = (9.0 + 2.55 + 2.35) / 3 - 2.75
    assert three["estimate"] == pytest.approx(math.exp(mean))


def test_a_member_can_be_asked_of_by_name_in_its_language(results, grid):
    own = PERPLEXITY | {"method": "paired-fr", "reference": "wanda"}
    row = judged(results, grid, claim_of(results, measurement=own))
    assert row["estimate"] == pytest.approx(math.exp(2.55 - 2.75))
    assert row["languages"] == 1


def test_accuracies_are_those_of_the_model_of_the_language(results, grid):
    write_answers(results, grid)
    accuracy = measured("accuracy_difference", method="paired", tasks=["parallel_cloze"])
    scope = {"sparsity": 0.5, "languages": "non-reference"}
    claim = claim_of(results, measurement=accuracy, threshold=0, direction="above", scope=scope)
    row = judged(results, grid, claim)
    # paired is right in 3 of 5 items in fr and in 4 in sw; wanda in 2
    assert row["estimate"] == pytest.approx((1 + 2) / 2 / 5)
    assert row["languages"] == 2


def test_consistency_is_with_the_reference_under_the_same_model(results, grid):
    write_answers(results, grid)
    rankc = measured("consistency_difference", method="paired", reference="new")
    claim = claim_of(
        results, measurement=rankc, threshold=-0.1, direction="above",
        scope={"sparsity": 0.5, "languages": "non-reference"},
    )  # fmt: skip
    row = judged(results, grid, claim)
    # new ranks all languages alike; so does each model of paired its own and English
    assert row["estimate"] == pytest.approx(0)
    assert row["languages"] == 2


def write_answers(results, grid):
    """The models of fr and sw answer in their language and, ranking alike, in English."""
    write_downstream(results, grid_of())
    folder = results / "m/seed0/downstream/new/0.5/parallel_cloze"
    right = {"fr": [1, 1, 1, 0, 0], "sw": [1, 1, 1, 1, 0]}
    rankings = {"fr": [3, 2, 1], "sw": [2, 3, 1]}  # unlike each other's and dense's
    for code, marks in right.items():
        for language in (code, "en"):
            content = read_json(folder / f"{language}.json")
            content["samples"]["correct"]["acc"] = marks
            content["metrics"]["acc"]["score"] = sum(marks) / 5
            content["samples"]["log_likelihoods"] = [rankings[code]] * 5
            for seed in (0, 1):
                path = f"m/seed{seed}/downstream/paired-{code}/0.5/parallel_cloze/{language}.json"
                write_json(results / path, content)


def test_costs_of_several_models_are_not_those_of_one(results, grid):
    cost = measured("cost_ratio", method="paired", resource="seconds")
    row = judged(results, grid, claim_of(results, measurement=cost, threshold=1.05, scope={}))
    assert row["verdict"] == "not measured"
    assert row["reason"] == "paired is a model for each language, with masks of their own cost"
