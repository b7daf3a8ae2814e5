"""Names in a config: those that are taken, and those that must stand elsewhere in it."""

import os
from difflib import get_close_matches
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.downloads import has_text
from multiprune.experiment.grid import CODE
from multiprune.experiment.language_table import entry_of_text, preferred_entry, script_names
from multiprune.experiment.schema import SCHEMA
from multiprune.registry import unknown_name

# What results/{experiment}/ holds beside a folder for each model.
BESIDE_MODELS = {
    "benchmarks",
    "captions",
    "figures",
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


def check_models(config: dict) -> None:
    """Raise InputError where the folder of a model's results would be another one's."""
    for name in sorted(BESIDE_MODELS & set(config["models"])):
        raise InputError(
            f"models.{name}: results/{config['experiment']}/{name} is not for a model; take "
            "another name"
        )


def check_languages(config: dict) -> None:
    """Fill in what languages leave out; raise InputError for a corpus that is not there.

    Each must have its own name and its own text: the same text twice gives the same numbers twice,
    which look like two languages that agree.
    """
    for code, language in config["languages"].items():
        where = f"languages.{code}"
        if code == CODE:
            raise InputError(f"{where}: the name {CODE} is reserved for the contrast set")
        must_be_one_of("corpus", language["corpus"], config["corpora"], f"{where}.corpus")
        for corpus in language["texts"]:
            must_be_one_of("corpus", corpus, config["corpora"], f"{where}.texts")
        _look_up(code, language, config["corpora"][language["corpus"]]["kind"])
        if "script" in language:
            _check_script(language["script"], f"{where}.script")
    taken: dict[tuple, str] = {}
    for code, language in config["languages"].items():
        where = f"languages.{code}"
        for corpus, text in {**language["texts"], language["corpus"]: language["text"]}.items():
            if (other := taken.setdefault((corpus, text), code)) != code:
                raise InputError(
                    f"{where}: found {text!r} of {corpus}, which is the text of {other}; allowed "
                    "is a text for each language"
                )
        if (other := taken.setdefault((language["name"],), code)) != code:
            raise InputError(f"{where}.name: found {language['name']!r}, the name of {other}")


def _check_script(script: str, where: str) -> None:
    if script not in script_names():
        nearest = ", ".join(get_close_matches(script, script_names()))
        raise InputError(
            f"{where}: unknown script {script!r}: allowed are those of config/scripts.csv, such as "
            f"{nearest or 'Latn'}"
        )


def _look_up(code: str, language: dict, corpus_kind: str) -> None:
    """Fill in text, name, script, family and speakers by the language table, if it has them."""
    entry = None
    if corpus_kind == "udhr":
        preferred = preferred_entry(code)
        language.setdefault("text", preferred.text if preferred else code)
        entry = entry_of_text(language["text"])
    if entry:
        known = {key: getattr(entry, key) for key in ("name", "script", "family", "speakers")}
        for key, found in known.items():
            if found not in (None, ""):
                language.setdefault(key, found)
    language.setdefault("text", code)
    language.setdefault("name", code)


def check_datasets(config: dict) -> None:
    """Raise InputError where languages would share the rows of a dataset."""
    for name, corpus in config["corpora"].items():
        sharing = [code for code in config["languages"] if has_text(config, name, code)]
        patterns = "".join(corpus.get(key, "") for key in ("config", "files", "column"))
        if corpus["kind"] == "huggingface" and len(sharing) > 1 and "{text}" not in patterns:
            raise InputError(
                f"corpora.{name}: none of config, files and column holds {{text}}, the language's "
                f"code, so that {sharing[0]} and {sharing[1]} would get the same rows"
            )


def check_calibration(config: dict) -> None:
    """Raise InputError where demonstrations or the contrast set name a corpus that is not there."""
    for key in ("demonstrations", CODE):
        if key in config["calibration"]:
            corpus = config["calibration"][key]["corpus"]
            where = f"calibration.{key}.corpus"
            must_be_one_of("corpus", corpus, config["corpora"], where)


def claims_file(config: dict) -> str:
    """Where the claims of an experiment stand, relative to the working folder."""
    return os.path.relpath(SCHEMA.parent / config["claims"])


def check_claims(config: dict) -> None:
    """Raise InputError where the file of claims is not there.

    Snakemake would keep the verdicts on another file's claims, which stand there from before.
    """
    if not Path(claims_file(config)).is_file():
        files = ", ".join(sorted(path.name for path in SCHEMA.parent.glob("claims*.yaml")))
        raise InputError(f"claims: config/{config['claims']}: no such file: there are {files}")


def check_source(config: dict, path: str) -> None:
    """A source must speak of a key that is there, or it would outlive what it explains."""
    found, done = config, []
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            allowed = sorted(found) if isinstance(found, dict) else ["(nothing below)"]
            where = ".".join(["sources", *done])
            raise InputError(f"{where}: {unknown_name('path', part, allowed)}")
        found = found[part]
        done.append(part)
