"""The scripts of a sweep on a tiny model, in a folder of corpora that has no test text at all."""

import json
import math
import runpy
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import write_llama, write_texts

from multiprune.calibration.windows import Windows
from multiprune.errors import InputError
from multiprune.evaluation.choice import Rank, finalists
from multiprune.experiment.candidates import candidates, with_constants
from multiprune.experiment.grid import DENSE, Grid
from multiprune.files.json import read_json, write_json, write_json_lines
from multiprune.files.manifests import MANIFEST, checked_fingerprint, write_manifest
from multiprune.files.tensors import opened_tensors, read_metadata, read_tensors
from multiprune.models.architectures import architecture_of
from multiprune.models.loading import load_model
from multiprune.statistics.files import COUNTED, write_statistics
from multiprune.statistics.passes import collect
from multiprune.tables.sweep import tabulate

SCRIPTS = Path(__file__).parents[3] / "scripts"
METHOD = {
    "score": "wanda",
    "scope": "row",
    "pattern": "unstructured",
    "norm": {"kind": "pooled", "weighting": "tokens"},
    "allocation": {"kind": "owl", "strength": 0.08, "outlier_multiple": 5.0},
}
CHOOSE = {"allocation.strength": [0.0, 0.08, 0.3], "allocation.outlier_multiple": [2.0, 5.0]}
CANDIDATES = {one.name: one.constants for one in candidates(METHOD, CHOOSE)}
LANGUAGES = {"de": "words", "en": "words"}
GRID = Grid([0], {}, {DENSE: {"seeds": [0]}}, draws=200, confidence=0.95, choosing=["owl"])


