"""Claims: reading the file, measuring from records, verdicts by hand and on simulated data."""

import json
import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from multiprune.claims.definitions import VERDICTS
from multiprune.claims.measurements import Measurements
from multiprune.claims.reading import read_claims
from multiprune.claims.verdicts import Units, decide, judge_cells
from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.json import read_json, write_json
from multiprune.uncertainty.seeds_and_items import Cell
from unit.claims.judged import verdict_on

CLAIMS = Path(__file__).parents[3] / "config" / "claims.yaml"
ENTRY = {
    "paper": "m-wanda", "statement": "It helps.", "source": "abstract",
    "measurement": {"kind": "perplexity_ratio", "method": "new", "reference": "wanda"},
    "threshold": 1, "threshold_note": "any gain", "direction": "below",
    "scope": {"sparsity": 0.5}, "paper_source": "not read",
}  # fmt: skip
LANGUAGES = ("de", "en", "fr", "sw")


def claims_of(folder, **entries):
    path = folder / "claims.yaml"
    path.write_text(yaml.safe_dump({"claims": entries}))
    return read_claims(path)


def claim_of(folder, **changes):
    return claims_of(folder, it=ENTRY | changes)[0]


def measured(kind, **options):
    return {"kind": kind, "method": "new", "reference": "wanda"} | options


def grid_of(downstream=True, seeds=(0, 1)) -> Grid:
    run = {"seeds": list(seeds), "sparsities": ["0.3", "0.5"], "calibration": ["en", "fr"]}
    dense = {"seeds": [0], "sparsities": ["0"], "calibration": []}
    methods = {"dense": dense, "wanda": run, "new": run}
    tasks = {
        "parallel_cloze": {"languages": ["en", "fr", "sw"], "missing": {}},
        "lambada": {"languages": ["en", "fr"], "missing": {}},
    }
    content = {
        "seeds": list(seeds), "baseline": "wanda", "methods": methods, "split": "test",
        "length": 20, "resampling": {"draws": 300, "confidence": 0.95},
        "languages": {
            name: {"role": "unseen" if name == "sw" else "calibration"} for name in LANGUAGES
        },
        "downstream": {"reference": "en", "methods": methods, "tasks": tasks} if downstream else {},
    }  # fmt: skip
    return Grid.of(deepcopy(content))


LOSS = {"dense": 2.0, "wanda": 2.5, "new": 2.4}  # nats per token
TOKENS = [10, 10, 20, 5]


def write_perplexity(results, grid, windows=TOKENS):
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                for language in LANGUAGES:
                    better = 0.1 if (method, language) == ("new", "sw") else 0
                    loss = LOSS[method] - better + 0.5 * float(sparsity)
                    content = {
                        "split": "test", "length": 20, "bits_per_byte": 1.0, "unknown_tokens": 0,
                        "window_nll": [loss * count for count in windows],
                        "window_tokens": windows,
                    }  # fmt: skip
                    folder = results / f"m/seed{seed}/perplexity/{method}/{sparsity}"
                    write_json(folder / f"{language}.json", content)


RIGHT = {"dense": [1, 1, 1, 1, 0], "wanda": [1, 0, 0, 1, 0], "new": [1, 1, 0, 1, 0]}
# ranks of three choices in en, and in the others: wanda turns them round
ORDER = {"dense": (1, 2, 3), "wanda": (3, 2, 1), "new": (1, 2, 3)}


def write_downstream(results, grid):
    for method, settings in grid.methods.items():
        for seed in settings["seeds"]:
            for sparsity in settings["sparsities"]:
                for task, entry in grid.downstream["tasks"].items():
                    for language in entry["languages"]:
                        likelihoods = [(1, 2, 3) if language == "en" else ORDER[method]] * 5
                        content = {
                            "chance": None, "truncated": 0,
                            "metrics": {"acc": {"score": np.mean(RIGHT[method]), "stderr": 0.1}},
                            "samples": {
                                "id": ["a", "b", "c", "d", "e"], "target": [0] * 5,
                                "correct": {"acc": RIGHT[method]},
                                "log_likelihoods": None if task == "lambada" else likelihoods,
                            },
                        }  # fmt: skip
                        folder = results / f"m/seed{seed}/downstream/{method}/{sparsity}/{task}"
                        write_json(folder / f"{language}.json", content)


