import pytest

from multiprune.errors import InputError
from multiprune.registry import constants, find, names, unknown_name


def test_names_that_are_not_text_are_answered_too():
    assert unknown_name("role", None, ["a", "b"]) == "unknown role None: allowed are a, b"


def test_a_file_is_an_alternative():
    assert names("pruning.norms") == ["contrast", "cross_lingual", "pooled", "worst_language"]
    assert find("pruning.norms", "pooled").__name__ == "multiprune.pruning.norms.pooled"


def test_an_unknown_alternative_is_one_line_with_the_nearest():
    with pytest.raises(InputError) as error:
        find("pruning.norms", "pool")
    assert str(error.value) == (
        "unknown norm 'pool': allowed are contrast, cross_lingual, pooled, worst_language; "
        "did you mean 'pooled'?"
    )


def test_an_alternative_without_a_near_name_is_called_as_asked():
    with pytest.raises(InputError) as error:
        find("fetch.corpora", "ftp", what="corpus kind")
    assert str(error.value) == (
        "unknown corpus kind 'ftp': allowed are huggingface, package, python_library, text, udhr"
    )


def test_packages_of_kinds_hold_kinds_and_nothing_else():
    assert names("fetch.models") == ["huggingface", "local", "package_gguf"]
    assert all(hasattr(find("fetch.models", name), "fetch") for name in names("fetch.models"))
    assert all(hasattr(find("fetch.corpora", name), "read") for name in names("fetch.corpora"))
    assert all(hasattr(find("fetch.formats", name), "units") for name in names("fetch.formats"))


def test_constants_are_read_without_an_import():
    assert constants("pruning.norms", "contrast") == {"FLOOR": 1e-6}
    assert names("pruning.norms", having="FLOOR") == ["contrast"]
