"""What a result is compared with: files whose hashes it records."""

from pathlib import Path

import pytest

from multiprune.audit.sources import own_sources

MASK = Path("results/e/m/seed0/masks/wanda/0.5.safetensors")
MANIFEST = Path("resources/models/m/manifest.json")


@pytest.mark.parametrize(
    "record",
    [
        "perplexity/wanda/0.5/en.json", "downstream/wanda/0.5/t/en.json",
        "examples/wanda/0.5.json", "export/wanda/0.5/manifest.json",
    ],
)  # fmt: skip
def test_a_record_and_an_exported_model_are_of_their_model_and_mask(record):
    scores = MASK.parents[2] / "perplexity/wanda/0.3/de.json"
    read = [MANIFEST, MASK, MASK.with_suffix(".json"), scores]
    path = Path("results/e/m/seed0") / record
    assert own_sources(Path("results/e"), path, read) == [MANIFEST, MASK]
