"""Downstream evaluation as a config asks for it: which tasks, languages and pruned models."""

from multiprune.errors import InputError
from multiprune.experiment import harness_tasks
from multiprune.experiment.downloads import has_text, text_code
from multiprune.experiment.grid import DENSE
from multiprune.experiment.members import compared, definition, members, own_language
from multiprune.experiment.names import must_be_one_of
from multiprune.experiment.settings.evaluation import (
    BuiltTask,
    HarnessTask,
    ParallelTranslation,
    Task,
    TranslationChoice,
)
from multiprune.experiment.settings.experiment import Experiment

OWN_LANGUAGE = "own_language"  # ends the names of the rules that evaluate members
# What a built task does with the reference language, which therefore has no such task.
ROLES = {TranslationChoice: "translated from", ParallelTranslation: "translated into"}
RULES = ("perplexity", "candidate", "finalists", OWN_LANGUAGE)  # evaluate no task


def with_downstream(experiment: Experiment) -> Experiment:
    """Fill in what is left out; raise InputError for the first name that leads nowhere."""
    if experiment.evaluation.downstream is None:
        return experiment
    given = experiment.evaluation.downstream
    filled = {
        "languages": given.languages or sorted(experiment.languages),
        "methods": given.methods or compared(experiment),
        "sparsities": given.sparsities or experiment.sparsities,
    }
    downstream = given.model_copy(update=filled)
    evaluation = experiment.evaluation.model_copy(update={"downstream": downstream})
    experiment = experiment.model_copy(update={"evaluation": evaluation})
    _check(experiment)
    return experiment


def _check(experiment: Experiment) -> None:
    downstream, where = experiment.evaluation.downstream, "evaluation.downstream"
    must_be_one_of("language", downstream.reference, experiment.languages, f"{where}.reference")
    for language in downstream.languages:
        must_be_one_of("language", language, experiment.languages, f"{where}.languages")
    for method in downstream.methods:
        must_be_one_of("method", method, compared(experiment), f"{where}.methods")
        own = definition(experiment, method).sparsities or experiment.sparsities
        if not _texts(own) & _texts(downstream.sparsities):
            raise InputError(
                f"{where}.sparsities: {method} has none of {downstream.sparsities}, "
                f"allowed are {sorted(own)}"
            )
    for name, task in downstream.tasks.items():
        if name in RULES or name.endswith(f"_{OWN_LANGUAGE}"):
            raise InputError(
                f"{where}.tasks.{name}: evaluate_{name} is another rule; take another name"
            )
        if isinstance(task, BuiltTask):
            corpus = f"{where}.tasks.{name}.corpus"
            must_be_one_of("corpus", task.corpus, experiment.corpora, corpus)
            text_code(experiment, task.corpus, downstream.reference)
        else:
            must_be_one_of("task", name, harness_tasks.TASKS, f"{where}.tasks")
        if not languages_of(experiment, name):
            reasons = [_missing(experiment, name, code) for code in _wanted(experiment)]
            raise InputError(
                f"{where}.tasks.{name}: no language has it ({'; '.join(reasons[:2])}); add one "
                "that has, or leave the task out"
            )


def _texts(sparsities: list[float]) -> set[str]:
    """Sparsities as they stand in paths: what is equal there is the same."""
    return {f"{value:g}" for value in sparsities}


def tasks_of(experiment: Experiment) -> dict[str, Task]:
    """All tasks by name; none without downstream evaluation."""
    downstream = experiment.evaluation.downstream
    return downstream.tasks if downstream else {}


def built_tasks(experiment: Experiment) -> dict[str, BuiltTask]:
    """The tasks that are built from a parallel corpus, by name."""
    tasks = tasks_of(experiment).items()
    return {name: task for name, task in tasks if isinstance(task, BuiltTask)}


def translations(experiment: Experiment) -> list[str]:
    """The tasks in which models write translations; all others are choices."""
    tasks = built_tasks(experiment)
    return [name for name, task in tasks.items() if isinstance(task, ParallelTranslation)]


def hub_tasks(experiment: Experiment) -> list[tuple[str, str]]:
    """Every (task, language) whose data come from the hub."""
    return [
        (task, language)
        for task in sorted(set(tasks_of(experiment)) - set(built_tasks(experiment)))
        for language in languages_of(experiment, task)
    ]


def optional_tasks(experiment: Experiment) -> list[str]:
    """Tasks of the hub whose languages may be left out where it does not have them."""
    tasks = tasks_of(experiment).items()
    return [
        name for name, task in tasks if isinstance(task, HarnessTask) and task.missing == "skip"
    ]


def languages_of(experiment: Experiment, task: str) -> list[str]:
    """Languages that a task exists in, of those asked for and the reference; sorted."""
    return [code for code in _wanted(experiment) if not _missing(experiment, task, code)]


def languages_under(experiment: Experiment, task: str, method: str) -> list[str]:
    """Languages that a task is asked in under a method, sorted.

    Of a member its own and the reference, which RankC compares it with; none where the task does
    not have its own.
    """
    codes, own = languages_of(experiment, task), own_language(experiment, method)
    if own is None:
        return codes
    reference = experiment.evaluation.downstream.reference
    return [code for code in codes if code in (own, reference)] if own in codes else []


def runs(experiment: Experiment, grid: dict) -> list[tuple[int, str, str]]:
    """Every (seed, method, sparsity) of a `grid` that is evaluated, members one by one."""
    return [
        (seed, member, sparsity)
        for method, settings in grid.get("methods", {}).items()
        for member in members(experiment, method).values() or [method]
        for seed in settings["seeds"]
        for sparsity in settings["sparsities"]
    ]


def _wanted(experiment: Experiment) -> list[str]:
    downstream = experiment.evaluation.downstream
    return sorted({*downstream.languages, downstream.reference})


def _missing(experiment: Experiment, task: str, language: str) -> str:
    """Why a task has no such language; empty where it has."""
    definition = tasks_of(experiment)[task]
    if not isinstance(definition, BuiltTask):
        found = harness_tasks.lm_eval_task(task, language)
        return "" if found else harness_tasks.missing_reason(task, language)
    reference = experiment.evaluation.downstream.reference
    if type(definition) in ROLES and language == reference:
        return f"{language} is the language that is {ROLES[type(definition)]}"
    if has_text(experiment, definition.corpus, language):
        return ""
    return f"{definition.corpus} has no text in {language}"


def grid(experiment: Experiment, methods: dict[str, dict]) -> dict:
    """What was measured downstream, {} where nothing was; `methods` as in `table_grid`."""
    downstream = experiment.evaluation.downstream
    if not downstream:
        return {}
    tasks = {}
    for task in sorted(downstream.tasks):
        reasons = {code: _missing(experiment, task, code) for code in _wanted(experiment)}
        tasks[task] = {
            "kind": downstream.tasks[task].kind,
            "languages": languages_of(experiment, task),
            "missing": {code: reason for code, reason in reasons.items() if reason},
        }
    return {
        "reference": downstream.reference,
        "rankc_order": downstream.rankc_order,
        "tasks": tasks,
        "methods": {
            method: {
                "seeds": methods[method]["seeds"],
                "sparsities": [
                    text
                    for text in methods[method]["sparsities"]
                    if method == DENSE or text in _texts(downstream.sparsities)
                ],
            }
            for method in (DENSE, *sorted(downstream.methods))
        },
    }
