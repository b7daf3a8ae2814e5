"""What jobs are told beside their files: definitions and options, as arguments of their scripts."""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from multiprune import registry
from multiprune.experiment import candidates, downloads, downstream, methods, table_grids
from multiprune.experiment.demands import demands, windows_of_texts
from multiprune.experiment.harness_tasks import is_left_out, template
from multiprune.experiment.names import claims_file
from multiprune.experiment.settings.experiment import Experiment
from multiprune.files.hashes import sha256_file, sha256_json
from multiprune.files.json import canonical

FIGURE_SPACE = "\u2007"


class Options:
    """The arguments of an experiment's jobs, canonical: reordering the config changes none.

    `wildcards` are those of the job.
    """

    def __init__(self, experiment: Experiment):
        self.experiment = experiment

    def results(self, wildcards: Any) -> str:
        """Folder of the experiment's results."""
        return f"results/{self.experiment.experiment}"

    # Fetching.

    def model_definition(self, wildcards: Any) -> str:
        """What the model is, as JSON."""
        return canonical(downloads.model_definition(self.experiment, wildcards.model))

    def model_definitions(self, wildcards: Any) -> str:
        """What every model is, as JSON."""
        models = self.experiment.models
        return canonical(
            {name: downloads.model_definition(self.experiment, name) for name in models}
        )

    def archive_definition(self, wildcards: Any) -> str:
        """What the archive of a package is, as JSON."""
        known = downloads.archives(self.experiment)
        return canonical(known.get(f"{wildcards.registry}/{wildcards.archive}", {}))

    def corpus_definition(self, wildcards: Any) -> str:
        """What a language's text is, as JSON."""
        text = (wildcards.corpus, wildcards.language)
        return canonical(downloads.corpus_definition(self.experiment, *text))

    def content_of_source(self, wildcards: Any) -> str:
        """SHA-256 of a language's own text as it is now; empty for text that is downloaded."""
        text = (wildcards.corpus, wildcards.language)
        return _content(downloads.text_file(self.experiment, *text))

    def content_of_claims(self, wildcards: Any) -> str:
        """SHA-256 of the file of claims as it is now, for a table that reads it."""
        reads = "claims" in table_grids.reads(wildcards.table)
        return _content(claims_file(self.experiment)) if reads else ""

    def text_definitions(self, wildcards: Any) -> str:
        """What every text is, as JSON."""
        return canonical(downloads.text_definitions(self.experiment))

    def windows_of_texts(self, wildcards: Any) -> str:
        """What windows the experiment asks of every text, as JSON."""
        return canonical(windows_of_texts(self.experiment))

    def task_definition(self, wildcards: Any) -> str:
        """Which task in which language, as JSON."""
        return canonical({"task": wildcards.task, "language": wildcards.language})

    def missing_task(self, wildcards: Any) -> str:
        """What to do where the hub does not have a task: fail or skip."""
        return "skip" if wildcards.task in downstream.optional_tasks(self.experiment) else "fail"

    def wrongly_left_out(self, wildcards: Any) -> str:
        """What has the job run again that left a task out, now that it must not be missing."""
        file = Path(f"resources/tasks/{wildcards.task}/{wildcards.language}/task.json")
        return "left out" if self.missing_task(wildcards) == "fail" and is_left_out(file) else ""

    def dtype(self, wildcards: Any) -> str:
        """The dtype that the model computes in."""
        return self.experiment.models[wildcards.model].dtype

    def asked_of_model(self, wildcards: Any) -> str:
        """What the experiment asks of a model, as JSON."""
        return canonical(demands(self.experiment, wildcards.model))

    def asked_of_models(self, wildcards: Any) -> str:
        """What the experiment asks of every model, as JSON."""
        models = self.experiment.models
        return canonical({name: demands(self.experiment, name) for name in models})

    # Calibration and statistics.

    def activation_thresholds(self, wildcards: Any) -> list[float]:
        """Thresholds that activity is counted at."""
        return methods.activation_thresholds(self.experiment)

    def absolute_thresholds(self, wildcards: Any) -> list[float]:
        """Thresholds of |x| itself that activity is counted at."""
        return methods.activation_thresholds(self.experiment, relative=False)

    def statistics_spread(self, wildcards: Any) -> list[str]:
        """Means that are summed beside squares."""
        return methods.statistics_spread(self.experiment)

    def corpora(self, languages: list[str]) -> str:
        """The corpus that each language's text is of, as JSON."""
        return canonical({code: self.experiment.languages[code].corpus for code in languages})

    def corpus_of_language(self, wildcards: Any) -> str:
        """`corpora` of the one language that a member is evaluated in."""
        return self.corpora([wildcards.language])

    # Pruning.

    def method(self, wildcards: Any) -> str:
        """The options of a method, defaults filled in, as JSON."""
        return canonical(methods.method_options(self.experiment, wildcards.method))

    def languages_to_take(self, wildcards: Any) -> int | str:
        """How many languages a method takes of an order; empty for other methods."""
        size = methods.chosen_size(self.experiment, wildcards.method)
        return "" if size is None else size

    def language_names(self, wildcards: Any) -> str:
        """The names of the languages that a method is evaluated in by their codes, as JSON."""
        languages = methods.evaluated_under(self.experiment, wildcards.method)
        return canonical({code: self.experiment.languages[code].name for code in languages})

    # Constants that are chosen.

    def candidates(self, wildcards: Any) -> str:
        """The candidates of a method, the simplest first, as JSON."""
        tried = methods.candidates(self.experiment, wildcards.method)
        return canonical([{"name": one.name, "constants": one.constants} for one in tried])

    def constants(self, wildcards: Any) -> str:
        """The constants of a candidate, as JSON."""
        return canonical(self._constants(wildcards))

    def candidate(self, wildcards: Any) -> str:
        """The options of a method with the constants of a candidate set, as JSON."""
        options = methods.method_options(self.experiment, wildcards.method)
        return canonical(candidates.with_constants(options, self._constants(wildcards)))

    def finalists(self, wildcards: Any) -> int | str:
        """How many candidates of a method are measured on all seeds; empty if none are."""
        return self.experiment.methods[wildcards.method].choose_finalists or ""

    def sparsity_of_choice(self, wildcards: Any) -> str:
        """The sparsity that a method's constants are chosen at."""
        return methods.sparsity_text(self.experiment.methods[wildcards.method].choose_at)

    # Examples, downstream tasks, tables and figures.

    def prompts(self, wildcards: Any) -> str:
        """What models are given to continue, by language, as JSON."""
        examples = self.experiment.evaluation.examples
        return canonical(examples.prompts if examples else {})

    def settings_of_task(self, wildcards: Any) -> str:
        """What a task is built by, beside the text, as JSON."""
        settings = downstream.built_tasks(self.experiment)[wildcards.task].model_dump()
        del settings["corpus"]
        if wildcards.task in downstream.translations(self.experiment):
            sides = {"source": wildcards.language}
            sides["target"] = self.experiment.evaluation.downstream.reference
            names = {side: self.experiment.languages[code].name for side, code in sides.items()}
            settings |= names
        return canonical(settings)

    def folder_of_task(self, task: str) -> Callable[[Any], str]:
        """Parameter function: the folder with a folder for each language of a task."""
        built = task in downstream.built_tasks(self.experiment)
        return lambda wildcards: f"{self.results(wildcards) if built else 'resources'}/tasks/{task}"

    def content_of_template(self, task: str) -> str:
        """SHA-256 of this project's YAML of a task, so that an edit asks anew; empty for others."""
        return _content(template(task))

    def languages_of_task(self, task: str, alone: bool) -> str | Callable[[Any], str]:
        """Those that one job asks a task in, as a JSON list; a member's job asks in one alone."""
        if alone:
            return lambda wildcards: canonical([wildcards.language])
        return canonical(downstream.languages_of(self.experiment, task))

    def grid_of_table(self, wildcards: Any) -> str:
        """Digest of the part of the grid that a table depends on."""
        return sha256_json(table_grids.grid_of_table(self.experiment, wildcards.table))

    def grid_of_figures(self, wildcards: Any) -> str:
        """Digest of the part of the grid that figures depend on."""
        return self._grid_of_figures

    def grid_of_findings(self, wildcards: Any) -> str:
        """Digest of the part of the grid that the results in words depend on."""
        return sha256_json(table_grids.findings_grid(self.experiment))

    def caption_of_table(self, wildcards: Any) -> str:
        """What explains a table's columns in the report."""
        return registry.constants("tables", wildcards.table)["CAPTION"]

    def method_labels(self, wildcards: Any) -> str:
        """What pages call methods, by their names, as JSON."""
        return canonical(methods.labels(self.experiment))

    def title_of_table(self, wildcards: Any) -> str:
        """What the report calls a table."""
        return registry.constants("tables", wildcards.table)["TITLE"]

    def columns_on_page(self, wildcards: Any) -> str:
        """The columns of a table that its page shows, as a JSON list."""
        told = registry.constants("tables", wildcards.table)
        return canonical(told.get("ON_PAGE", told["COLUMNS"]))

    def menu_of_table(self, wildcards: Any) -> dict[str, str]:
        """A table's entry in the menu of the report."""
        return {"table": _numbered("tables", wildcards.table, self._made_tables)}

    def menu_of_figure(self, wildcards: Any) -> dict[str, str]:
        """A figure's entry in the menu of the report."""
        return {"figure": _numbered("figures", wildcards.figure, self._made_figures)}

    @cached_property
    def _made_tables(self) -> list[str]:
        return table_grids.tables(self.experiment)

    @cached_property
    def _made_figures(self) -> list[str]:
        return table_grids.figures(self.experiment)

    @cached_property
    def _grid_of_figures(self) -> str:  # once, not for each figure
        return sha256_json(table_grids.figures_grid(self.experiment))

    def _constants(self, wildcards: Any) -> dict:
        tried = methods.candidates(self.experiment, wildcards.method)
        return {one.name: one.constants for one in tried}[wildcards.candidate]


def _numbered(package: str, name: str, made: list[str]) -> str:
    """The title of a table or figure behind its place among those that are made.

    The report sorts entries as text: a space as wide as a digit puts 2 before 10.
    """
    entries = {other: registry.constants(package, other) for other in {*made, name}}
    order = sorted(entries, key=lambda other: (entries[other]["PLACE"], other))
    width = len(str(len(order)))
    return f"{order.index(name) + 1:{FIGURE_SPACE}>{width}} {entries[name]['TITLE']}"


def _content(path: str | None) -> str:
    """SHA-256 of a user's own file: it counts by its content, whatever its time.

    Empty where it cannot be read, or is a pipe that would never end; the job that reads it says so.
    """
    try:
        return sha256_file(path) if path and os.path.isfile(path) else ""
    except OSError:
        return ""