def write_benchmarks(results, grid, seconds=None, memory=100.0, rules=None):
    for method in ("wanda", "new"):
        rule = (rules or {}).get(method, "prune_model")
        for seed in grid.seeds:
            for sparsity in grid.methods[method]["sparsities"]:
                cost = (seconds or {"wanda": 10.0, "new": 16.0})[method]
                path = results / f"benchmarks/{rule}/m/seed{seed}/{method}/{sparsity}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"s": cost, "max_rss": 50.0}) + "\n")
            for language in grid.methods[method]["calibration"]:
                path = results / f"benchmarks/collect_statistics/m/seed{seed}/{language}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps({"s": 25.0, "max_rss": memory}) + "\n")


def judged(results, grid, claim) -> pd.Series:
    return verdict_on(claim, Measurements(results, "m", grid))


def test_the_projects_claims_are_valid_and_say_what_is_second_hand():
    claims = {claim.key: claim for claim in read_claims(CLAIMS)}
    first = {key for key, claim in claims.items() if not claim.second_hand}
    assert first == {
        "sparsity-harms", "m-wanda-improves", "m-wanda-time", "m-wanda-memory",
        "bilingual-accuracy", "bilingual-perplexity",
    }  # fmt: skip
    assert claims["m-wanda-improves"].each == "language"
    assert {claim.paper_value for claim in claims.values()} == {"unverified"}
    assert claims["bilingual-accuracy"].languages == "non-reference"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshhold": 1}, r"claims\.it: unknown key 'threshhold'.*did you mean 'threshold'"),
        ({"direction": "down"}, r"claims\.it\.direction: unknown value 'down': allowed are above"),
        ({"threshold": "low"}, r"threshold: found 'low', allowed is a value of type number"),
        ({"threshold": 0}, r"threshold: found 0, allowed is > 0 for a ratio"),
        ({"measurement": measured("speed")}, r"measurement\.kind: unknown kind 'speed'"),
        ({"measurement": measured("cost_ratio")}, r"measurement: resource is missing"),
        ({"measurement": {"kind": "cost_ratio"}}, r"measurement: method is missing"),
        ({"scope": {"languages": "some"}}, r"scope\.languages: unknown value 'some'"),
        ({"scope": {"sparsity": 1.5}}, r"scope\.sparsity: found 1\.5, allowed is"),
        ({"each": "sparsity"}, r"each: found sparsity, allowed only for perplexity_ratio without"),
        (
            {"measurement": measured("accuracy_difference"), "scope": {}},
            r"scope\.sparsity: is missing",
        ),
        (
            {"measurement": measured("cost_ratio", resource="seconds"), "each": "language"},
            r"each: found language, but a cost has no languages",
        ),
    ],
)
def test_a_mistake_in_a_claim_is_one_line_with_the_file(tmp_path, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        claim_of(tmp_path, **changes)
    assert str(caught.value).startswith(f"{tmp_path}/claims.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["=1+1", "](javascript:x)", "-a", "a b", ""])
def test_the_key_of_a_claim_is_a_plain_name(tmp_path, key):
    with pytest.raises(InputError, match=r"claims\.yaml: claims: .*allowed") as caught:
        claims_of(tmp_path, **{key: ENTRY})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["-0.5 as in the paper", "+12.3 points, Table 2", "=1+1", "@a"])
