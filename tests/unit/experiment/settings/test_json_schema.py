"""The JSON schema of a config: complete, closed, up to date, and true of the configs that are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from tiny import small_config

from multiprune.experiment.settings.allocations import Allocation
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.json_schema import (
    alternatives,
    json_schema,
    resolved,
    schema_file,
)
from multiprune.experiment.settings.methods import Method
from multiprune.experiment.settings.norms import Norm
from multiprune.experiment.validation import validate
from multiprune.registry import names

CONFIG = Path(__file__).parents[4] / "config"
ROOT = json_schema(Experiment)
FIRST_LINE = "# yaml-language-server: $schema=schema.json\n"
WHOLE = (
    *("demo.yaml", "demo-smollm2.yaml", "domains.yaml", "hundred.yaml", "paper.yaml"),
    *("paper-small.yaml", "readings.yaml", "study.yaml"),
)
NO_CONFIGS = {"claims.yaml", "claims_domains.yaml", "claims_hundred.yaml"}


def read_config(name: str) -> dict:
    return yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))


def test_the_file_is_not_stale():
    assert (CONFIG / "schema.json").read_text(encoding="utf-8") == schema_file(Experiment), (
        "run `make docs`"
    )


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(json.loads(schema_file(Experiment)))


def test_whole_configs_name_it_in_their_first_line_and_overlays_leave_out_what_it_requires():
    found = {path.name for path in CONFIG.glob("*.yaml")} - NO_CONFIGS
    naming = {name for name in found if (CONFIG / name).read_text().startswith(FIRST_LINE)}
    assert naming == set(WHOLE)
    assert all("experiment" not in read_config(name) for name in found - naming)


@pytest.mark.parametrize("name", WHOLE)
def test_configs_are_valid_as_they_are_written_and_as_they_are_filled_in(name: str):
    validator = Draft202012Validator(json.loads((CONFIG / "schema.json").read_text()))
    config = read_config(name)
    validator.validate(config)
    validator.validate(validate(config).plain())


def overlay(below: dict, above: dict) -> dict:
    """Two configs merged key by key, as Snakemake does."""
    merged = dict(below)
    for key, entry in above.items():
        both = isinstance(entry, dict) and isinstance(below.get(key), dict)
        merged[key] = overlay(below[key], entry) if both else entry
    return merged


@pytest.mark.parametrize(
    "name",
    [
        "ablations.yaml",
        "interference.yaml",
        "recent_methods.yaml",
        "swaps.yaml",
        "sweep.yaml",
        "variants.yaml",
    ],
)
def test_the_demo_is_valid_with_each_overlay(name: str):
    merged = overlay(read_config("demo.yaml"), read_config(name))
    Draft202012Validator(ROOT).validate(merged)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", 1),
        ("experiment", "My Demo"),
        ("models", {"Big": {"kind": "local", "folder": "x"}}),
        ("models", {}),
        ("seeds", [1, 1]),
        ("seeds", [-1]),
        ("sparsities", [1]),
        ("figures", None),
        ("methods", {"wanda": {"score": "wnada"}}),
        ("methods", {"wanda": {"score": "wanda", "calibration": {}}}),
        ("methods", {"wanda": {"score": "wanda", "norm": {"kind": "pooled", "dispersion": 1}}}),
        ("methods", {"magnitude": {"score": "magnitude", "allocation": {"kind": "owl"}}}),
    ],
)
def test_an_editor_marks_mistakes(key: str, value: object):
    validator = Draft202012Validator(ROOT)
    assert validator.is_valid(small_config())
    assert not validator.is_valid(small_config() | {key: value})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Method, {*names("pruning.scores"), "sparsegpt"}),
        (Norm, names("pruning.norms")),
        (Allocation, names("pruning.allocations")),
    ],
    ids=["scores", "norms", "allocations"],
)
def test_choices_are_the_modules_that_do_them(choice, expected):
    root = json_schema(choice)
    _key, options = alternatives(root, root)
    assert set(options) == set(expected)


def keys(schema: dict, where: str = "") -> Iterator[tuple[str, dict]]:
    """Every key at any depth, alternatives and named entries included."""
    schema = resolved(schema, ROOT)
    for option in schema.get("oneOf", []):
        yield from keys(option, where)
    for key, entry in schema.get("properties", {}).items():
        yield f"{where}.{key}", resolved(entry, ROOT)
        yield from keys(entry, f"{where}.{key}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from keys(schema["additionalProperties"], f"{where}.*")


def test_every_key_is_described_in_one_line():
    found = list(keys(ROOT))
    assert len(found) > 100
    assert [key for key, entry in found if not entry.get("description")] == []
    assert "\n" not in "".join(entry["description"] for _key, entry in found)


def test_every_mapping_is_closed_or_names_its_entries():
    mappings = [ROOT, *ROOT["$defs"].values(), *(entry for _key, entry in keys(ROOT))]
    for entry in mappings:
        if entry.get("type") == "object":
            assert entry["additionalProperties"] is False or "propertyNames" in entry


def test_every_default_is_allowed_where_it_stands():
    defaults = [(key, entry) for key, entry in keys(ROOT) if "default" in entry]
    assert len(defaults) > 20
    for key, entry in defaults:
        schema = {**entry, "$defs": ROOT["$defs"]}
        assert Draft202012Validator(schema).is_valid(entry["default"]), key


def test_nothing_may_be_null():
    assert "null" not in schema_file(Experiment)
    assert "anyOf" not in schema_file(Experiment)
