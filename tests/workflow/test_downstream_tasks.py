"""Downstream tasks and demonstrations added to a finished experiment cost what depends on them."""

import json
import random
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import tiny
import torch
from tokenizers import Tokenizer, models
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from workflow.expected import (
    DENSE,
    MODEL,
    PRUNED,
    WANDA,
    corpora,
    evaluations,
    figures,
    join,
    masks,
    tables,
)
from workflow.running import Outcome, Workflow

from multiprune.files.json import read_json_lines

OVERLAY = "tiny_downstream.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
KIM = {"kim-translation 0.5", "kim-monolingual 0.5", "kim-contrast 0.5"}
EVALUATED = DENSE | {"wanda 0.5", "kim-translation 0.5"}
FIGURES = ("downstream_by_language", "consistency_rankc", "perplexity_against_accuracy")
RECORDS = f"results/tiny/{MODEL}/seed0/downstream"


def downstream_figures() -> set[str]:
    """All figures, with those of the downstream tasks."""
    return figures() | {f"draw_figure {figure} {MODEL}" for figure in FIGURES}


def downstream_tables() -> set[str]:
    """The tables of downstream scores, and the verdicts that they count for."""
    made = ("downstream", "consistency", "claims")
    return {f"tabulate_results {MODEL} {table}" for table in made} | join(*made) | {"write_claims"}


def task_jobs(task: str, *languages: str) -> set[str]:
    """Building a task in some languages and evaluating it on every model."""
    built = {f"build_parallel_task {task} {language}" for language in languages}
    return built | {f"evaluate_{task} {MODEL} 0 {name}" for name in EVALUATED}