def test_sentences_of_a_claim_may_begin_with_any_mark(tmp_path, text):
    places = ("statement", "source", "threshold_note", "paper_value", "paper_source")
    claim = claim_of(tmp_path, **dict.fromkeys(places, text))
    assert {claim.statement, claim.paper_value, claim.paper_source} == {text}


@pytest.mark.parametrize("place", ["statement", "paper_value"])
@pytest.mark.parametrize("text", ["a\n=1+1", "\t=1", "a\rb"])
def test_sentences_of_a_claim_stand_on_one_line(tmp_path, place, text):
    with pytest.raises(InputError, match=rf"claims\.it\.{place}: .*line break"):
        claim_of(tmp_path, **{place: text})


@pytest.mark.parametrize("text", ["claims: [", "- a", "claims: {}", ""])
def test_a_file_without_claims_is_one_line(tmp_path, text):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"claims\.yaml: .+") as caught:
        read_claims(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        read_claims(tmp_path / "none.yaml")


def test_perplexity_ratio_by_hand(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    row = judged(tmp_path, grid, claim_of(tmp_path))
    # new is 0.1 nats better, in sw 0.2
    assert row["estimate"] == pytest.approx(math.exp(-(0.1 * 3 + 0.2) / 4))
    # windows and seeds agree, so the interval is a point
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((row["estimate"],) * 2)
    assert (row["languages"], row["languages_hold"], row["verdict"]) == (4, 4, "points for")
    unseen = judged(tmp_path, grid, claim_of(tmp_path, scope={"languages": "unseen"}))
    # roles are the config's: de counts as a calibration language, whatever the method saw
    assert unseen["estimate"] == pytest.approx(math.exp(-0.2))
    assert (unseen["languages"], unseen["scope"]) == (1, "unseen languages, every shared sparsity")


def test_dense_has_one_run_for_every_seed_and_sparsity(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    to_dense = {"kind": "perplexity_ratio", "method": "wanda", "reference": "dense"}
    claim = claim_of(tmp_path, measurement=to_dense, direction="above", threshold=1.5)
    row = judged(tmp_path, grid, claim)
    assert row["estimate"] == pytest.approx(math.exp(0.5 + 0.25))
    assert row["verdict"] == "points for"
    far = claim_of(tmp_path, measurement=to_dense, direction="above", threshold=2.5)
    assert judged(tmp_path, grid, far)["verdict"] == "points against"


def test_accuracy_difference_by_hand(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    write_downstream(tmp_path, grid)
    claim = claim_of(
        tmp_path,
        measurement=measured("accuracy_difference", tasks=["parallel_cloze"]),
        threshold=0,
        direction="above",
        scope={"languages": "non-reference", "sparsity": 0.5},
    )
    row = judged(tmp_path, grid, claim)
    assert row["estimate"] == pytest.approx(1 / 5)  # one more of five items, in every language
    assert row["languages"] == 2  # fr and sw
    # t interval of (0, 1, 0, 0, 0), the same items in both languages: 0.2 -+ 2.776 * 0.2
    assert row["ci_high"] == pytest.approx(0.2 + 2.776 * 0.2, abs=0.06)
    assert row["verdict"] == "undecided"


def test_consistency_uses_parallel_tasks_and_their_reference(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    write_downstream(tmp_path, grid)
    claim = claim_of(
        tmp_path,
        measurement=measured("consistency_difference"),
        threshold=0,
        direction="above",
        scope={"sparsity": 0.5},
    )
    row = judged(tmp_path, grid, claim)
    # new ranks as en does: 1. wanda ranks (1, 2, 3) against (3, 2, 1): common shares 0, 1/2, 1
    weights = np.exp([2, 1, 0]) / np.exp([2, 1, 0]).sum()
    assert row["estimate"] == pytest.approx(1 - weights @ [0, 0.5, 1])
    assert (row["languages"], row["languages_hold"], row["verdict"]) == (2, 2, "points for")


def test_cost_counts_the_statistics_and_takes_the_largest_memory(tmp_path):
    grid = grid_of()
    write_benchmarks(tmp_path, grid)
    cost = measured("cost_ratio", resource="seconds")
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, threshold=1.05, scope={}))
    assert row["estimate"] == pytest.approx((16 + 50) / (10 + 50))
    assert row["verdict"] == "points against"
    memory = measured("cost_ratio", resource="memory")
    claim = claim_of(tmp_path, measurement=memory, threshold=1.1, scope={})
    row = judged(tmp_path, grid, claim)
    assert (row["estimate"], row["verdict"]) == (pytest.approx(1), "points for")


@pytest.mark.parametrize("rule", ["prune_sequentially", "prune_with_update"])
@pytest.mark.parametrize(
    ("statistics", "seconds", "memory"), [(["en", "fr"], 16 + 50, 100), ([], 16, 50)]
)
def test_cost_is_that_of_the_rule_that_prunes_and_of_the_statistics_that_it_reads(
    tmp_path, rule, statistics, seconds, memory
):
    grid = grid_of()
    settings = grid.methods["new"] | {"rule": rule, "statistics": statistics}
    grid = replace(grid, methods=grid.methods | {"new": settings})
    write_benchmarks(tmp_path, grid, rules={"new": rule})
    for resource, mine, other in (("seconds", seconds, 10 + 50), ("memory", memory, 100)):
        cost = measured("cost_ratio", resource=resource)
        row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, scope={}))
        assert row["estimate"] == pytest.approx(mine / other)
    (tmp_path / f"benchmarks/{rule}/m/seed1/new/0.3.jsonl").unlink()
    row = judged(tmp_path, grid, claim_of(tmp_path, measurement=cost, scope={}))
    assert row["reason"] == f"no benchmark {rule}/m/seed1/new/0.3.jsonl"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"measurement": measured("perplexity_ratio", method="x")},
            "method x is not in the config",
        ),
        ({"scope": {"sparsity": 0.7}}, "the config has no sparsity 0.7 of new"),
        (
            {
                "measurement": measured("accuracy_difference", tasks=["xnli"]),
                "threshold": 0,
            },
            "task xnli is not in evaluation.downstream.tasks",
        ),
        (
            {"measurement": measured("cost_ratio", resource="seconds"), "scope": {}},
            "no benchmark collect_statistics/m/seed0/en.jsonl",
        ),
    ],
)
def test_what_is_not_there_is_not_measured_with_the_reason(tmp_path, changes, reason):
    row = judged(tmp_path, grid_of(), claim_of(tmp_path, **changes))
    assert (row["verdict"], row["reason"]) == ("not measured", reason)
    assert row[["estimate", "ci_low", "ci_high", "languages"]].isna().all()


