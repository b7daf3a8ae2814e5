"""A model folder on this machine, its files linked by absolute path."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import require_keys
from multiprune.fetch.model_files import (
    Check,
    check_configs,
    check_shards,
    check_tokenizer,
    model_files,
)
from multiprune.models.architectures import architecture_of
from multiprune.models.checkpoints import check_checkpoint


def fetch(definition: dict, folder: Path, fits: Check) -> dict:
    """Keys: folder."""
    require_keys(definition, ["folder"])
    source = Path(definition["folder"]).expanduser()
    if not source.is_dir():
        raise InputError(
            f"model folder {source}: no such folder; give the folder that holds config.json, "
            "*.safetensors and the tokenizer"
        )
    what = f"model folder {source}"
    if not (source / "config.json").exists() and (inside := _model_folders(source)):
        raise InputError(f"{what}: no config.json; give the folder that holds it: {inside}")
    names = model_files([path.name for path in source.iterdir() if path.is_file()], what)
    for name in names:
        (folder / name).symlink_to((source / name).resolve())
    check_shards(folder, names, what)
    check_configs(folder, what)
    architecture_of(source)
    check_tokenizer(folder, what)
    fits(folder)
    check_checkpoint(folder, what)
    return {}


def check(definition: dict, pinned: dict, folder: Path, fits: Check) -> str:
    """Whether the folder can be used; nothing is copied."""
    fetch(definition, folder, fits)
    return "folder is complete"


def _model_folders(folder: Path) -> str:
    """The first few model folders inside a folder, as the hub's cache has in snapshots/."""
    found = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
    return " or ".join(str(path.parent) for path in sorted(found)[:3])