def run(script: str, *arguments: object) -> None:
    """Run a script's `main` as if it stood on a command line."""
    before = sys.argv
    sys.argv = [script, *map(str, arguments)]
    try:
        runpy.run_path(str(SCRIPTS / script), run_name="tested")["main"]()
    finally:
        sys.argv = before


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A model, statistics of two languages, and their validation text."""
    folder = tmp_path_factory.mktemp("inputs")
    model = write_llama(folder / "models/tiny")
    write_manifest(model, {"kind": "test"})
    draw = np.random.default_rng(0)
    texts = write_texts(folder / "texts", list(LANGUAGES), paragraphs=8)
    for language, corpus in LANGUAGES.items():
        sums = collect(
            load_model(model),
            Windows.full(draw.integers(2, 258, (4, 16)).astype(np.int32)),
            architecture_of(model),
            64,
            {"active": 1.0, "active@0.5": 0.5},
        )
        provenance = {
            "model": checked_fingerprint(model),
            "activation_threshold": "1.0",
            COUNTED: "[0.5, 1.0]",
        }
        arrays = {name: total.arrays() for name, total in sums.items()}
        write_statistics(folder / f"{language}.safetensors", arrays, 64, provenance)
        rows = (texts / f"{language}.txt").read_text().split("\n\n")
        corpus = folder / "corpora" / corpus / language
        write_json_lines(
            corpus / "validation.jsonl", [{"id": str(i), "text": row} for i, row in enumerate(rows)]
        )
        write_manifest(corpus, {"kind": "test"})
    return folder


def pruning(inputs: Path, method: dict = METHOD) -> list[object]:
    statistics = [inputs / f"{language}.safetensors" for language in LANGUAGES]
    return ["--model", inputs / "models/tiny", "--statistics", *statistics, "--threads", 1,
            "--method", json.dumps(method), "--sparsity", 0.5, "--name", "owl"]  # fmt: skip


def scoring(inputs: Path, cache: Path, split: str = "validation") -> list[object]:
    return ["--dtype", "auto", "--seed", 0, "--corpora", inputs / "corpora",
            "--languages", json.dumps(LANGUAGES), "--split", split, "--length", 32,
            "--batch-tokens", 64, "--cache", cache]  # fmt: skip


def evaluate(inputs: Path, name: str, cache: Path, output: Path, split: str = "validation") -> None:
    run(
        "evaluate_candidate.py", *pruning(inputs), *scoring(inputs, cache, split),
        "--candidate", name, "--constants", json.dumps(CANDIDATES[name]), "--output", output,
    )  # fmt: skip


def choose(folder: Path, constants: dict[str, dict] = CANDIDATES) -> dict:
    listed = [{"name": name, "constants": values} for name, values in constants.items()]
    run(
        "choose_constants.py", "--folder", folder, "--candidates", json.dumps(listed),
        "--model", "tiny", "--seed", 0, "--name", "owl", "--sparsity", 0.5,
        "--output", folder / "chosen.json",
    )  # fmt: skip
    return read_json(folder / "chosen.json")


@pytest.fixture(scope="module")
def swept(inputs, tmp_path_factory):
    """Results with the records of all candidates and the choice."""
    results = tmp_path_factory.mktemp("results")
    folder = results / "tiny/seed0/sweep/owl"
    for name in CANDIDATES:
        evaluate(inputs, name, results / "cache", folder / f"{name}.json")
    choose(folder)
    return results


def decide(results: Path, *arguments: object) -> dict:
    listed = [{"name": name, "constants": values} for name, values in CANDIDATES.items()]
    folder = results / "tiny/seed0/sweep/owl"
    output = folder / ("screened.json" if "--finalists" in arguments else "chosen.json")
    run(
        "choose_constants.py", "--folder", folder, "--candidates", json.dumps(listed),
        "--model", "tiny", "--seed", 0, "--name", "owl", "--sparsity", 0.5, "--output", output,
        *arguments,
    )  # fmt: skip
    return read_json(output)


@pytest.fixture
def decided(inputs, swept, tmp_path):
    """The sweep with three finalists that two seeds decide on; the other seed has one language."""
    shutil.copytree(swept, tmp_path / "results")
    results = tmp_path / "results"
    screened = decide(results, "--finalists", 3)
    files = []
    for seed, languages in ((0, ["de", "en"]), (1, ["de"])):
        files.append(results / f"tiny/seed{seed}/sweep/owl/finalists.json")
        statistics = [inputs / f"{language}.safetensors" for language in languages]
        given = [*pruning(inputs), *scoring(inputs, results / "cache")]
        start, end = given.index("--statistics") + 1, given.index("--threads")
        given[start:end] = statistics
        ranking = results / "tiny/seed0/sweep/owl/screened.json"
        run("evaluate_candidate.py", *given, "--finalists-of", ranking, "--output", files[-1])
    return results, screened, decide(results, "--decided-by", *files), files


def test_finalists_are_the_best_that_differ(swept):
    ranking = read_json(swept / "tiny/seed0/sweep/owl/chosen.json")["ranking"]
    ranks = [Rank(r["candidate"], r["simplicity"], r["perplexity"], r["log_ratio"], 0.0)
             for r in ranking]  # fmt: skip
    two = finalists([ranks[0], replace(ranks[1], log_ratio=0.0), *ranks[2:]], 2)
    assert two == [ranks[0].candidate, ranks[2].candidate]  # the second is the same mask


def test_finalists_are_judged_by_their_means_over_seeds(decided):
    results, screened, choice, files = decided
    assert len(screened["finalists"]) == 3
    assert choice["seeds"] == 2
    assert {rank["candidate"] for rank in choice["ranking"]} == set(screened["finalists"])
    contents = [read_json(path)["candidates"] for path in files]
    for rank in choice["ranking"]:
        logs = [
            math.log(entry["perplexity"])
            for content in contents
            for entry in content[rank["candidate"]]["languages"].values()
        ]
        assert math.log(rank["perplexity"]) == pytest.approx(np.mean(logs))
    assert contents[0] != contents[1]
    own = read_json(results / f"tiny/seed0/sweep/owl/{screened['finalists'][0]}.json")
    assert contents[0][screened["finalists"][0]]["languages"] == own["languages"]
    assert set(choice["provenance"]["inputs"]) == {"seed0", "seed1"}


def test_what_is_no_record_of_finalists_is_set_aside(decided):
    results, _screened, _choice, files = decided
    write_json(files[1], {"seed": 1})
    with pytest.raises(InputError, match=r"seed1.*finalists\.json: is not the record of finalists"):
        decide(results, "--decided-by", *files)


def test_the_table_has_finalists_first_and_every_candidate_once(decided):
    results, screened, choice, _files = decided
    table = tabulate(results, "tiny", replace(GRID, seeds=[0, 1]))
    assert sorted(table["candidate"]) == sorted(CANDIDATES)
    assert table["seeds"].tolist() == [2] * 3 + [1] * 3
    assert set(table["candidate"][:3]) == set(screened["finalists"])
    assert table.loc[table["chosen"] == 1, "candidate"].tolist() == [choice["chosen"]]
    assert table["ratio_to_best"].iloc[0] == 1
    first = screened["ranking"][0]["perplexity"]
    for row in table[table["seeds"] == 1].itertuples():
        assert row.ratio_to_best == pytest.approx(row.perplexity / first)


def test_no_test_text_was_there(inputs, swept):
    assert {path.name for path in (inputs / "corpora").rglob("*") if path.is_file()} == {
        "validation.jsonl",
        MANIFEST,
    }
    assert len(list((swept / "tiny/seed0/sweep/owl").glob("outlier*.json"))) == 6


def test_another_split_is_refused(inputs, tmp_path):
    with pytest.raises(InputError, match=r"^--split: found test, allowed is validation"):
        evaluate(inputs, next(iter(CANDIDATES)), tmp_path, tmp_path / "x.json", split="test")
    assert list(tmp_path.iterdir()) == []


def choice_of(name: str) -> dict:
    told = {"seeds": 1, "finalists": None, "ranking": []}
    return {"chosen": name, "constants": CANDIDATES[name], "sparsity": 0.5, **told}


@pytest.mark.parametrize("name", [next(iter(CANDIDATES)), list(CANDIDATES)[-1]])
def test_a_candidate_scores_as_its_mask_does(inputs, swept, tmp_path, name):
    """By the scripts that prune and evaluate a method for good."""
    write_json(tmp_path / "chosen.json", choice_of(name))
    mask = tmp_path / "mask.safetensors"
    run("prune_model.py", *pruning(inputs), "--chosen", tmp_path / "chosen.json", "--output", mask)
    run(
        "evaluate_perplexity.py", "--model", inputs / "models/tiny", "--mask", mask,
        "--method", "owl", "--sparsity", 0.5, "--threads", 1,
        *scoring(inputs, tmp_path / "cache"), "--output", tmp_path / "records",
    )  # fmt: skip
    record = read_json(swept / f"tiny/seed0/sweep/owl/{name}.json")
    for language in LANGUAGES:
        expected = read_json(tmp_path / "records" / f"{language}.json")
        found = record["languages"][language]
        assert found["window_nll"] == expected["window_nll"]
        assert found["provenance"]["mask"] == expected["provenance"]["mask"]


def test_chosen_constants_replace_the_method_s_own(inputs, tmp_path):
    name = list(CANDIDATES)[-1]
    options = with_constants(METHOD, CANDIDATES[name])
    assert options != METHOD
    write_json(tmp_path / "chosen.json", choice_of(name))
    arguments = pruning(inputs)
    run("prune_model.py", *arguments, "--output", tmp_path / "own")
    run("prune_model.py", *arguments, "--chosen", tmp_path / "chosen.json",
        "--output", tmp_path / "chosen")  # fmt: skip
    arguments[arguments.index(json.dumps(METHOD))] = json.dumps(options)
    run("prune_model.py", *arguments, "--output", tmp_path / "written")
    own, chosen, written = (read_tensors(tmp_path / n)[0] for n in ("own", "chosen", "written"))
    assert all(np.array_equal(chosen[name], written[name]) for name in written)
    assert any(not np.array_equal(chosen[name], own[name]) for name in own)
    with opened_tensors(tmp_path / "chosen") as file:
        metadata = read_metadata(file)
    assert json.loads(metadata["options"]) == options
    assert metadata["chosen"] == name


def test_equal_masks_are_scored_once(inputs, tmp_path, capsys):
    """At strength 0 nothing depends on what counts as an outlier."""
    same = [name for name in CANDIDATES if name.endswith("strength-0")]
    assert len(same) == 2
    for name in same:
        evaluate(inputs, name, tmp_path / "cache", tmp_path / f"{name}.json")
    printed = capsys.readouterr().out
    assert printed.count("(computed)") == printed.count("(kept from an earlier run)") == 2
    first, second = (read_json(tmp_path / f"{name}.json") for name in same)
    assert first["languages"] == second["languages"]
    assert first["constants"] != second["constants"]


@pytest.mark.parametrize("weight", [0.0, 50.0])
def test_thresholds_are_compared_by_their_own_counts(inputs, tmp_path, weight):
    """With weight 0 they are the same to the last bit, and the method's own is taken."""
    norm = {"kind": "cross_lingual", "activation_weight": weight, "activation_threshold": 1.0}
    method = {**METHOD, "norm": norm}
    tried = candidates(method, {"norm.activation_threshold": [0.5, 1.0]})
    constants = {one.name: one.constants for one in tried}
    folder = tmp_path / "tiny/seed0/sweep/owl"
    for name, values in constants.items():
        run(
            "evaluate_candidate.py", *pruning(inputs, method), *scoring(inputs, tmp_path / "cache"),
            "--candidate", name, "--constants", json.dumps(values),
            "--output", folder / f"{name}.json",
        )  # fmt: skip
    own, lower = (read_json(folder / f"activation_threshold-{t}.json") for t in ("1", "0.5"))
    assert lower["options"]["norm"]["activation_threshold"] == 0.5
    assert (own["languages"] == lower["languages"]) is (weight == 0)
    choice = choose(folder, constants)
    if weight == 0:
        assert choice["chosen"] == "activation_threshold-1"
    table = tabulate(tmp_path, "tiny", GRID)
    assert set(table["candidate"]) == constants.keys()
    write_json(tmp_path / "chosen.json", choice)
    run("prune_model.py", *pruning(inputs, method), "--chosen", tmp_path / "chosen.json",
        "--output", tmp_path / "mask")  # fmt: skip
    expected = read_json(folder / f"{choice['chosen']}.json")
    metadata = read_tensors(tmp_path / "mask")[1]
    assert json.loads(metadata["options"]) == expected["options"]


