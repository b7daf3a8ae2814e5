"""What can be wrong with a model folder, as changes of a sound one."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tiny import byte_tokenizer

Change = Callable[[Path], None]

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
FIRST, SECOND = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"


def tensors(new: dict[str, torch.Tensor | None]) -> Change:
    """Tensors replaced or added, or left out where None."""

    def change(folder: Path) -> None:
        stored = load_file(folder / WHOLE) | new
        kept = {name: tensor for name, tensor in stored.items() if tensor is not None}
        save_file(kept, folder / WHOLE, {"format": "pt"})

    return change


def no_rows(name: str, columns: int) -> Change:
    """A matrix without a row, and with more columns than numpy can count."""

    def change(folder: Path) -> None:
        tensors({name: torch.empty(0, columns)})(folder)

    return change


def number(name: str, value: float, dtype: torch.dtype = torch.float32) -> Change:
    """The last number of a tensor, which is stored in `dtype`."""

    def change(folder: Path) -> None:
        tensor = load_file(folder / WHOLE)[name].to(dtype)
        tensor.view(-1)[-1] = value
        tensors({name: tensor})(folder)

    return change


def entries(file: str, **new: object) -> Change:
    """Entries of a JSON file replaced or added."""

    def change(folder: Path) -> None:
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(content | new))

    return change


def content(file: str, data: bytes) -> Change:
    """Another content of a file."""

    def change(folder: Path) -> None:
        (folder / file).write_bytes(data)

    return change


def cut(file: str, count: int) -> Change:
    """A file without its last bytes."""

    def change(folder: Path) -> None:
        (folder / file).write_bytes((folder / file).read_bytes()[:-count])

    return change


def without(*files: str) -> Change:
    """Files that are missing."""

    def change(folder: Path) -> None:
        for file in files:
            (folder / file).unlink()

    return change


def shards(
    moved: dict[str, str] | None = None, second: dict[str, torch.Tensor | None] | None = None
) -> Change:
    """Two shards, attention and all other weights, and their index.

    `moved` are false entries of the index; `second` changes tensors of the second shard.
    """

    def change(folder: Path) -> None:
        stored = load_file(folder / WHOLE)
        (folder / WHOLE).unlink()
        parts: dict[str, dict] = {FIRST: {}, SECOND: {}}
        for name, tensor in stored.items():
            parts[FIRST if "self_attn" in name else SECOND][name] = tensor
        places = {name: file for file, part in parts.items() for name in part}
        parts[SECOND] |= second or {}
        for file, part in parts.items():
            kept = {name: tensor for name, tensor in part.items() if tensor is not None}
            save_file(kept, folder / file, {"format": "pt"})
        index = {"metadata": {}, "weight_map": places | (moved or {})}
        (folder / INDEX).write_text(json.dumps(index))

    return change


def higher_ids(count: int) -> Change:
    """A tokenizer whose ids are higher by `count`, those of its start and end token aside."""

    def change(folder: Path) -> None:
        stored = json.loads((folder / TOKENIZER).read_text())
        words = stored["model"]["vocab"]
        words.update({word: token + count for word, token in words.items() if token > 1})
        (folder / TOKENIZER).write_text(json.dumps(stored))

    return change


def more_tokens(count: int, start: bool = False) -> Change:
    """Tokens added behind the vocabulary; with `start`, the last of them starts a text."""

    def change(folder: Path) -> None:
        tokenizer = byte_tokenizer()
        tokenizer.add_tokens([f"<image_{number}>" for number in range(count)])
        if start:
            tokenizer.bos_token = f"<image_{count - 1}>"
        tokenizer.save_pretrained(folder)

    return change


def all_of(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change
