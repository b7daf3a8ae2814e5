"""Scores of one model, dense or masked, on one downstream task in every language."""

import argparse
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from multiprune.evaluation.arguments import add_arguments, provenance
from multiprune.evaluation.cache import EvaluationCache
from multiprune.experiment.harness_tasks import MISSING
from multiprune.fetch.tasks.described import read_task
from multiprune.files.hashes import sha256_file
from multiprune.files.json import write_json
from multiprune.files.writing import scratch_folder
from multiprune.jobs.code_digest import code_digest
from multiprune.jobs.command import run
from multiprune.models.devices import card, set_up
from multiprune.models.tokenizer import load_tokenizer
from multiprune.pruning.loading import load_pruned

# lm-eval imports the hub's client, which models.loading has to have told to stay offline.
# isort: split
from lm_eval.api.model import LM

from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import PreparedTask, prepare, requests_hash


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--task", required=True, help="name of the task")
    parser.add_argument("--tasks-folder", required=True, help="holds {language}/task.json")
    parser.add_argument("--languages", type=json.loads, required=True, help="list of languages")
    parser.add_argument("--limit", type=int, nargs="?", help="items per language at most")
    parser.add_argument("--batch-size", type=int, required=True, help="requests in a batch")
    return parser.parse_args()


def main() -> None:
    """Compute what is not in the cache, then write one record per language."""
    options = parse()
    device = set_up(options.threads)
    origin = provenance(options, device) | {"batch_size": options.batch_size}
    origin["versions"] |= {"lm_eval": version("lm_eval")}

    @cache
    def lm() -> LM:
        model = load_pruned(options.model, options.dtype, options.mask)
        return LoadedModel(model, load_tokenizer(options.model), options.batch_size)

    kept = EvaluationCache(options.cache, code_digest(__file__), card())
    with scratch_folder() as temporary:
        for language in sorted(options.languages):
            manifest = Path(options.tasks_folder) / language / "task.json"
            file = Path(options.output) / f"{language}.json"
            if reason := read_task(manifest).get(MISSING):
                of_none = {MISSING: reason, "provenance": {**origin, "task": sha256_file(manifest)}}
                write_json(file, asked(options, language) | of_none)
                print(f"{language}: left out ({reason})", flush=True)
                continue
            task = prepare(manifest, options.limit, temporary / language)
            inputs = {**origin, "requests": requests_hash(task), "id": task.manifest["id"]}
            record, found = kept.get_or_compute(
                {"measure": "downstream", **inputs}, lambda task=task: measure(lm(), task)
            )
            made_of = {**inputs, "task": sha256_file(manifest)}
            result = described(options, task) | record | {"provenance": made_of}
            write_json(file, result)
            scores = ", ".join(
                f"{metric} {values['score']:.3f}" for metric, values in record["metrics"].items()
            )
            state = "kept from an earlier run" if found else "computed"
            items = len(record["samples"]["id"])
            print(f"{language}: {scores} on {items} items ({state})", flush=True)
            if cut := record["truncated"]:
                reason = "longer than the model's positions and lost its beginning"
                print(f"{language}: {cut} of them with a prompt that is {reason}", flush=True)


def asked(options: argparse.Namespace, language: str) -> dict:
    """Which model was to be asked what."""
    return {
        "model": Path(options.model).name,
        "seed": options.seed,
        "method": options.method,
        "sparsity": float(options.sparsity),
        "task": options.task,
        "language": language,
    }


def described(options: argparse.Namespace, task: PreparedTask) -> dict:
    """What was evaluated: the part of a record that is known before the model is run."""
    return asked(options, task.manifest["language"]) | {
        "lm_eval_task": task.manifest["lm_eval_task"],
        "limit": options.limit,
        "batch_size": options.batch_size,
        "harness_version": version("lm_eval"),
        "task_version": task.version,
        "dataset": task.manifest["dataset"],
    }


if __name__ == "__main__":
    run(main)
