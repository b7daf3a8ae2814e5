"""Reading and writing results: atomic, byte-identical on a rerun, never a half-written file.

Formats are JSON, JSON lines and safetensors; nothing is ever unpickled. JSON and safetensors record
a SHA-256 of themselves, which every reader checks. A file that cannot be read, or that is no longer
what was written, is renamed to `*.corrupt`, so that the same command rebuilds it.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open

from multiprune.errors import InputError

CHECKSUM = "multiprune_sha256"  # key of a file's own SHA-256, in JSON and safetensors
UNKNOWN = "0" * 64  # stands for the checksum in the bytes that it is taken of
_NOTING: list[set[Path]] = []  # of each `noting_inputs` that is under way
DIFFERS = "is not what was written: its SHA-256 differs from the one that it records"
SAFETENSORS_NAMES = {
    "uint8": "U8",
    "int32": "I32",
    "int64": "I64",
    "float32": "F32",
    "float64": "F64",
}


@contextmanager
def replacing(target: Path | str) -> Iterator[Path]:
    """A temporary path beside `target` that takes its place when the block ends without error."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a write to a full disk does not say where
        raise
    finally:
        temporary.unlink(missing_ok=True)


def set_aside(path: Path | str, reason: str) -> NoReturn:
    """Rename a broken file to `*.corrupt` and raise InputError: the same command rebuilds it."""
    path = Path(path)
    aside = path.with_name(path.name + ".corrupt")
    try:
        os.replace(path, aside)
    except OSError as error:
        cause = error.strerror or error
        raise InputError(f"{path}: {reason}; it cannot be renamed ({cause}), remove it") from None
    raise InputError(f"{path}: {reason}; set aside as {aside.name}, run the same command again")


def write_json(path: Path | str, content: dict) -> None:
    """Write a JSON object with sorted keys and its checksum; NaN and infinity are refused."""
    read_back = json.loads(json.dumps(content, allow_nan=False))  # as a reader will see it
    signed = {**read_back, CHECKSUM: sha256_json(read_back)}
    text = json.dumps(signed, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path | str) -> dict:
    """Read a JSON object, without its checksum; one that was written elsewhere has none."""
    try:
        note_input(path)
        return parse_json(path)[0]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except ValueError as error:
        set_aside(path, str(error))


def parse_json(path: Path | str) -> tuple[dict, str | None]:
    """A JSON object and its checksum, if it has one; ValueError where it is broken."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")
    recorded = content.pop(CHECKSUM, None)
    if recorded is not None and recorded != sha256_json(content):
        raise ValueError(DIFFERS)
    return content, recorded


def write_json_lines(path: Path | str, rows: Iterable[dict]) -> None:
    """Write one JSON object a line."""
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_json_lines(path: Path | str) -> list[dict]:
    """Read one JSON object a line."""
    try:
        return [json.loads(line) for line in _text(path).split("\n") if line]
    except ValueError as error:
        set_aside(path, f"is not JSON lines ({error})")


def _text(path: Path | str) -> str:
    note_input(path)
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None


def write_tensors(
    path: Path | str, tensors: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    """Write a safetensors file whose bytes depend on the content alone.

    The library's own writer puts metadata in random order; here names and metadata are sorted.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    layout = {
        name: (SAFETENSORS_NAMES[array.dtype.name], array.shape, array.nbytes)
        for name, array in arrays.items()
    }
    with writing_tensors(path, layout, metadata) as write:
        for name in sorted(arrays):
            write(arrays[name].data if arrays[name].nbytes else b"")


@contextmanager
def writing_tensors(
    path: Path | str,
    layout: dict[str, tuple[str, tuple[int, ...], int]],
    metadata: dict[str, str],
) -> Iterator[Callable[[bytes | memoryview], None]]:
    """Write a safetensors file tensor by tensor, as `safetensors_header` lists them.

    Hands out a function that takes the bytes of the next tensor. The checksum, of header and
    tensors, takes its place in the header at the end.
    """
    header = safetensors_header(layout, {**metadata, CHECKSUM: UNKNOWN})
    digest = hashlib.sha256(header)
    with replacing(path) as temporary, open(temporary, "wb") as file:

        def write(part: bytes | memoryview) -> None:
            file.write(part)
            digest.update(part)

        file.write(header)
        yield write
        file.seek(header.index(_entry(UNKNOWN)))
        file.write(_entry(digest.hexdigest()))


