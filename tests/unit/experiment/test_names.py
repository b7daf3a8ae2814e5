import re
from pathlib import Path

import pytest

from multiprune.experiment.names import BESIDE_MODELS
from multiprune.experiment.validation import validate
from unit.experiment.data import changed, message

RULES = Path(__file__).parents[3] / "rules"
DATASET = {"kind": "huggingface", "dataset": "a/b", "revision": "main", "rows": 9}


def test_the_same_text_of_a_parallel_corpus_is_refused():
    parallel = [("corpora/udhr", {"kind": "udhr"}), ("languages/de/texts", {"udhr": "eng"})]
    assert validate(changed(*parallel, ("languages/en/texts", {"udhr": "eng_gb"})))
    assert message(changed(*parallel, ("languages/en/texts", {"udhr": "eng"}))) == (
        "languages.en: found 'eng' of udhr, which is the text of de; two languages cannot share one"
    )


def test_the_same_code_in_two_corpora_is_not_the_same_text():
    corpora = [(f"corpora/{name}", {"kind": "text", "folder": name}) for name in ("a", "b")]
    languages = [
        (f"languages/x{name}", {"corpus": name, "text": "en", "role": "unseen"}) for name in "ab"
    ]
    assert validate(changed(*corpora, *languages))


@pytest.mark.parametrize("key", ["column", "config", "files"])
def test_a_dataset_of_several_languages_says_where_its_languages_are(key: str):
    several = {**DATASET, key: "x-{text}"}
    assert validate(changed(("corpora/words", several)))
    assert message(changed(("corpora/words", {**several, key: "x"}))) == (
        "corpora.words: none of config, files and column holds {text}, the language's code, so "
        "that de and en would get the same rows"
    )


def test_a_dataset_of_one_language_needs_no_place_for_it():
    alone = {"corpus": "mono", "role": "unseen"}
    assert validate(changed(("corpora/mono", DATASET), ("languages/fr", alone)))


@pytest.mark.parametrize("name", ["tables", "report.html"])
def test_a_model_does_not_take_the_place_of_results(name: str):
    model = {"kind": "local", "folder": "m"}
    assert message(changed((f"models/{name}", model))) == (
        f"models.{name}: results/small/{name} is not for a model; take another name"
    )


def test_all_that_rules_write_beside_the_models_is_known():
    rules = "".join(path.read_text(encoding="utf-8") for path in RULES.rglob("*.smk"))
    written = set(re.findall(r"<results>/([a-z_]+(?:\.[a-z]+)?)", rules))
    assert {"tables", "figures", "preflight.csv"} <= written <= BESIDE_MODELS


UDHR = ("corpora/udhr", {"kind": "udhr"})


def of_udhr(code: str) -> tuple[str, dict]:
    return f"languages/{code}", {"corpus": "udhr", "role": "unseen"}


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("croatian", "Croatian is hrv"),
        ("hrvv", "Croatian is hrv"),
        ("norwegian", "it may be nno (Norwegian, Nynorsk) or nob (Norwegian, Bokmål)"),
        ("qqqqqqqqq", "codes and names stand in config/languages.csv"),
    ],
)
def test_a_code_that_udhr_does_not_have_is_refused_before_any_job(code: str, advice: str):
    assert message(changed(UDHR, of_udhr(code))) == (
        f"languages.{code}: udhr has no text {code!r}; {advice}"
    )


def test_two_letters_are_a_code_and_another_version_may_have_other_texts():
    assert validate(changed(UDHR, of_udhr("hr"))).languages["hr"].text == "hrv"
    another = ("corpora/udhr", {"kind": "udhr", "version": "5.0.0"})
    assert validate(changed(another, of_udhr("xx"))).languages["xx"].name == "xx"
