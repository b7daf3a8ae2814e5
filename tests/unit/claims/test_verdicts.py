"""Claims: measuring from records, verdicts by hand and on simulated data."""

import math
from dataclasses import replace

import numpy as np
import pytest

from multiprune.claims.definitions import VERDICTS
from multiprune.claims.verdicts import Units, decide, judge_cells
from multiprune.errors import InputError
from multiprune.files.json import read_json, write_json
from multiprune.tables import summary
from multiprune.uncertainty.seeds_and_items import Cell
from unit.claims.small_records import (
    LANGUAGES,
    claim_of,
    grid_of,
    judged,
    measured,
    write_downstream,
    write_perplexity,
)


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


def test_a_scope_may_be_the_languages_of_one_corpus(tmp_path):
    grid = grid_of()
    write_perplexity(tmp_path, grid)
    for name, entry in grid.languages.items():
        entry["corpus"] = "songs" if name == "sw" else "news"
    scope = {"corpus": "songs", "sparsity": 0.5}
    row = judged(tmp_path, grid, claim_of(tmp_path, scope=scope))
    assert row["estimate"] == pytest.approx(math.exp(-0.2))
    assert row["scope"] == "all languages of songs, sparsity 0.5"
    row = judged(tmp_path, grid, claim_of(tmp_path, scope=scope | {"corpus": "law"}))
    assert row["reason"] == "the config has no languages of law"


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
    assert row["basis"] == "acc, 5 items a language, chance unknown"
    # the smallest effect that an interval of this width would show, as a difference of shares
    assert row["smallest_effect"] == pytest.approx((row["ci_high"] - row["ci_low"]) / 2)
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


def test_what_is_said_of_the_methods_stands_beside_the_verdict(tmp_path):
    wanda = {"constants": "published", "off": [], "languages": 1, "tokens": 512, "at_most": False}
    new = {"constants": "ours", "off": ["dispersion"], "languages": 2, "tokens": 1024}
    grid = replace(grid_of(), facts={"wanda": wanda, "new": new | {"at_most": True}})
    write_perplexity(tmp_path, grid)
    row = judged(tmp_path, grid, claim_of(tmp_path))
    assert (row["constants"], row["reason"]) == ("ours", "the dispersion term is off")
    assert row["budgets"] == (
        "new: 2 languages, at most 1,024 tokens; wanda: 1 language, 512 tokens"
    )
    same = replace(grid, facts={"wanda": wanda, "new": wanda})
    row = judged(tmp_path, same, claim_of(tmp_path))
    assert (row["constants"], row["budgets"]) == ("published", "")


def test_a_ratio_has_one_interval_in_claims_and_tables(tmp_path):
    grid = grid_of(seeds=(0, 1, 2))
    write_perplexity(tmp_path, grid)
    for seed in grid.seeds:  # so that windows, languages and seeds differ
        for place, language in enumerate(LANGUAGES):
            path = tmp_path / f"m/seed{seed}/perplexity/new/0.5/{language}.json"
            record = read_json(path)
            losses = [
                loss * (1 + 0.01 * math.sin(seed + place + 2 * window))
                for window, loss in enumerate(record["window_nll"])
            ]
            write_json(path, record | {"window_nll": losses})
    claim = judged(tmp_path, grid, claim_of(tmp_path, scope={"sparsity": 0.5}))
    rows = summary.tabulate(tmp_path, "m", grid).set_index(["method", "sparsity", "language_set"])
    row = rows.loc["new", "0.5", "all"]
    found = [row["ratio_to_baseline"], row["baseline_ci_low"], row["baseline_ci_high"]]
    assert claim["ci_low"] < claim["estimate"] < claim["ci_high"]
    assert found == pytest.approx([claim["estimate"], claim["ci_low"], claim["ci_high"]], rel=1e-12)


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
