"""A GGUF file inside a Python package, converted to float32 safetensors."""

import subprocess
import sys
from pathlib import Path

from multiprune.errors import InputError
from multiprune.fetch.definitions import require_keys
from multiprune.fetch.gguf import convert_gguf, gguf_file_of
from multiprune.fetch.model_files import Check, check_tokenizer
from multiprune.models.checkpoints import check_checkpoint


def fetch(definition: dict, folder: Path, fits: Check) -> dict:
    """Keys: package; optional version, file, sha256, and parts, the packages of its parts."""
    require_keys(definition, ["package"])
    with gguf_file_of(definition, folder) as (file, version):
        convert_gguf(file, folder)
        what = f"package {definition['package']}, {file.name}"
        check_tokenizer(folder, what)
        fits(folder)
        check_checkpoint(folder, what)
    return {"package": definition["package"], "version": version, "file": file.name}


def made_by(definition: dict, code: str) -> dict:
    """The code that converts it."""
    return {"code": code}


def check(definition: dict, pinned: dict, folder: Path, fits: Check) -> str:
    """Whether pip would find the packages."""
    version = definition.get("version")
    packages = [definition["package"], *definition.get("parts", ())]
    asked = [f"{package}=={version}" if version else package for package in packages]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet", *asked]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise InputError(f"package {', '.join(asked)}: pip finds no such package, or no network")
    return f"package {asked[0]}" + (f" and {len(asked) - 1} parts" if len(asked) > 1 else "")
