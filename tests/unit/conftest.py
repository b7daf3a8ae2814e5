"""Model folders with statistics of three languages, for the tests of pruning."""

from pathlib import Path

import pytest


def made(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of this architecture; what it needs is imported here, since it takes seconds."""
    import tiny

    from unit.pruning.data import with_statistics

    return with_statistics(tmp_path_factory.mktemp(name), getattr(tiny, f"write_{name}"))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("llama", tmp_path_factory)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("gpt2", tmp_path_factory)


@pytest.fixture(scope="module")
def bloom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made("bloom", tmp_path_factory)
