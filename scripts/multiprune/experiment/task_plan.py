"""Paths of downstream tasks and of what is answered to them, and the rules that evaluate them."""

from typing import Any

from multiprune.experiment import downstream, members, paths, table_grids
from multiprune.experiment.grid import DENSE
from multiprune.experiment.settings.experiment import Experiment


class TaskPlan:
    """The part of the plan that downstream tasks are; wildcards as in `plan`.

    `alone`: of the models that were pruned for one language, each of whose jobs has one language.
    """

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.members = sorted(members.origins(experiment))
        self.evaluated_in_all = [
            name for name in (DENSE, *experiment.methods) if name not in self.members
        ]
        self.built_tasks = downstream.built_tasks(experiment)
        self.hub_tasks = downstream.hub_tasks(experiment)
        self.optional_tasks = downstream.optional_tasks(experiment)

    def task_text(self, wildcards: Any) -> str:
        """The test split of a language in the corpus that a task is built from."""
        return paths.text(self.built_tasks[wildcards.task].corpus, wildcards.language, "test")

    def task_pivot(self, wildcards: Any) -> str:
        """The test split of the language that decides the items of a built task."""
        reference = self.experiment.evaluation.downstream.reference
        return paths.text(self.built_tasks[wildcards.task].corpus, reference, "test")

    def task_languages(self, task: str) -> list[str]:
        """Languages that a task exists in."""
        return downstream.languages_of(self.experiment, task)

    def task_files(self, task: str, alone: bool = False) -> list[str]:
        """What a task needs, one file a language, which is a wildcard where `alone`."""
        top = "<results>" if task in self.built_tasks else "<resources>"
        languages = ["{language}"] if alone else self.task_languages(task)
        return [f"{top}/tasks/{task}/{language}/task.json" for language in languages]

    def task_records(self, task: str, alone: bool = False) -> list[str]:
        """The records that one job of a task writes, one a language, with wildcards."""
        languages = ["{language}"] if alone else self.task_languages(task)
        run = ("{model}", "{seed}", "{method}", "{sparsity}")
        return [paths.answers(*run, task, language) for language in languages]

    def task_rules(self) -> list[tuple[str, bool]]:
        """The tasks, each for models of all languages, and `alone` where there are such models."""
        tasks = downstream.tasks_of(self.experiment)
        kinds = (False, True) if self.members else (False,)
        return [(task, alone) for task in tasks for alone in kinds]

    def task_rule(self, task: str, alone: bool) -> str:
        """Name of the rule that evaluates a task."""
        return f"evaluate_{task}_{downstream.OWN_LANGUAGE}" if alone else f"evaluate_{task}"

    def task_job(self, task: str, alone: bool) -> str:
        """What a job that evaluates a task is told apart by, with wildcards, as part of a path."""
        job = f"{self.task_rule(task, alone)}/{{model}}/seed{{seed}}/{{method}}/{{sparsity}}"
        return f"{job}/{{language}}" if alone else job

    def all_downstream(self, model: str) -> list[str]:
        """Every downstream record, dense included."""
        grid = table_grids.downstream_grid(self.experiment)["downstream"]
        runs = downstream.runs(self.experiment, grid)
        asked = {  # once a method: every job on a cluster plans anew
            method: [
                (task, language)
                for task in grid["tasks"]
                for language in downstream.languages_under(self.experiment, task, method)
            ]
            for method in {run[1] for run in runs}
        }
        return [paths.answers(model, *run, *pair) for run in runs for pair in asked[run[1]]]
