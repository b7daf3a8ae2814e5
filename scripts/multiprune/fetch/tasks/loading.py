"""lm-eval's task objects over a file of rows."""

from pathlib import Path

import lm_eval.tasks
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks import TaskManager

from multiprune.experiment.harness_tasks import OWN, TEMPLATES


def load_members(
    manifest: dict, rows: Path, cache: Path | str, folder: Path | None = None
) -> dict[str, ConfigurableTask]:
    """lm-eval's task objects by name, over a file of rows and zero-shot.

    Only the split that is scored is given: lm-eval would list all training rows for examples.
    """
    manager = task_manager(manifest["harness_folder"], folder)
    name, split = manifest["lm_eval_task"], manifest["dataset"]["split"]
    changes = {
        "dataset_path": manifest["format"],
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {split: str(rows)}, "cache_dir": str(cache)},
        "training_split": None,
        "validation_split": split if split == "validation" else None,
        "fewshot_split": None,
        "num_fewshot": 0,
    }
    if split not in ("test", "validation"):  # XStoryCloze calls it eval
        changes["validation_split"] = split
    # Members of a group given in place are the registered tasks with these keys changed.
    members = [{"task": member, **changes} for member in member_names(manager, name)]
    loaded = manager.load({"group": "prepared", "task": members})
    return dict(sorted(loaded["tasks"].items()))


def member_names(manager: TaskManager, name: str) -> list[str]:
    """The tasks of a group, or the task itself."""
    found = manager.task_index[name].cfg["task"]
    return found if isinstance(found, list) else [name]


def task_manager(harness_folder: str | None, folder: Path | None = None) -> TaskManager:
    """lm-eval's tasks in one of its own folders, in this project's (OWN), or in `folder`.

    Reading all of lm-eval's 13,000 YAML files would take longer than a small evaluation.
    """
    if harness_folder == OWN:
        folder = TEMPLATES
    elif harness_folder is not None:
        folder = Path(lm_eval.tasks.__file__).parent / harness_folder
    return TaskManager(include_path=str(folder), include_defaults=False)