def test_without_downstream_tasks_and_with_two_windows_nothing_is_measured(tmp_path):
    grid = grid_of(downstream=False)
    accuracy = claim_of(tmp_path, measurement=measured("accuracy_difference"), threshold=0)
    reason = judged(tmp_path, grid, accuracy)["reason"]
    assert reason == "evaluation.downstream is not in the config"
    scoped = claim_of(tmp_path, scope={"languages": "non-reference", "sparsity": 0.5})
    assert "names the reference" in judged(tmp_path, grid, scoped)["reason"]
    write_perplexity(tmp_path, grid, windows=[10, 20])
    row = judged(tmp_path, grid, claim_of(tmp_path))
    assert row["reason"] == "fewer than three windows in de, en, fr, sw"


def test_the_words_are_hard_from_three_draws_on(tmp_path):
    words = []
    for count in (1, 2, 3):
        grid = grid_of(seeds=tuple(range(count)))
        write_perplexity(tmp_path, grid)
        row = judged(tmp_path, grid, claim_of(tmp_path))
        words.append((row["draws"], row["verdict"]))
    assert words == [(1, "points for"), (2, "points for"), (3, "supported")]


def test_two_runs_are_too_few_for_a_cost(tmp_path):
    grid = grid_of(seeds=(0,))
    write_benchmarks(tmp_path, grid)
    cost = claim_of(tmp_path, measurement=measured("cost_ratio", resource="seconds"), scope={})
    reason = judged(tmp_path, grid, cost)["reason"]
    assert reason == "2 pair(s) of runs (seeds and sparsities); three are needed"


