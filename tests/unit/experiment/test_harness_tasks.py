from functools import cache

import pytest

from multiprune.errors import InputError
from multiprune.experiment.harness_tasks import (
    OWN,
    TASKS,
    harness_folder,
    lm_eval_task,
    missing_reason,
    task_family,
)
from multiprune.fetch.tasks.loading import task_manager

PAIRS = [
    (task, language)
    for task, family in TASKS.items()
    for language in family.names
    if family.folder != OWN
]


@cache
def index(folder):
    return task_manager(folder).task_index


@pytest.mark.parametrize(("task", "language"), PAIRS)
def test_every_name_is_a_task_of_that_language_in_lm_eval(task, language):
    entries = index(harness_folder(task, language))
    config = entries[lm_eval_task(task, language)].cfg
    while isinstance(config["task"], list):
        config = entries[config["task"][0]].cfg
    expected = {
        "xwinograd": {"ja": "jp"}.get(language, language),
        "belebele": lm_eval_task("belebele", language).removeprefix("belebele_"),
    }.get(task, language)
    assert config["dataset_name"] == expected


def test_number_of_pairs():
    counts = {task: len(family.names) for task, family in TASKS.items()}
    assert counts == {
        "xnli": 15,
        "xnli_whole_prompt": 15,
        "xcopa": 7,
        "xstorycloze": 8,
        "xwinograd": 6,
        "pawsx": 7,
        "lambada": 5,
        "global_mmlu": 13,
        "belebele": 20,
    }


def test_pairs_that_do_not_exist():
    assert lm_eval_task("xcopa", "fr") is None
    assert missing_reason("xcopa", "fr") == "XCOPA has no fr, only id it sw th tr vi zh"


def test_unknown_task_names_the_nearest():
    with pytest.raises(InputError, match=r"unknown task 'xnly': .*did you mean 'xnli'\?"):
        task_family("xnly")
