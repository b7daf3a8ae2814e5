"""The files of a model folder: which are wanted, and what makes a model be refused early."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from multiprune.errors import InputError, shown
from multiprune.files.json import parse_text
from multiprune.models.checkpoints import check_checkpoint
from multiprune.models.folder import INDICES, PICKLED, is_model_file, pickled_weights
from multiprune.models.positions import KEYS, MOST_POSITIONS
from multiprune.models.weights import INDEX, WHOLE, weight_names

Check = Callable[[Path], None]  # of a folder; raises InputError

CONFIGS = ("config.json", "tokenizer_config.json")  # either may ask for code
ATTENTION = ("attn_implementation", "_attn_implementation")  # org/kernel is code of a hub
VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt")


def model_files(names: Iterable[str], source: str) -> list[str]:
    """Those of a model's files that are wanted; InputError where a needed one is lacking.

    Top-level configuration, tokenizer and licence files, and the safetensors files of
    `weight_names`: a second copy of the weights is left. Without any, the pickled weights.
    """
    top_level = sorted(name for name in names if "/" not in name)
    wanted = list(filter(is_model_file, top_level))
    weights = [name for name in wanted if name.endswith(".safetensors")]
    if "config.json" not in wanted:
        raise InputError(f"{source}: no config.json; a model in Hugging Face layout is expected")
    pickled = pickled_weights(top_level)
    if not weights and not pickled:
        others = [name for name in top_level if name.endswith(PICKLED)]
        found = f"no weights but {', '.join(others[:3])}" if others else "no weights"
        raise InputError(
            f"{source}: {found}; *.safetensors are read, else pytorch_model*.bin: save the model "
            "with save_pretrained"
        )
    if not any(name in VOCABULARIES or name.endswith(".model") for name in wanted):
        raise InputError(
            f"{source}: no tokenizer; one of {', '.join(VOCABULARIES)} or a *.model file is needed"
        )
    if pickled:
        return [*(name for name in wanted if name not in INDICES), *pickled]
    used = weight_names(weights)
    left = {*weights, INDEX} if WHOLE in used else set(weights)
    return [name for name in wanted if name in used or name not in left]


def check_shards(folder: Path, names: Sequence[str], source: str) -> None:
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


def check_configs(folder: Path, source: str) -> None:
    """InputError for a model that wants code of its own, is quantized or has absurd positions."""
    for name in CONFIGS:
        if not (folder / name).is_file():
            continue
        config = _json_object(folder / name, source)
        for key, value in _all_keys(config):
            if key == "auto_map" or (key in ATTENTION and "/" in str(value)):
                raise InputError(
                    f"{source}: {name} asks for Python code from the repository ({key}), which is "
                    "never run; use a model that transformers itself implements"
                )
            if key in KEYS and isinstance(value, int | float) and value > MOST_POSITIONS:
                raise InputError(
                    f"{source}: {name} has {key}: {shown(value)}, at most {MOST_POSITIONS} are "
                    "possible; take an undamaged copy of the model"
                )
        if config.get("quantization_config"):
            raise InputError(
                f"{source}: {name} has a quantization_config, and only weights of floating-point "
                "numbers can be pruned; use the model that is not quantized"
            )


def _all_keys(config: object) -> Iterator[tuple[str, object]]:
    """Every key at any depth with its value."""
    entries = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in entries:
        yield str(key), value
        if isinstance(value, dict | list):
            yield from _all_keys(value)


def check_tokenizer(folder: Path, source: str) -> None:
    """InputError for a tokenizer that cannot be loaded or is not the model's."""
    from multiprune.models.tokenizer import load_tokenizer  # brings torch, which parsing needs not

    load_tokenizer(folder, source)


def check_weights(folder: Path, source: str) -> None:
    """InputError for weights that are damaged, or not those of config.json."""
    from multiprune.models.opening import check_model  # brings torch as well

    check_checkpoint(folder, source)
    check_model(folder, source)


def _json_object(path: Path, source: str) -> dict:
    try:
        content = parse_text(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{source}: {path.name} is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: {path.name} is not a JSON object")
    return content
