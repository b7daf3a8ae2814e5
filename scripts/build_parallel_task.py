"""Build one language of a downstream task from a parallel corpus."""

import argparse
import json
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import yaml

from multiprune.calibration.alignment import check_counts, check_lengths
from multiprune.errors import InputError
from multiprune.evaluation.tasks.parallel_text import (
    CHOICE,
    KINDS,
    check_enough,
    harness_config,
    paragraphs_by_id,
)
from multiprune.fetch.texts import read_rows
from multiprune.files.hashes import sha256_file
from multiprune.files.json import write_json, write_json_lines
from multiprune.files.manifests import manifest_beside
from multiprune.files.writing import replacing
from multiprune.jobs.command import run
from multiprune.registry import find


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pivot", required=True, help="corpus file that decides on the items")
    parser.add_argument("--text", required=True, help="corpus file of the language")
    parser.add_argument("--language", required=True)
    parser.add_argument("--task", required=True, help="name of the task")
    parser.add_argument(
        "--settings", type=json.loads, required=True, help="kind, items and lengths, JSON"
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", required=True, help="task.json; the task's folder is filled")
    return parser.parse_args()


def main() -> None:
    """Write the rows, lm-eval's YAML and task.json."""
    options = parse()
    kind = find(KINDS, options.settings.pop("kind"), having="DELIMITERS", what="kind of task")
    items, lengths_asked = options.settings.pop("items"), options.settings
    pivot, text = (paragraphs_by_id(read_rows(path)) for path in (options.pivot, options.text))
    check_counts(manifest_beside(options.pivot), manifest_beside(options.text))
    lengths = check_lengths(options.language, pivot, text)
    plan = kind.plan_items(pivot, items, **lengths_asked, seed=options.seed)
    if not plan:
        reason = kind.why_none_is_planned(pivot, **lengths_asked)
        raise InputError(f"{options.pivot}: {reason}")
    rows, dropped = kind.documents(plan, text)
    check_enough(options.language, rows, dropped, kind.CURE)
    folder = Path(options.output).parent
    named = options.task, options.language, "test.jsonl"
    asked = getattr(kind, "ASKED", CHOICE)
    config = harness_config(*named, kind.delimiter(text.values()), kind.VERSION, asked)
    write_json_lines(folder / "test.jsonl", rows)
    harness = folder / f"{config['task']}.yaml"
    with replacing(harness) as temporary:
        temporary.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    sha256 = sha256_file(folder / "test.jsonl")
    dataset = {"path": "test.jsonl", "name": None, "split": "test", "revision": sha256}
    task = {
        "task": options.task,
        "language": options.language,
        "lm_eval_task": config["task"],
        "harness_folder": None,
        "harness_file": harness.name,
        "harness_sha256": sha256_file(harness),
        "format": "json",
        "file": "test.jsonl",
        "sha256": sha256,
        "id": ["id"],
        "dataset": {**dataset, "rows": len(rows)},
        "planned": len(plan),
        "dropped": dropped,
        "paragraphs": lengths.pairs,
        "length_outliers": lengths.share,
        "provenance": {
            "seed": options.seed,
            "versions": {"lm_eval": version("lm_eval")},
            "inputs": {"pivot": sha256_file(options.pivot), "text": sha256_file(options.text)},
        },
    }
    write_json(options.output, task)
    print(f"{options.language}: {len(rows)} items of {len(plan)} (at most {items} asked)")
    print(f"{options.language}: {lengths}")
    for reason, count in Counter(dropped.values()).most_common():
        print(f"{options.language}: {count} dropped, {reason}")


if __name__ == "__main__":
    run(main)
