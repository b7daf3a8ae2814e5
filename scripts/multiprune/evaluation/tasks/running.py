"""Running a prepared task through lm-eval: its task objects and its evaluator.

A prepared task is a folder with `task.json` and one file of rows (`test.jsonl` or Parquet). lm-eval
gets the path of that file in place of the dataset its own YAML names, so that nothing is looked up
anywhere and a folder may be moved.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import datasets
import yaml
from jinja2 import TemplateError
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from transformers import set_seed

from multiprune.errors import InputError, in_one_line
from multiprune.evaluation.tasks.parallel_text import harness_configs
from multiprune.fetch.tasks.described import described_files, read_task
from multiprune.fetch.tasks.loading import load_members
from multiprune.files.aside import set_both_aside
from multiprune.files.hashes import sha256_file, sha256_json

SEED = 0  # zero-shot scoring draws nothing; whatever a task might draw is the same in every run
MULTIPLE_CHOICE = "multiple_choice"
# What lm-eval and its templates raise over rows; not what torch raises, such as out of memory.
LM_EVAL_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError),
    TemplateError,
)

datasets.disable_progress_bars()
for _noisy in ("lm_eval.evaluator", "lm_eval.api.task", "datasets"):
    logging.getLogger(_noisy).setLevel(logging.ERROR)


class UnscorableError(Exception):
    """A request of lm-eval that a model cannot be asked; the message is the reason."""

    def __init__(self, request: Instance, reason: str):
        super().__init__(reason)
        self.request = request


@dataclass(frozen=True)
class PreparedTask:
    """A task in one language: its manifest, lm-eval's task objects, the rows of each to score.

    A group of lm-eval, such as Global-MMLU with its subjects, has several members.
    """

    manifest: dict
    members: dict[str, ConfigurableTask]
    chosen: dict[str, range]

    @property
    def version(self) -> str:
        """lm-eval's version of the task."""
        return str(next(iter(self.members.values())).VERSION)

    def item_id(self, member: str, document: dict, position: int) -> str:
        """What tells an item in every language: columns named in `task.json`, else its position."""
        if columns := self.manifest["id"]:
            return "/".join(str(document[column]) for column in columns)
        return str(position) if len(self.members) == 1 else f"{member}/{position}"


def name_of(manifest: dict) -> str:
    """Task and language, as they stand in a message."""
    return f"{manifest['task']} ({manifest['language']})"


def prepare(manifest_path: Path | str, limit: int | None, cache: Path | str) -> PreparedTask:
    """Read a prepared task and choose at most `limit` items.

    `cache` is a folder for what `datasets` makes of the rows; it has to exist until the end.
    Raises InputError where the rows are not those that `task.json` describes, or not lm-eval's.
    """
    manifest = read_task(manifest_path)
    folder = Path(manifest_path).parent.absolute()
    rows = folder / manifest["file"]
    for file, recorded in described_files(manifest).items():
        if not (folder / file).is_file() or sha256_file(folder / file) != recorded:
            reason = f"is missing or not what {manifest_path} describes for {name_of(manifest)}"
            set_both_aside(Path(manifest_path), folder / file, reason)
    if manifest["harness_folder"] is None:
        _check_own(Path(manifest_path), folder / manifest["harness_file"], manifest)
    with _in_one_line(manifest):
        members = load_members(manifest, rows, cache, folder)
    return PreparedTask(manifest, members, _spread(members, limit))


def _check_own(manifest_path: Path, harness: Path, manifest: dict) -> None:
    """Set a task aside whose YAML is not one of ours: lm-eval runs what a YAML names."""
    named = manifest["task"], manifest["language"], manifest["file"]
    try:
        content = yaml.safe_load(harness.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError):
        content = None
    if content not in harness_configs(*named):
        reason = f"is not how {name_of(manifest)} is asked here"
        set_both_aside(manifest_path, harness, reason)


def _spread(members: dict[str, ConfigurableTask], limit: int | None) -> dict[str, range]:
    """The first rows of each member, as evenly as their sizes allow, `limit` in all."""
    sizes = {name: len(member.eval_docs) for name, member in members.items()}
    left = sum(sizes.values()) if limit is None else limit
    chosen = {}
    for place, name in enumerate(sorted(sizes, key=sizes.get)):
        count = min(sizes[name], -(-left // (len(sizes) - place)))
        left -= count
        if count:  # lm-eval takes an empty choice for all
            chosen[name] = range(count)
    return chosen


def requests_hash(task: PreparedTask) -> str:
    """SHA-256 of all that the model is asked and of the answers that count as right.

    Raises InputError where lm-eval cannot make requests of the rows.
    """
    with _in_one_line(task.manifest):
        return sha256_json([[name, *asked] for name, asked in _requests(task)])


def _requests(task: PreparedTask) -> Iterator[tuple[str, list]]:
    for name, chosen in task.chosen.items():
        member = task.members[name]
        member.build_all_requests(samples=chosen)
        for instance in member.instances:
            yield name, [*instance.args, right_choice(member, instance.doc)]


def right_choice(member: ConfigurableTask, document: dict) -> int | None:
    """Place of the right choice; None for a task that has no choices."""
    if member.OUTPUT_TYPE != MULTIPLE_CHOICE:
        return None
    # XWinograd's choices are contexts, and its text is the place of the right one.
    find = member.doc_to_text if member.multiple_input else member.doc_to_target
    answer = find(document)
    if isinstance(answer, str):
        return member.doc_to_choice(document).index(answer)
    return int(answer)


def samples_of(lm: LM, task: PreparedTask) -> Iterator[tuple[ConfigurableTask, dict]]:
    """Score the chosen items; lm-eval's record of each with the task it belongs to.

    Raises InputError where an item cannot be scored.
    """
    set_seed(SEED)
    members = {name: task.members[name] for name in task.chosen}
    try:
        with _in_one_line(task.manifest):
            results = evaluate(
                lm,
                {"tasks": members, "groups": {}, "group_map": {}},
                samples=task.chosen,
                bootstrap_iters=0,
                log_samples=True,
            )
    except UnscorableError as error:
        asked = error.request
        item = task.item_id(asked.task_name, asked.doc, asked.doc_id)
        raise InputError(f"task {name_of(task.manifest)}, item {item}: {error}") from None
    for name, samples in results["samples"].items():
        for sample in sorted(samples, key=lambda sample: sample["doc_id"]):
            yield members[name], sample


@contextmanager
def _in_one_line(manifest: dict) -> Iterator[None]:
    """Turn what lm-eval raises over the rows of a task into an InputError that names the task."""
    try:
        yield
    except LM_EVAL_ERRORS as error:
        raise InputError(
            f"task {name_of(manifest)}: lm-eval cannot score it ({in_one_line(error)}); compare "
            f"its rows ({manifest['file']}) with what lm-eval expects, or leave the task out"
        ) from error
