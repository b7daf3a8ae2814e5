"""The score of a model on a prepared task, with all that a paired comparison needs."""

import math

import numpy as np
from lm_eval.api.metrics import mean, mean_stderr
from lm_eval.api.model import LM

from multiprune.errors import InputError
from multiprune.evaluation.tasks.running import PreparedTask, right_choice, samples_of
from multiprune.evaluation.translations import SCORES, counts, score
from multiprune.experiment.harness_tasks import TASKS

WRITTEN = "generate_until"  # lm-eval's word for tasks that a model answers by writing
METRICS = ("acc", "acc_norm")  # right or wrong for each item; other metrics are left to lm-eval


def measure(lm: LM, task: PreparedTask) -> dict:
    """What a model answers to a task, and the scores of it."""
    written = {member.OUTPUT_TYPE for member in task.members.values()} == {WRITTEN}
    return _measure_written(lm, task) if written else _measure_choices(lm, task)


def _measure_written(lm: LM, task: PreparedTask) -> dict:
    """Scores of the translations that a model writes, and what each item counts in them."""
    ids, written, references = [], [], []
    for member, sample in samples_of(lm, task):
        ids.append(task.item_id(member.task_name, sample["doc"], sample["doc_id"]))
        written += sample["filtered_resps"]
        references.append(sample["target"])
    rows = {metric: counts(metric, written, references) for metric in SCORES}
    return {
        "metrics": {
            metric: {"score": score(metric, np.array(own)), "stderr": None}
            for metric, own in rows.items()
        },
        "chance": None,
        "requests": len(ids),
        "truncated": lm.truncated,
        "samples": {
            "id": ids,
            "target": None,
            "log_likelihoods": None,
            "correct": {},
            "written": written,
            "counts": rows,
        },
    }


def _measure_choices(lm: LM, task: PreparedTask) -> dict:
    """Scores, standard errors, chance and one entry an item.

    Log-likelihoods are sums over the tokens of a choice, means where the task is `per_token`.
    `log_likelihoods` and `target` are None for a task without choices (LAMBADA), and so is
    `chance`. `truncated` counts the items with a prompt that the model could not read whole. Raises
    InputError where a log-likelihood is not a finite number.
    """
    ids, targets, likelihoods, requests = [], [], [], 0
    correct: dict[str, list[int]] = {}
    per_token = is_per_token(task.manifest)
    for member, sample in samples_of(lm, task):
        ids.append(task.item_id(member.task_name, sample["doc"], sample["doc_id"]))
        targets.append(right_choice(member, sample["doc"]))
        values = [float(value) for value, _greedy in sample["filtered_resps"]]
        right = {metric: int(sample[metric]) for metric in METRICS if metric in sample}
        if per_token:
            pairs = lm.encode_item(sample["arguments"])
            values = [value / len(choice) for value, (_, choice) in zip(values, pairs, strict=True)]
            right = {"acc": int(np.argmax(values) == targets[-1])}
        likelihoods.append(values)
        requests += len(sample["arguments"])
        for metric, is_right in right.items():
            correct.setdefault(metric, []).append(is_right)
    if not all(map(math.isfinite, (value for row in likelihoods for value in row))):
        raise InputError(
            f"{task.manifest['lm_eval_task']}: a log-likelihood is not finite; the model is broken "
            "or its precision too low, try dtype float32"
        )
    choices = None if None in targets else likelihoods
    return {
        "metrics": {metric: scored(values) for metric, values in correct.items()},
        "chance": None if choices is None else mean([1 / len(row) for row in choices]),
        "requests": requests,
        "truncated": lm.truncated,
        "samples": {
            "id": ids,
            "target": None if choices is None else targets,
            "log_likelihoods": choices,
            "correct": correct,
        },
    }


def is_per_token(manifest: dict) -> bool:
    """Whether a task's choices are scored by the mean log-probability of their tokens."""
    family = None if manifest["harness_folder"] is None else TASKS.get(manifest["task"])
    return family is not None and family.per_token


def scored(values: list[int]) -> dict[str, float | None]:
    """Share of right answers and its standard error, as lm-eval computes them."""
    return {"score": mean(values), "stderr": mean_stderr(values) if len(values) > 1 else None}
