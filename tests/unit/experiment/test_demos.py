"""The configs of the demos, and of the overlay with M-Wanda's terms."""

from pathlib import Path

import pytest
import yaml

from multiprune.experiment import methods
from multiprune.experiment.validation import validate

CONFIG = Path(__file__).parents[3] / "config"


def load(*names: str) -> dict:
    """Config files merged key by key, as Snakemake does."""

    def merge(below: dict, above: dict) -> dict:
        both = {
            key: merge(below[key], entry)
            if isinstance(entry, dict) and isinstance(below.get(key), dict)
            else entry
            for key, entry in above.items()
        }
        return {**below, **both}

    merged: dict = {}
    for name in names:
        merged = merge(merged, yaml.safe_load((CONFIG / name).read_text(encoding="utf-8")))
    return merged


DEMO = {"magnitude", "wanda-en", "wanda", "ria", "owl", "m-wanda", "m-ria"}
ABLATIONS = {"m-wanda-variance", "m-wanda-activation", "m-wanda-cwl"}


@pytest.mark.parametrize("name", ["demo.yaml", "demo-smollm2.yaml"])
def test_demos_cover_the_baselines_and_both_new_methods(name: str):
    config = validate(load(name))
    assert set(config.methods) >= DEMO
    assert len(methods.languages(config, "calibration")) >= 6
    assert methods.languages(config, "unseen")
    assert methods.calibration_sets(config, "wanda-en") == ["en"]
    m_wanda = config.methods["m-wanda"]
    assert (m_wanda.norm.kind, m_wanda.allocation.kind) == ("cross_lingual", "cwl")


def test_ablations_take_one_term_of_m_wanda_at_a_time():
    config = validate(load("demo.yaml", "ablations.yaml")).plain()
    assert set(config["methods"]) >= DEMO | ABLATIONS
    terms = {
        name: (
            options["norm"].get("dispersion_weight", 0) > 0,
            options["norm"].get("activation_weight", 0) > 0,
            options["allocation"]["kind"] == "cwl",
        )
        for name, options in config["methods"].items()
        if name in ABLATIONS
    }
    assert terms == {
        "m-wanda-variance": (True, False, False),
        "m-wanda-activation": (False, True, False),
        "m-wanda-cwl": (False, False, True),
    }
    assert {config["methods"][name]["score"] for name in ABLATIONS} == {"wanda"}
