"""A model folder on this machine, its files linked by absolute path; pickled weights converted."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import require_keys
from multiprune.fetch.model_files import (
    Check,
    check_configs,
    check_shards,
    check_tokenizer,
    check_weights,
    model_files,
)
from multiprune.fetch.pickled import convert
from multiprune.models.architectures import architecture_of
from multiprune.models.folder import pickled_weights


def fetch(definition: dict, folder: Path, fits: Check) -> dict:
    """Keys: folder."""
    source = _source(definition)
    names, what = _names(source), f"model folder {source}"
    pickled = pickled_weights(names)
    for name in names:
        if name not in pickled:
            (folder / name).symlink_to((source / name).resolve())
    check_shards(folder, names, what)
    check_configs(folder, what)
    architecture_of(source)
    check_tokenizer(folder, what)
    fits(folder)
    notes = convert(source, folder, pickled, what) if pickled else {}
    check_weights(folder, what)
    return notes


def made_by(definition: dict, code: str) -> dict:
    """The code, and which files there are to be linked."""
    return {"code": code, "files": _names(_source(definition))}


def check(definition: dict, pinned: dict, folder: Path, fits: Check) -> str:
    """Whether the folder can be used; nothing is copied."""
    fetch(definition, folder, fits)
    return "folder is complete"


def _source(definition: dict) -> Path:
    require_keys(definition, ["folder"])
    return Path(definition["folder"]).expanduser()


def _names(source: Path) -> list[str]:
    """Names of the files in a model folder that are wanted."""
    what = f"model folder {source}"
    if not source.is_dir():
        raise InputError(
            f"{what}: no such folder; give the folder that holds config.json, *.safetensors and "
            "the tokenizer"
        )
    if not (source / "config.json").exists() and (inside := _model_folders(source)):
        raise InputError(f"{what}: no config.json; give the folder that holds it: {inside}")
    return model_files([path.name for path in source.iterdir() if path.is_file()], what)


def _model_folders(folder: Path) -> str:
    """The first few model folders inside a folder, as the hub's cache has in snapshots/."""
    found = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
    return " or ".join(str(path.parent) for path in sorted(found)[:3])