def test_the_choice_records_the_whole_sweep(swept):
    folder = swept / "tiny/seed0/sweep/owl"
    choice = read_json(folder / "chosen.json")
    means = {}
    for name in CANDIDATES:
        languages = read_json(folder / f"{name}.json")["languages"].values()
        means[name] = math.exp(np.mean([math.log(entry["perplexity"]) for entry in languages]))
    assert {rank["candidate"] for rank in choice["ranking"]} == CANDIDATES.keys()
    for rank in choice["ranking"]:
        assert rank["perplexity"] == pytest.approx(means[rank["candidate"]], rel=1e-12)
        assert rank["constants"] == CANDIDATES[rank["candidate"]]
    within = {rank["candidate"] for rank in choice["ranking"] if rank["within"]}
    assert choice["chosen"] == next(name for name in CANDIDATES if name in within)
    assert choice["constants"] == CANDIDATES[choice["chosen"]]
    assert choice["text"]["split"] == "validation"


def test_the_table_has_every_candidate_and_one_chosen(swept):
    table = tabulate(swept, "tiny", GRID)
    choice = read_json(swept / "tiny/seed0/sweep/owl/chosen.json")
    assert list(table["candidate"]) == [rank["candidate"] for rank in choice["ranking"]]
    assert list(table[table["chosen"] == 1]["candidate"]) == [choice["chosen"]]
    assert table["ratio_to_best"].iloc[0] == 1
    assert table["ratio_to_best"].is_monotonic_increasing
    expected = table["perplexity"] / table["perplexity"].iloc[0]
    np.testing.assert_allclose(table["ratio_to_best"], expected)
    others = table.iloc[1:]
    assert (others["ci_low"] <= others["ratio_to_best"]).all()
    assert (others["ci_high"] >= others["ratio_to_best"]).all()
    assert table["ci_low"].isna().tolist() == [True] + [False] * 5


