"""Downstream evaluation as a config asks for it: which tasks, languages and pruned models."""

from multiprune.errors import InputError
from multiprune.experiment import downloads as definitions
from multiprune.experiment.grid import DENSE
from multiprune.experiment.names import must_be_one_of
from multiprune.fetch.tasks import names as harness_tasks

CLOZE = "parallel_cloze"


def check(config: dict, downstream: dict) -> None:
    """Fill in what is left out; raise InputError for the first reference that leads nowhere."""
    where = "evaluation.downstream"
    downstream.setdefault("languages", sorted(config["languages"]))
    downstream.setdefault("methods", sorted(config["methods"]))
    downstream.setdefault("sparsities", config["sparsities"])
    must_be_one_of("language", downstream["reference"], config["languages"], f"{where}.reference")
    for language in downstream["languages"]:
        must_be_one_of("language", language, config["languages"], f"{where}.languages")
    for method in downstream["methods"]:
        must_be_one_of("method", method, config["methods"], f"{where}.methods")
        own = config["methods"][method].get("sparsities", config["sparsities"])
        if not _texts(own) & _texts(downstream["sparsities"]):
            raise InputError(
                f"{where}.sparsities: {method} has none of {downstream['sparsities']}, "
                f"allowed are {sorted(own)}"
            )
    for name, task in downstream["tasks"].items():
        if task["kind"] == CLOZE:
            corpus = f"{where}.tasks.{name}.corpus"
            must_be_one_of("corpus", task["corpus"], config["corpora"], corpus)
            definitions.text_code(config, task["corpus"], downstream["reference"])
        else:
            must_be_one_of("task", name, harness_tasks.TASKS, f"{where}.tasks")


def _texts(sparsities: list[float]) -> set[str]:
    """Sparsities as they stand in paths: what is equal there is the same."""
    return {f"{value:g}" for value in sparsities}


def cloze_tasks(config: dict) -> dict[str, dict]:
    """The tasks that are built from a parallel corpus, by name."""
    tasks = config["evaluation"].get("downstream", {}).get("tasks", {})
    return {name: task for name, task in tasks.items() if task["kind"] == CLOZE}


def hub_tasks(config: dict) -> list[tuple[str, str]]:
    """Every (task, language) whose data come from the hub."""
    tasks = config["evaluation"].get("downstream", {}).get("tasks", {})
    built = cloze_tasks(config)
    return [
        (task, language)
        for task in sorted(set(tasks) - set(built))
        for language in languages_of(config, task)
    ]


def languages_of(config: dict, task: str) -> list[str]:
    """Languages that a task exists in, the reference included, sorted."""
    downstream = config["evaluation"]["downstream"]
    wanted = {*downstream["languages"], downstream["reference"]}
    return sorted(code for code in wanted if not _missing(config, task, code))


def _missing(config: dict, task: str, language: str) -> str:
    """Why a task has no such language; empty where it has."""
    definition = config["evaluation"]["downstream"]["tasks"][task]
    if definition["kind"] != CLOZE:
        found = harness_tasks.lm_eval_task(task, language)
        return "" if found else harness_tasks.missing_reason(task, language)
    if definitions.has_text(config, definition["corpus"], language):
        return ""
    return f"{definition['corpus']} has no text in {language}"


def grid(config: dict, methods: dict[str, dict]) -> dict:
    """What was measured downstream, {} where nothing was; `methods` as in `table_grid`."""
    downstream = config["evaluation"].get("downstream")
    if not downstream:
        return {}
    wanted = {*downstream["languages"], downstream["reference"]}
    tasks = {}
    for task in sorted(downstream["tasks"]):
        reasons = {code: _missing(config, task, code) for code in sorted(wanted)}
        tasks[task] = {
            "kind": downstream["tasks"][task]["kind"],
            "languages": languages_of(config, task),
            "missing": {code: reason for code, reason in reasons.items() if reason},
        }
    return {
        "reference": downstream["reference"],
        "tasks": tasks,
        "methods": {
            method: {
                "seeds": methods[method]["seeds"],
                "sparsities": [
                    text
                    for text in methods[method]["sparsities"]
                    if method == DENSE or text in _texts(downstream["sparsities"])
                ],
            }
            for method in (DENSE, *sorted(downstream["methods"]))
        },
    }
