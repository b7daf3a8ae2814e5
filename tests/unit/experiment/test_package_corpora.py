"""Corpora of packages in a config: what is allowed, and which archives are downloaded."""

from types import SimpleNamespace

import pytest

from multiprune.experiment import downloads
from multiprune.experiment.modules import Modules
from multiprune.experiment.options import Options
from multiprune.experiment.package_corpora import READY, check_entry
from multiprune.experiment.plan import Plan
from multiprune.experiment.validation import validate
from unit.experiment.data import changed, message

OWN = {
    "kind": "package", "registry": "npm", "package": "@a/b", "version": "1.0.0",
    "files": "package/*/{text}.json", "format": "json", "reference": "en",
}  # fmt: skip


def without(*keys: str) -> dict:
    return {key: value for key, value in OWN.items() if key not in keys}


def with_corpus(corpus: dict, **languages: dict) -> dict:
    """A small experiment with a corpus `pkg` and languages in it."""
    entries = [
        (f"languages/{code}", {"corpus": "pkg", "role": "unseen", **language})
        for code, language in languages.items()
    ]
    return changed(("corpora/pkg", corpus), *entries)


@pytest.mark.parametrize("like", READY)
def test_ready_made_entries_are_whole(like):
    check_entry(READY[like], like)
    experiment = validate(with_corpus({"kind": "package", "like": like}))
    assert experiment.corpora["pkg"].plain() == {"kind": "package", "like": like}


@pytest.mark.parametrize(
    ("corpus", "said"),
    [
        ({"kind": "package"}, "corpora.pkg.registry: is missing; give it, or a ready-made entry"),
        (without("files"), "corpora.pkg.files: is missing"),
        (without("version"), "corpora.pkg.version: is missing; a package of npm needs it"),
        (OWN | {"format": "html"}, "corpora.pkg.elements: is missing; the format html needs it"),
        (OWN | {"format": "sqlite"}, "corpora.pkg.query: is missing; the format sqlite needs it"),
        (OWN | {"elements": ["p"]}, "corpora.pkg.elements: is for html and xml, found format json"),
        (OWN | {"files": "package/a.json"}, "corpora.pkg: neither package nor files hold {text}"),
        (OWN | {"address": "https://a/b"}, "corpora.pkg.address: is for registry debian, and"),
        (
            OWN | {"like": "scratsch"},
            "corpora.pkg.like: unknown value 'scratsch': allowed are",
        ),
        (OWN | {"package": "--help"}, "corpora.pkg.package: found '--help'"),
        (OWN | {"format": "sqlite", "query": "drop table x"}, "corpora.pkg.query: found 'drop"),
        (OWN | {"markup": "[<"}, "corpora.pkg.markup: found '[<', allowed is a regular "),
        (OWN | {"codes": {"de": "s"}}, "corpora.pkg.reference: found text 'en', allowed are de"),
    ],
)
def test_what_an_entry_lacks_is_said(corpus, said):
    assert message(with_corpus(corpus)).startswith(said)


def test_languages_have_names_and_scripts_from_the_table():
    languages = {"zh": {"text": "zh-cn"}, "sw": {}, "xx": {"script": "Latn"}}
    experiment = validate(with_corpus(OWN, **languages))
    found = {code: experiment.languages[code] for code in languages}
    assert [found["zh"].script, found["zh"].text, found["zh"].family] == ["Hans", "zh-cn", "sit"]
    assert [found["sw"].name, found["sw"].text] == ["Swahili", "sw"]
    assert message(with_corpus(OWN, xx={})).startswith("languages.xx.script: is missing, and the")


def test_a_language_that_an_entry_does_not_have_is_refused():
    bible = {"kind": "package", "like": "bible"}
    assert message(with_corpus(bible, sw={})).startswith("languages.sw: found text 'sw', allowed")
    scratch = {"kind": "package", "like": "scratch"}
    validate(with_corpus(scratch, sw={"text": "sw"}))
    assert message(with_corpus(scratch, xx={})).startswith(
        "languages.xx: found text 'xx', allowed are ab, af, am, an, ar, "
    )
    for written in ("pll", "polish", "Polish"):
        line = message(with_corpus(scratch, xx={"text": written}))
        assert line.endswith("zu; did you mean 'pl'?")
    newer = scratch | {"version": "9.9.9"}  # nobody knows what that has
    validate(with_corpus(newer, xx={"text": "xx", "script": "Latn"}))


def job(language: str) -> SimpleNamespace:
    return SimpleNamespace(corpus="pkg", language=language)


def test_one_archive_holds_all_languages():
    experiment = validate(with_corpus(OWN, fr={}, es={}))
    assert Plan(experiment).corpus_source(job("fr")) == ["<resources>/packages/npm/a-b-1.0.0.tgz"]
    assert downloads.archives(experiment) == {
        "npm/a-b-1.0.0.tgz": {"registry": "npm", "package": "@a/b", "version": "1.0.0"}
    }


def test_a_language_with_a_package_of_its_own_needs_the_references_too():
    corpus = {"kind": "package", "like": "libreoffice-help", "version": "4:7"}
    experiment = validate(with_corpus(corpus, fr={}, pt={"text": "pt-br"}))
    folder = "<resources>/packages/debian/libreoffice-help"
    assert Plan(experiment).corpus_source(job("pt")) == [
        f"{folder}-pt-br-4:7.deb",
        f"{folder}-en-us-4:7.deb",
    ]
    assert len(downloads.archives(experiment)) == 3
    archive = SimpleNamespace(registry="debian", archive="libreoffice-help-pt-br-4:7.deb")
    assert Options(experiment).archive_definition(archive) == (
        '{"package":"libreoffice-help-pt-br","registry":"debian","version":"4:7"}'
    )


def test_addresses_and_hashes_are_those_of_the_language():
    corpus = {
        "kind": "package", "like": "libreoffice-help", "address": "https://mirror/x-{text}.deb",
        "sha256": {"libreoffice-help-fr": "0" * 64},
    }  # fmt: skip
    found = downloads.archives(validate(with_corpus(corpus, fr={})))
    assert found["debian/libreoffice-help-fr.deb"] == {
        "registry": "debian", "package": "libreoffice-help-fr",
        "address": "https://mirror/x-fr.deb", "sha256": "0" * 64,
    }  # fmt: skip


def test_the_definition_is_in_plain_words_and_has_the_script():
    experiment = validate(with_corpus({"kind": "package", "like": "bible"}, ru={}))
    definition = downloads.corpus_definition(experiment, "pkg", "ru")
    assert definition["text"] == "ru"
    assert definition["corpus"] == {"kind": "package", "script": "Cyrl", **READY["bible"]}


def test_the_code_of_a_job_is_that_of_its_format():
    experiment = validate(with_corpus({"kind": "package", "like": "bible"}, ru={}))
    modules = Modules(experiment).of_corpus(job("ru"))
    assert modules == ["fetch.corpora.package", "fetch.formats.sqlite"]
