"""What is said of a method beside its results: constants, terms that are off, calibration text."""

from pathlib import Path

import pytest
import yaml

from multiprune.experiment.method_facts import facts
from multiprune.experiment.validation import validate

CONFIG = Path(__file__).parents[3] / "config"
DEMO = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
NORM = {"kind": "cross_lingual", "dispersion_weight": 0.25, "activation_weight": 0.0}

LSA = {"score": "wanda", "allocation": {"kind": "lsa"}, "propagation": "sequential"}


def said_of(method: dict, sources: dict | None = None, **more) -> dict:
    """What is said of a method called `new` in the demo's config."""
    config = DEMO | more | {"methods": DEMO["methods"] | {"new": method}}
    return facts(validate(config | {"sources": sources or {}}))["new"]


def source(verified: bool) -> dict:
    return {"verified": verified, "source": "said here"}


@pytest.mark.parametrize(
    ("method", "sources", "whose"),
    [
        ({"score": "wanda"}, {}, "published"),
        ({"score": "ria", "ria_exponent": 0.5}, {"ria_exponent": True}, "published"),
        ({"score": "ria", "ria_exponent": 0.4}, {"ria_exponent": False}, "ours"),
        # where a method is run is no constant of it
        ({"score": "wanda", "sparsities": [0.4]}, {"sparsities": False}, "published"),
        ({"score": "wanda", "calibration": ["en"]}, {"calibration": True}, "published"),
        # what it calibrates on is
        ({"score": "wanda", "calibration": ["en"]}, {"calibration": False}, "ours"),
        # the form of M-Wanda's terms is this project's, unless a source says otherwise
        ({"score": "wanda", "norm": NORM}, {}, "ours"),
        ({"score": "wanda", "norm": NORM}, {"norm.dispersion_weight": False}, "ours"),
        ({"score": "wanda", "norm": NORM}, {"norm": True}, "published"),
        ({"score": "wanda", "allocation": {"kind": "cwl"}}, {"norm": True}, "ours"),
        ({"score": "wanda", "allocation": {"kind": "owl"}}, {}, "published"),
        # so is that of LSA
        (LSA, {}, "ours"),
        (LSA, {"allocation.strength": False}, "ours"),
        (LSA, {"allocation": True}, "published"),
    ],
)
def test_constants_are_ours_where_no_source_confirms_them(method, sources, whose):
    paths = {f"methods.new.{path}": source(verified) for path, verified in sources.items()}
    assert said_of(method, paths)["constants"] == whose


def test_terms_that_options_switch_off_are_named_unless_they_are_chosen():
    def off(**changes) -> list[str]:
        return said_of({"score": "wanda", "norm": NORM | changes})["off"]

    assert off() == ["activation-probability"]
    assert off(activation_weight=0.5) == []
    assert off(dispersion_weight=0.0) == ["activation-probability", "dispersion"]
    still = {"score": "wanda", "allocation": {"kind": "cwl", "strength": 0.0}}
    assert said_of(still)["off"] == ["layerwise-sparsity"]
    chosen = {"norm.activation_weight": [0.0, 1.0]}
    assert (
        said_of({"score": "wanda", "norm": NORM, "choose": chosen, "choose_at": 0.5})["off"] == []
    )


@pytest.mark.parametrize(
    ("method", "languages", "tokens", "at_most"),
    [
        ({"score": "magnitude"}, 0, 0, False),
        ({"score": "wanda"}, 6, 6 * 8 * 128, False),
        ({"score": "wanda", "calibration": {"sample": 2}}, 2, 2 * 8 * 128, False),
        ({"score": "wanda", "calibration": {"greedy": 3}}, 3, 3 * 8 * 128, False),
        ({"score": "wanda", "calibration": ["en-de", "en-ru"]}, 3, 2 * 3 * 455, True),
        ({"score": "wanda", "calibration": ["de-de"]}, 1, 3 * 455, True),
    ],
)
def test_a_budget_counts_languages_and_tokens_of_one_seed(method, languages, tokens, at_most):
    found = said_of(method)
    assert (found["languages"], found["tokens"]) == (languages, tokens)
    assert found["at_most"] is at_most


@pytest.mark.parametrize(
    ("name", "control"),
    [("demo-smollm2.yaml", "wanda-de-en-fr-zh"), ("demo.yaml", "wanda-de-en-hi-zh")],
)
def test_the_demos_control_reads_as_much_text_as_translation_in_the_same_languages(name, control):
    found = facts(validate(yaml.safe_load((CONFIG / name).read_text(encoding="utf-8"))))
    control, pairs = found[control], found["kim-translation"]
    assert control["languages"] == pairs["languages"] == 4
    assert 0.99 < pairs["tokens"] / control["tokens"] <= 1
