"""What every download of an experiment is, in the form that decides whether it is fetched anew."""

from collections.abc import Iterator
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.grid import CODE


def model_definition(config: dict, model: str) -> dict:
    """What fetching a model depends on."""
    ignored = ("dtype", "parameters")
    return {key: value for key, value in config["models"][model].items() if key not in ignored}


def text_code(config: dict, corpus: str, language: str) -> str:
    """The code under which a corpus has a language; raise InputError where none is given."""
    if language == CODE:
        return config["calibration"][CODE]["text"]
    entry = config["languages"][language]
    if corpus == entry["corpus"]:
        return entry["text"]
    if corpus not in entry["texts"]:
        raise InputError(
            f"languages.{language}.texts: has no code for the corpus {corpus}; add {corpus}: ..."
        )
    return entry["texts"][corpus]


def has_text(config: dict, corpus: str, language: str) -> bool:
    """Whether a language has text in a corpus."""
    entry = config["languages"][language]
    return corpus == entry["corpus"] or corpus in entry["texts"]


def corpus_definition(config: dict, corpus: str, language: str) -> dict:
    """What fetching a language's text depends on."""
    entry = dict(config["corpora"][corpus])
    if entry.get("paragraphs") == "blank_lines":
        del entry["paragraphs"]  # folders that say nothing of paragraphs hold just this
    return {"corpus": entry, "text": text_code(config, corpus, language)}


def text_file(config: dict, corpus: str, language: str) -> str:
    """The file of a language's own text, empty for other kinds of corpora."""
    definition = config["corpora"][corpus]
    if definition["kind"] != "text":
        return ""
    folder = Path(definition["folder"]).expanduser()
    return str(folder / f"{text_code(config, corpus, language)}.txt")


def texts(config: dict) -> list[tuple[str, str]]:
    """Every (corpus, language) whose text is used, sorted."""
    return sorted(set(_texts(config)))


def _texts(config: dict) -> Iterator[tuple[str, str]]:
    for code, language in config["languages"].items():
        yield language["corpus"], code
    for method in config["methods"].values():
        if method.get("norm", {}).get("kind") == "contrast":
            yield config["calibration"][CODE]["corpus"], CODE
        for entry in method.get("calibration", []):
            if "-" in entry:
                corpus = config["calibration"]["demonstrations"]["corpus"]
                yield from ((corpus, code) for code in entry.split("-"))
    downstream = config["evaluation"].get("downstream", {"tasks": {}})
    for task in downstream["tasks"].values():
        if task["kind"] == "parallel_cloze":
            for code in {*downstream["languages"], downstream["reference"]}:
                if has_text(config, task["corpus"], code):
                    yield task["corpus"], code


def text_definitions(config: dict) -> dict[str, dict]:
    """For every text, by corpus/language, its definition and, for own text, its file."""
    return {
        f"{corpus}/{language}": {
            "corpus_name": corpus,
            "definition": corpus_definition(config, corpus, language),
            "source": text_file(config, corpus, language),
        }
        for corpus, language in texts(config)
    }


def downloads(config: dict) -> dict[str, dict]:
    """The definition of every folder under resources/ that a config uses."""
    folders = {f"models/{model}": model_definition(config, model) for model in config["models"]}
    for name, entry in text_definitions(config).items():
        folders[f"corpora/{name}"] = entry["definition"]
    return folders