def test_other_windows_are_refused(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    path = tmp_path / "m/seed1/perplexity/new/0.5/fr.json"
    write_json(path, read_json(path) | {"window_tokens": [10, 10, 10, 15]})
    with pytest.raises(InputError, match=r"windows of new 0\.5 1 in fr differ"):
        judged(tmp_path, grid, claim_of(tmp_path))


NAMES = ("de", "en", "fr", "sw")
WORDS = {3: ("supported", "not supported", "inconclusive"),
         2: ("points for", "points against", "undecided")}  # fmt: skip


@pytest.mark.parametrize("draws", [2, 3])
@pytest.mark.parametrize(
    ("each", "interval", "holding", "contrary", "word"),
    [
        ({}, (-0.3, -0.1), 0, (), 0),
        ({}, (-0.3, 0.1), 4, (), 2),
        ({}, (0.1, 0.3), 0, (), 1),
        ({}, (-0.3, -0.1), 3, ("en",), 0),
        ({"each": "language"}, (-0.3, -0.1), 3, (), 0),
        ({"each": "language"}, (-0.3, -0.1), 2, (), 2),
        ({"each": "language"}, (-0.3, -0.1), 3, ("en",), 1),
        ({"each": "language"}, (-0.3, 0.1), 4, (), 2),
        ({"each": "language"}, (0.1, 0.3), 0, (), 1),
    ],
)
def test_rules_of_the_verdict(tmp_path, each, interval, holding, contrary, word, draws):
    claim, units = claim_of(tmp_path, **each), Units(4, NAMES[:holding], contrary)
    assert decide(claim, *interval, units, draws)[0] == WORDS[draws][word]
    low, high = interval
    mirrored = claim_of(tmp_path, direction="above", **each)
    assert decide(mirrored, -high, -low, units, draws)[0] == WORDS[draws][word]


def test_sparsities_that_disagree_are_mixed_and_named(tmp_path):
    claim = claim_of(tmp_path, each="sparsity", scope={})
    units = Units(3, ("0.3",), ("0.5", "0.6"))
    for draws in (1, 3):
        found = decide(claim, 0.1, 0.3, units, draws, by_sparsity=True)
        assert found == ("mixed", "sparsities for: 0.3; against: 0.5, 0.6")


def simulated_verdicts(claim, effect, data_sets=60) -> list[str]:
    """Verdicts over data sets of 3 seeds, 40 windows and 6 languages with a true log ratio."""
    rng, verdicts = np.random.default_rng(11), []
    for _ in range(data_sets):
        draw = rng.normal(0, 0.005, (3, 1))
        cells = []
        for number in range(6):
            noise = rng.normal(0, 0.05, 40) + rng.normal(0, 0.02, (3, 40))
            name = f"l{number}"
            cells.append(Cell(name, "0.5", f"windows {name}", effect + draw + noise, np.ones(40)))
        verdicts.append(judge_cells(claim, cells, 3, 300, 0.95)["verdict"])
    assert set(verdicts) <= set(VERDICTS)
    return verdicts


@pytest.mark.parametrize("each", [{}, {"each": "language"}])
def test_verdicts_on_simulated_data(tmp_path, each):
    claim = claim_of(tmp_path, **each)
    known, reverse, none = (simulated_verdicts(claim, effect) for effect in (-0.05, 0.05, 0.0))
    assert known.count("supported") >= 54
    assert reverse.count("not supported") >= 54
    assert none.count("inconclusive") >= 51
    assert none.count("supported") <= 4
    assert "not supported" not in known
    assert "supported" not in reverse
