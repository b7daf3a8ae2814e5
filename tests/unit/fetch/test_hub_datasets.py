"""Which failures of `datasets` say that the hub does not have something, and which say nothing."""

import httpx2
import pytest
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from multiprune.errors import InputError
from multiprune.fetch.hub import NotThere
from multiprune.fetch.hub_datasets import dataset_errors

SCRIPT = "Dataset scripts are no longer supported, but found x.py"


def status(code: int, kind: type) -> Exception:
    response = httpx2.Response(code, request=httpx2.Request("GET", "http://hub"))
    return kind("", response=response)


def raised(error: Exception) -> type:
    with pytest.raises(InputError) as found, dataset_errors("dataset org/x", "org/x"):
        raise error
    assert "\n" not in str(found.value)
    return found.type


@pytest.mark.parametrize(
    "error",
    [
        status(404, RepositoryNotFoundError),
        ValueError("BuilderConfig 'de' not found. Available: ['fr']"),
        ValueError("Unknown split \"test\". Should be one of ['train']."),
    ],
)
def test_the_hub_does_not_have_it(error: Exception):
    assert raised(error) is NotThere


@pytest.mark.parametrize(
    "error",
    [
        status(401, RepositoryNotFoundError),
        status(404, HfHubHTTPError),
        RuntimeError(SCRIPT),
        DatasetNotFoundError("Dataset 'org/x' doesn't exist on the Hub or cannot be accessed."),
        # What `datasets` says of a hub that fails while another configuration is in its cache.
        ValueError("Couldn't find cache for org/x for config 'de'\nAvailable configs: ['fr']"),
        ValueError("Expecting value: line 1 column 1 (char 0)"),
        FileNotFoundError("Unable to find 'hf://datasets/org/x@c0/de/0000.parquet'"),
        DatasetGenerationError("An error occurred while generating the dataset"),
        DatasetNotFoundError("Dataset 'org/x' is a gated dataset on the Hub."),
        ConnectionError("Couldn't reach the Hugging Face Hub for dataset 'org/x'"),
        httpx2.ReadTimeout(""),
    ],
)
def test_nothing_is_known_of_what_the_hub_has(error: Exception):
    assert raised(error) is InputError