@pytest.fixture(scope="module")
def before(finished: Workflow, tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished experiment, with the overlay beside its config."""
    workflow = finished.copy(tmp_path_factory.mktemp("downstream") / "project")
    workflow.add_overlay(OVERLAY)
    return workflow


@pytest.fixture(scope="module")
def planned(before: Workflow) -> set[str]:
    return before.jobs(*CONFIG, config=False)


@pytest.fixture(scope="module")
def outcome(before: Workflow, planned: set[str]) -> Outcome:
    """The run that adds everything, after it was planned."""
    return before.run("--show-failed-logs", *CONFIG, config=False)


@pytest.fixture
def after(before: Workflow, outcome: Outcome, tmp_path: Path) -> Workflow:
    """A copy of the experiment with downstream results, which a test may change."""
    assert outcome.code == 0, outcome.text
    return before.copy(tmp_path / "project")


def edited(workflow: Workflow, **downstream: object) -> set[str]:
    """What is planned after keys of evaluation.downstream were changed."""
    with workflow.edit_config(OVERLAY) as content:
        content["evaluation"]["downstream"].update(downstream)
    return workflow.jobs(*CONFIG, config=False)


def test_plan_leaves_what_was_there(planned: set[str]):
    sets = {f"sample_demonstrations {MODEL} 0 {pair}" for pair in ("en de", "de de")}
    sets |= {f"sample_calibration {MODEL} 0 code", "fetch_corpus python code"}
    sets |= {f"collect_statistics {MODEL} 0 {name}" for name in ("en-de", "de-de", "code")}
    expected = sets | masks(KIM) | evaluations(KIM) | task_jobs("cloze", "de", "en")
    expected |= tables("perplexity", "allocation", "overlap") | downstream_tables()
    assert planned == expected | downstream_figures()


def test_everything_is_made_and_nothing_is_left_to_do(after: Workflow):
    assert after.jobs(*CONFIG, config=False) == set()
    table = pd.read_csv(after.folder / "results/tiny/tables/downstream.csv")
    assert set(table["language"]) == {"de", "en"}
    assert set(table["method"]) == {"dense", "wanda", "kim-translation"}
    assert table["score"].between(0, 1).all()
    assert (table["chance"] == 0.25).all()
    consistency = pd.read_csv(after.folder / "results/tiny/tables/consistency.csv")
    assert consistency["rankc"].between(0, 1).all()
    overlap = pd.read_csv(after.folder / "results/tiny/tables/overlap.csv")
    assert {"code", "en-de", "de-de"} <= set(overlap["set_a"]) | set(overlap["set_b"])


def test_records_hold_what_a_paired_test_needs(after: Workflow):
    records = [json.loads(text) for text in after.files(RECORDS).values()]
    assert len(records) == 2 * len(EVALUATED)
    ids = {tuple(record["samples"]["id"]) for record in records}
    assert len(ids) == 1
    for record in records:
        items = len(record["samples"]["id"])
        assert record["requests"] == 4 * items
        mean = sum(record["samples"]["correct"]["acc"]) / items
        assert record["metrics"]["acc"]["score"] == pytest.approx(mean)


def test_a_new_language_costs_itself(after: Workflow):
    with after.edit_config() as config:
        config["languages"]["fr"] = {"corpus": "words", "role": "unseen"}
    planned = edited(after, languages=["de", "en", "fr"])
    expected = corpora("fr") | task_jobs("cloze", "fr") | evaluations(PRUNED | KIM | DENSE)
    assert planned == expected | tables("perplexity") | downstream_tables() | downstream_figures()
    outcome = after.run("--show-failed-logs", "downstream", *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    logs = after.files("results/tiny/logs/evaluate_cloze", "*.log")
    assert len(logs) == len(EVALUATED)
    for log in logs.values():
        lines = log.decode().splitlines()
        assert [line.split(":")[0] for line in lines if "(computed)" in line] == ["fr"]
        kept = [line.split(":")[0] for line in lines if "(kept from an earlier run)" in line]
        assert kept == ["de", "en"]


def test_a_new_task_costs_itself(after: Workflow):
    cloze = {
        "kind": "parallel_cloze", "corpus": "words",
        "items": 8, "context_characters": 24, "choice_characters": 12,
    }  # fmt: skip
    planned = edited(after, tasks={"cloze": cloze, "long_cloze": {**cloze, "items": 12}})
    expected = task_jobs("long_cloze", "de", "en") | downstream_tables()
    assert planned == expected | downstream_figures()


def test_a_task_that_the_reference_does_not_have(after: Workflow):
    pick = {"kind": "translation_choice", "corpus": "words", "items": 6}
    planned = edited(after, tasks={"pick": pick})
    assert planned == task_jobs("pick", "de") | downstream_tables() | downstream_figures()
    made = [f"results/tiny/tables/by_model/{MODEL}/{name}.csv" for name in ("downstream", "claims")]
    made += [f"results/tiny/figures/{name}-{MODEL}.png" for name in FIGURES]
    outcome = after.run("--show-failed-logs", *made, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    table = pd.read_csv(after.folder / made[0])
    assert set(table["task"]) == {"pick"}
    notes = table[table["note"].notna()]
    assert notes[["language", "note"]].values.tolist() == [
        ["en", "en is the language that is translated from"]
    ]
    measured = table[table["note"].isna()]
    assert set(measured["language"]) == {"de"}
    assert (measured["items"] == 6).all()
    assert (measured["chance"] == 0.25).all()
    consistency = pd.read_csv(
        after.folder / f"results/tiny/tables/by_model/{MODEL}/consistency.csv"
    )
    assert consistency.empty
    corpora = after.folder / "resources/corpora/words"
    english, german = (
        {row["id"]: row["text"] for row in read_json_lines(corpora / code / "test.jsonl")}
        for code in ("en", "de")
    )
    for row in read_json_lines(after.folder / "results/tiny/tasks/pick/de/test.jsonl"):
        assert row["context"] == english[row["id"]]
        assert row["choices"][row["answer"]] == german[row["id"]]


def test_a_task_in_which_models_write(after: Workflow):
    """Translations have a table and a figure of their own, beside those of choices."""
    write = {"kind": "parallel_translation", "corpus": "words", "items": 6, "shots": 1}
    planned = edited(after, tasks={"write": write})
    made = {f"tabulate_results {MODEL} translation", f"draw_figure translation {MODEL}"}
    expected = task_jobs("write", "de") | downstream_tables() | downstream_figures()
    assert planned == expected | made | join("translation")
    wanted = [
        f"results/tiny/tables/by_model/{MODEL}/{name}.csv" for name in ("translation", "downstream")
    ]
    wanted += [f"results/tiny/figures/{name}-{MODEL}.png" for name in ("translation", *FIGURES)]
    outcome = after.run("--show-failed-logs", *wanted, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    assert pd.read_csv(after.folder / wanted[1]).empty
    table = pd.read_csv(after.folder / wanted[0])
    notes = table[table["score"].isna()]
    assert notes[["language", "note"]].values.tolist() == [
        ["en", "en is the language that is translated into"]
    ]
    scores = table[table["score"].notna()]
    assert set(scores["language"]) == {"de"}
    assert set(scores["metric"]) == {"bleu", "chrf"}
    assert set(scores["method"]) == {"dense", "wanda", "kim-translation"}
    assert scores["score"].between(0, 100).all()
    assert (scores["items"] == 6).all()
    record = json.loads((after.folder / f"{RECORDS}/dense/0/write/de.json").read_text())
    assert len(record["samples"]["written"]) == 6
    corpora = after.folder / "resources/corpora/words"
    english, german = (
        {row["id"]: row["text"] for row in read_json_lines(corpora / code / "test.jsonl")}
        for code in ("en", "de")
    )
    for row in read_json_lines(after.folder / "results/tiny/tasks/write/de/test.jsonl"):
        assert row["reference"] == english[row["id"]]
        assert row["context"].endswith(f": {german[row['id']]}\nEnglish:")


def test_a_new_method_costs_its_evaluation(after: Workflow):
    planned = edited(after, methods=["kim-translation", "wanda", "wanda-en"])
    expected = {f"evaluate_cloze {MODEL} 0 wanda-en 0.5"} | downstream_tables()
    assert planned == expected | downstream_figures()


def test_the_number_of_items_leaves_perplexities_alone(after: Workflow):
    planned = edited(after, limit=4)
    expected = {f"evaluate_cloze {MODEL} 0 {name}" for name in EVALUATED} | downstream_tables()
    drawn = {f"draw_figure {figure} {MODEL}" for figure in ("claims_forest", *FIGURES)}
    assert planned == expected | drawn | {"all"}


def test_other_demonstrations_cost_what_calibrates_on_them(after: Workflow):
    with after.edit_config(OVERLAY) as content:
        content["calibration"]["demonstrations"]["shots"] = 3
    planned = after.jobs(*CONFIG, config=False)
    assert not {job for job in planned if " code" in job or job.startswith("sample_calibration")}
    assert {job for job in planned if job.startswith("prune_model")} == masks(KIM)
    assert not planned & masks(WANDA)


WORDS = ["able", "baby", "cake", "data", "each", "fact", "gain", "half", "idea", "join", "keep"]


def paragraphs() -> list[str]:
    """Forty paragraphs of eleven words, each in its own order and all equally long."""
    draw = random.Random(0)
    return [" ".join(draw.sample(WORDS, len(WORDS))) for _ in range(40)]


def knows_the_test_text(model: Path) -> None:
    """Seven to nine of every ten paragraphs are for testing."""
    tiny.write_llama(model, hidden_size=64, intermediate_size=128)
    tiny.learn(model, [text for i, text in enumerate(paragraphs()) if i % 10 >= 7])


@pytest.mark.parametrize(
    ("prepare", "score"),
    [(knows_the_test_text, 1.0), (tiny.forget, 0.25)],
    ids=["knows the text", "finds all alike"],
)
def test_scripted_models_through_the_rules(
    fresh: Workflow, prepare: Callable[[Path], None], score: float
):
    prepare(fresh.folder / "inputs/model")
    text = "\n\n".join(paragraphs()) + "\n"
    (fresh.folder / "inputs/texts/en.txt").write_text(text, encoding="utf-8")
    fresh.add_overlay(OVERLAY)
    with fresh.edit_config(OVERLAY) as overlay:
        cloze = overlay["evaluation"]["downstream"]["tasks"]["cloze"]
        cloze |= {"context_characters": 30, "choice_characters": 15}
    target = f"{RECORDS}/dense/0/cloze/en.json"
    outcome = fresh.run("--show-failed-logs", target, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text
    record = json.loads((fresh.folder / target).read_text(encoding="utf-8"))
    assert len(record["samples"]["id"]) == 8
    assert record["metrics"]["acc"]["score"] == record["metrics"]["acc_norm"]["score"] == score
    assert record["chance"] == 0.25


HAN = [chr(ord("一") + place) for place in range(30)]
PHRASES = ["".join(HAN[place : place + 5]) for place in range(0, 30, 5)]


def phrase_tokenizer() -> PreTrainedTokenizerFast:
    """Any phrase, and any two or three in a row, are one token; no blank parts them."""
    merges = [(phrase[:end], phrase[end]) for phrase in PHRASES for end in range(1, 5)]
    pairs = list(product(PHRASES, PHRASES))
    merges += pairs + [("".join(pair), third) for pair, third in product(pairs, PHRASES)]
    names = ["<s>", "</s>", "\n", *HAN, *("".join(merge) for merge in merges)]
    vocabulary = {name: place for place, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def test_tokens_that_span_context_and_choice(fresh: Workflow):
    """Contexts of two phrases and choices of one, some of them absorbed by a token of three."""
    tokenizer = phrase_tokenizer()
    model = tiny.write_llama(fresh.folder / "inputs/model", vocab_size=len(tokenizer))
    tokenizer.save_pretrained(model)
    draw = random.Random(0)
    texts = ["".join(draw.choices(PHRASES, k=8)) for _ in range(40)]
    (fresh.folder / "inputs/texts/en.txt").write_text("\n\n".join(texts), encoding="utf-8")
    fresh.add_overlay(OVERLAY)
    with fresh.edit_config(OVERLAY) as overlay:
        downstream = overlay["evaluation"]["downstream"]
        downstream["languages"] = ["en"]
        downstream["tasks"]["cloze"] |= {"context_characters": 10, "choice_characters": 5}
    target = f"{RECORDS}/dense/0/cloze/en.json"
    outcome = fresh.run("--show-failed-logs", target, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text

    llama = LlamaForCausalLM.from_pretrained(model)
    rows = (fresh.folder / "results/tiny/tasks/cloze/en/test.jsonl").read_text(encoding="utf-8")
    record = json.loads((fresh.folder / target).read_text(encoding="utf-8"))["samples"]
    absorbed = 0
    for row, found in zip(
        map(json.loads, rows.splitlines()), record["log_likelihoods"], strict=True
    ):
        context, *choices = (tokenizer.encode(text) for text in (row["context"], *row["choices"]))
        wholes = [tokenizer.encode(row["context"] + choice) for choice in row["choices"]]
        absorbed += sum(len(whole) == len(context) for whole in wholes)
        assert any(whole[: len(context)] != context for whole in wholes)  # so that all are parted
        expected = []
        for ids in choices:
            with torch.no_grad():
                scores = llama(torch.tensor([context + ids])).logits[0].log_softmax(-1)
            places = range(len(context) - 1, len(context) + len(ids) - 1)
            expected.append(sum(float(scores[p, i]) for p, i in zip(places, ids, strict=True)))
        assert found == pytest.approx(expected, abs=1e-4)
    assert absorbed