def _entry(checksum: str) -> bytes:
    """A checksum as it stands in the header of a safetensors file."""
    return f'"{CHECKSUM}":"{checksum}"'.encode()


def check_tensors(path: Path | str, recorded: str) -> None:
    """Compare a safetensors file with its checksum; one that differs is set aside.

    A file that has been compared and has not changed since is not read again by this process.
    """
    state = os.stat(path)
    _compare(str(path), recorded, (state.st_ino, state.st_size, state.st_mtime_ns))


@cache
def _compare(path: str, recorded: str, _state: tuple[int, int, int]) -> None:
    if _checksum(path, recorded) != recorded:
        set_aside(path, DIFFERS)


def _checksum(path: Path | str, recorded: str) -> str:
    with open(path, "rb") as file:
        start = file.read(8)
        header = start + file.read(int.from_bytes(start, "little"))
        digest = hashlib.sha256(header.replace(_entry(recorded), _entry(UNKNOWN), 1))
        while part := file.read(2**22):
            digest.update(part)
    return digest.hexdigest()


def file_problem(path: Path, signed: bool = False) -> str | None:
    """What is wrong with a JSON or safetensors file, which stays where it is; None if nothing.

    signed: a file without a checksum is wrong as well.
    """
    try:
        if path.suffix == ".json":
            _content, recorded = parse_json(path)
        else:
            with safe_open(path, framework="np") as file:
                recorded = (file.metadata() or {}).get(CHECKSUM)
            if recorded is not None and _checksum(path, recorded) != recorded:
                return DIFFERS
    except ValueError as error:
        return str(error)
    except (SafetensorError, OSError) as error:
        return f"cannot be read ({error})"
    return "records no SHA-256 of itself" if signed and recorded is None else None


def safetensors_header(
    layout: dict[str, tuple[str, tuple[int, ...], int]], metadata: dict[str, str]
) -> bytes:
    """What stands before the tensors, which follow by name, without gaps.

    `layout` gives each tensor's dtype in the format's own word, its shape and its bytes.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for name, (dtype, shape, size) in sorted(layout.items()):
        header[name] = {
            "dtype": dtype,
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text


def metadata_text(metadata: dict[str, object]) -> dict[str, str]:
    """Metadata as the format stores it: strings as they are, all other values as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in metadata.items()
    }


def read_tensors(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """All tensors of a safetensors file as arrays, and its metadata."""
    with opened_tensors(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, read_metadata(file)  # noqa: SIM118


@contextmanager
def opened_tensors(path: Path | str, framework: str = "np") -> Iterator[safe_open]:
    """An open safetensors file; a missing or broken one, or another than written, an InputError."""
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file")
    note_input(path)
    try:
        file = safe_open(path, framework=framework)
    except (SafetensorError, OSError) as error:
        set_aside(path, f"is not a safetensors file ({error})")
    with file:
        if recorded := (file.metadata() or {}).get(CHECKSUM):
            check_tensors(path, recorded)
        yield file


def read_metadata(file: safe_open) -> dict[str, str]:
    """The metadata of an open safetensors file, without its checksum."""
    return {key: entry for key, entry in (file.metadata() or {}).items() if key != CHECKSUM}


@contextmanager
def noting_inputs() -> Iterator[set[Path]]:
    """The files that are read in the block: JSON, safetensors, tables and what is noted."""
    inputs: set[Path] = set()
    _NOTING.append(inputs)
    try:
        yield inputs
    finally:
        _NOTING.pop()


def note_input(path: Path | str) -> None:
    """Count a file among the inputs that are being noted."""
    for inputs in _NOTING:
        inputs.add(Path(path))


def sha256_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_arrays(arrays: Iterable[np.ndarray]) -> str:
    """Hexadecimal SHA-256 of arrays, their types and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def sha256_json(content: object) -> str:
    """Hexadecimal SHA-256 of a value's canonical JSON text."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
