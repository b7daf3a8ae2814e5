"""Which modules a job's config names: the code of the job is these, and no others of their kind."""

from typing import Any

from multiprune.experiment.axes import modules_of
from multiprune.experiment.downstream import built_tasks
from multiprune.experiment.methods import method_options
from multiprune.experiment.package_corpora import resolved
from multiprune.experiment.settings.corpora import PackageCorpus
from multiprune.experiment.settings.experiment import Experiment


class Modules:
    """The modules that the jobs of an experiment name, by the wildcards of the job."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment

    def of_model(self, wildcards: Any) -> list[str]:
        """The module that fetches a model of this kind."""
        return [f"fetch.models.{self.experiment.models[wildcards.model].kind}"]

    def of_corpus(self, wildcards: Any) -> list[str]:
        """The module that reads a corpus of this kind, and a package's that of its format."""
        corpus = self.experiment.corpora[wildcards.corpus]
        modules = [f"fetch.corpora.{corpus.kind}"]
        if isinstance(corpus, PackageCorpus):
            modules.append(f"fetch.formats.{resolved(corpus.plain())['format']}")
        return modules

    def of_method(self, wildcards: Any) -> list[str]:
        """The modules of a method's score, norm and allocation."""
        return modules_of(method_options(self.experiment, wildcards.method))

    def of_task(self, wildcards: Any) -> list[str]:
        """The module of a task's kind."""
        return [f"evaluation.tasks.{built_tasks(self.experiment)[wildcards.task].kind}"]

    def of_table(self, wildcards: Any) -> list[str]:
        """The module that makes a table."""
        return [f"tables.{wildcards.table}"]

    def of_figure(self, wildcards: Any) -> list[str]:
        """The module that draws a figure."""
        return [f"figures.{wildcards.figure}"]
