"""What every download of an experiment is, in the form that decides whether it is fetched anew."""

import os
from collections.abc import Iterator
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.grid import CODE
from multiprune.experiment.methods import all_calibration_sets
from multiprune.experiment.package_corpora import archive_definition, archive_names, resolved
from multiprune.experiment.settings.corpora import PackageCorpus, TextCorpus
from multiprune.experiment.settings.evaluation import BuiltTask
from multiprune.experiment.settings.experiment import Experiment


def model_definition(experiment: Experiment, model: str) -> dict:
    """What fetching a model depends on."""
    return experiment.models[model].model_dump(exclude={"dtype", "parameters"}, exclude_none=True)


def text_code(experiment: Experiment, corpus: str, language: str) -> str:
    """The code under which a corpus has a language; raise InputError where none is given."""
    if language == CODE:
        return experiment.calibration.code.text
    entry = experiment.languages[language]
    if corpus == entry.corpus:
        return entry.text
    if corpus not in entry.texts:
        raise InputError(
            f"languages.{language}.texts: has no code for the corpus {corpus}; add {corpus}: ..."
        )
    return entry.texts[corpus]


def has_text(experiment: Experiment, corpus: str, language: str) -> bool:
    """Whether a language has text in a corpus."""
    entry = experiment.languages[language]
    return corpus == entry.corpus or corpus in entry.texts


def corpus_definition(experiment: Experiment, corpus: str, language: str) -> dict:
    """What fetching a language's text depends on."""
    entry = experiment.corpora[corpus].plain()
    if entry.get("paragraphs") == "blank_lines":
        del entry["paragraphs"]  # folders that say nothing of paragraphs hold just this
    if isinstance(experiment.corpora[corpus], PackageCorpus):
        # In plain words, so that a change of a ready-made entry is another definition.
        entry = resolved(entry) | _script(experiment, language)
    return {"corpus": entry, "text": text_code(experiment, corpus, language)}


def _script(experiment: Experiment, language: str) -> dict:
    """The script that the text of a language is held against, where the config says it."""
    script = None if language == CODE else experiment.languages[language].script
    return {"script": script} if script else {}


def archives_of_text(experiment: Experiment, corpus: str, language: str) -> list[str]:
    """Archives that a language's text is read from, below the folder of packages; none of others.

    The first has the text, a second one that of the corpus's reference.
    """
    if not isinstance(experiment.corpora[corpus], PackageCorpus):
        return []
    entry = resolved(experiment.corpora[corpus].plain())
    return archive_names(entry, text_code(experiment, corpus, language))


def archives(experiment: Experiment) -> dict[str, dict]:
    """The definition of every archive of a package, by its place below the folder of packages."""
    found: dict[str, dict] = {}
    for name, corpus in experiment.corpora.items():
        if isinstance(corpus, PackageCorpus):
            entry = resolved(corpus.plain())
            having = [code for code in experiment.languages if has_text(experiment, name, code)]
            texts = [text_code(experiment, name, code) for code in having]
            if (code := experiment.calibration.code) and code.corpus == name:
                texts.append(code.text)
            for text in [entry["reference"], *texts]:
                found[archive_names(entry, text)[0]] = archive_definition(entry, text)
    return found


def text_file(experiment: Experiment, corpus: str, language: str) -> str:
    """The file on this machine that a language's text is read from, empty for other corpora.

    The .jsonl counts where it stands and the .txt does not.
    """
    definition = experiment.corpora[corpus]
    if not isinstance(definition, TextCorpus):
        return ""
    stem = Path(definition.folder).expanduser() / text_code(experiment, corpus, language)
    plain, objects = f"{stem}.txt", f"{stem}.jsonl"
    return objects if os.path.isfile(objects) and not os.path.isfile(plain) else plain


def texts(experiment: Experiment) -> list[tuple[str, str]]:
    """Every (corpus, language) whose text is used, sorted."""
    return sorted(set(_texts(experiment)))


def _texts(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for code, language in experiment.languages.items():
        yield language.corpus, code
    for name in all_calibration_sets(experiment):
        if name == CODE:
            yield experiment.calibration.code.corpus, CODE
        elif "-" in name:
            corpus = experiment.calibration.demonstrations.corpus
            yield from ((corpus, code) for code in name.split("-"))
    if downstream := experiment.evaluation.downstream:
        for task in downstream.tasks.values():
            if isinstance(task, BuiltTask):
                for code in {*downstream.languages, downstream.reference}:
                    if has_text(experiment, task.corpus, code):
                        yield task.corpus, code


def text_definitions(experiment: Experiment) -> dict[str, dict]:
    """For every text, by corpus/language, its definition and, for own text, its file."""
    return {
        f"{corpus}/{language}": {
            "corpus_name": corpus,
            "definition": corpus_definition(experiment, corpus, language),
            "source": text_file(experiment, corpus, language),
        }
        for corpus, language in texts(experiment)
    }


def downloads(experiment: Experiment) -> dict[str, dict]:
    """The definition of every folder under resources/ that a config uses."""
    folders = {
        f"models/{model}": model_definition(experiment, model) for model in experiment.models
    }
    for name, entry in text_definitions(experiment).items():
        folders[f"corpora/{name}"] = entry["definition"]
    return folders