@pytest.fixture
def copied(swept, tmp_path):
    folder = tmp_path / "owl"
    for path in (swept / "tiny/seed0/sweep/owl").glob("outlier*.json"):
        write_json(folder / path.name, read_json(path))
    return folder


def test_records_on_other_text_are_not_compared(copied):
    path = copied / f"{list(CANDIDATES)[1]}.json"
    record = read_json(path)
    record["languages"]["en"]["provenance"]["tokens"] = "other"
    write_json(path, record)
    with pytest.raises(InputError, match="was measured on other text"):
        choose(copied)
    assert not (copied / "chosen.json").exists()


def test_a_record_on_test_text_chooses_nothing(copied):
    path = copied / f"{list(CANDIDATES)[2]}.json"
    write_json(path, read_json(path) | {"split": "test"})
    with pytest.raises(InputError, match="was measured on test text, constants are chosen on"):
        choose(copied)
    assert not (copied / "chosen.json").exists()


def test_a_damaged_record_is_set_aside(copied):
    path = copied / f"{next(iter(CANDIDATES))}.json"
    write_json(path, {"candidate": "x"})
    with pytest.raises(InputError, match="is not the record of a candidate"):
        choose(copied)
    assert not path.exists()
    assert path.with_name(path.name + ".corrupt").exists()


def drop(key: str):
    return lambda choice: choice.pop(key)


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (drop("chosen"), "chosen"),
        (drop("constants"), "constants"),
        (drop("sparsity"), "sparsity"),
        (drop("ranking"), "ranking"),
        (lambda choice: choice.update(sparsity="0.5"), "sparsity"),
        (lambda choice: choice["ranking"].append(3), r"ranking\.candidate"),
        (lambda choice: choice["ranking"][1].pop("within"), r"ranking\.within"),
    ],
)
def test_a_damaged_choice_is_set_aside_before_the_table(spoil, key, swept, tmp_path):
    folder = tmp_path / "tiny/seed0/sweep/owl"
    choice = read_json(swept / "tiny/seed0/sweep/owl/chosen.json")
    spoil(choice)
    write_json(folder / "chosen.json", choice)
    with pytest.raises(InputError, match=rf"is not a choice of constants \({key}\); set aside"):
        tabulate(tmp_path, "tiny", GRID)
    assert [path.name for path in folder.iterdir()] == ["chosen.json.corrupt"]
