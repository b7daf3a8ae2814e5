from pathlib import Path

import pytest
import yaml
from tiny import small_config

from multiprune.errors import InputError
from multiprune.experiment import methods, table_grids
from multiprune.experiment.cost import estimate
from multiprune.experiment.grid import DENSE
from multiprune.experiment.methods import THRESHOLD, candidates, choosing, method_options
from multiprune.experiment.validation import validate

CONFIG = Path(__file__).parents[3] / "config"
M_WANDA = {
    "score": "wanda",
    "norm": {"kind": "cross_lingual", "dispersion_weight": 0.25},
    "allocation": {"kind": "cwl", "strength": 0.05},
    "sparsities": [0.6, 0.3, 0.5],
}
CHOOSE = {
    "allocation.strength": [0.02, 0.05],
    "norm.dispersion_weight": [0, 1],
}


def config_with(**changes: object) -> dict:
    config = small_config()
    config["methods"]["m-wanda"] = {**M_WANDA, "choose": CHOOSE, **changes}
    return config


def message(config: dict) -> str:
    with pytest.raises(InputError) as error:
        validate(config)
    return str(error.value)


def test_without_choose_a_method_is_what_it_was():
    config = small_config()
    config["methods"]["m-wanda"] = M_WANDA
    config = validate(config)
    assert choosing(config) == []
    assert not {"choose", "choose_at"} & config.methods["m-wanda"].plain().keys()


def test_a_method_that_chooses_has_the_same_options_and_grid_as_one_that_does_not():
    config = small_config()
    config["methods"]["m-wanda"] = M_WANDA
    plain, chosen = validate(config), validate(config_with())
    assert method_options(chosen, "m-wanda") == method_options(plain, "m-wanda")
    assert methods.grid(chosen) == methods.grid(plain)
    assert table_grids.table_grid(chosen) == table_grids.table_grid(plain)


def test_the_middle_sparsity_and_values_as_the_schema_writes_them():
    config = validate(config_with())
    method = config.methods["m-wanda"]
    assert choosing(config) == ["m-wanda"]
    assert method.choose_at == 0.5
    assert method.choose["norm.dispersion_weight"] == [0.0, 1.0]
    assert all(type(value) is float for value in method.choose["norm.dispersion_weight"])
    assert [one.name for one in candidates(config, "m-wanda")] == [
        "strength-0.05__dispersion_weight-0",
        "strength-0.05__dispersion_weight-1",
        "strength-0.02__dispersion_weight-0",
        "strength-0.02__dispersion_weight-1",
    ]


def test_thresholds_to_choose_from_make_the_method_s_own_explicit():
    weights = {"norm.activation_weight": [1]}
    config = validate(config_with(choose={"norm.activation_threshold": [2, 1, 0.5], **weights}))
    assert method_options(config, "m-wanda")["norm"]["activation_threshold"] == 1.0
    assert [one.name for one in candidates(config, "m-wanda")] == [
        "activation_threshold-1__activation_weight-1",
        "activation_threshold-2__activation_weight-1",
        "activation_threshold-0.5__activation_weight-1",
    ]
    assert methods.activation_thresholds(config) == [0.5, 1.0, 2.0]


def test_readings_to_choose_from_are_all_summed():
    choose = {
        "norm.of": ["norm", "mean"],
        "norm.activation_relative": [True, False],
        "norm.activation_weight": [0.0, 1.0],
        "norm.activation_threshold": [0.5, 1.0],
        "allocation.correlation_of": ["norms", "scores"],
    }
    config = validate(config_with(choose=choose))
    assert len(candidates(config, "m-wanda")) == 32
    assert methods.activation_thresholds(config) == [0.5, 1.0]
    assert methods.activation_thresholds(config, relative=False) == [0.5, 1.0]
    assert methods.statistics_spread(config) == ["mean"]


def test_the_overlay_chooses_a_threshold_for_m_wanda_alone():
    config, sweep = (
        yaml.safe_load((CONFIG / name).read_text()) for name in ("demo.yaml", "sweep.yaml")
    )
    for name, method in sweep["methods"].items():
        config["methods"][name] |= method
    config = validate(config)
    assert methods.activation_thresholds(config) == [0.5, 1.0]
    named = [n for n in choosing(config) if THRESHOLD in config.methods[n].choose]
    assert named == ["m-wanda"]
    tried = candidates(config, "m-wanda")
    assert len(tried) == 32
    assert all(one.name.startswith("direction-keep_") for one in tried)  # no hash in its stead


def test_a_pattern_chooses_at_its_own_sparsity():
    config = small_config()
    allocation = {"kind": "owl", "mixed": True}
    choose = {"allocation.strength": [0.02, 0.05]}
    config["methods"]["owl-2-4"] = {
        "score": "wanda", "pattern": "2:4", "allocation": allocation, "choose": choose,
    }  # fmt: skip
    assert validate(config).methods["owl-2-4"].choose_at == 0.5


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"choose": {"allocation.strenght": [0.1]}},
            "methods.m-wanda.choose: unknown constant 'allocation.strenght': allowed are "
            "allocation.combine, ",
        ),
        (
            {"choose": {"allocation.kind": ["owl", "cwl"]}},
            "methods.m-wanda.choose: unknown constant 'allocation.kind'",
        ),
        (
            {"choose": {"allocation.strength": [0.1, -1]}},
            "methods.m-wanda.choose: allocation.strength: found -1.0, allowed is a number >= 0",
        ),
        (
            {"choose": {"allocation.direction": ["keep_al"]}},
            "methods.m-wanda.choose: allocation.direction: unknown value 'keep_al'",
        ),
        (
            {"choose": {"allocation.strength": [0.1, 0.10000001]}},
            "methods.m-wanda.choose: allocation.strength: found [0.1, 0.10000001], two of them",
        ),
        (
            {"choose": {THRESHOLD: [1, 0]}},
            "methods.m-wanda.choose: norm.activation_threshold: found 0.0, allowed is a number > 0",
        ),
        (
            {"norm": {"kind": "pooled"}, "choose": {THRESHOLD: [0.5, 1]}},
            "methods.m-wanda.choose: unknown constant 'norm.activation_threshold'",
        ),
        ({"choose": {}}, "methods.m-wanda.choose: is empty"),
        ({"choose": {"allocation.strength": []}}, "methods.m-wanda.choose.allocation.strength: is"),
        ({"choose_at": 0.4}, "methods.m-wanda.choose_at: found 0.4, allowed are 0.3, 0.5, 0.6"),
        ({"propagation": "sequential"}, "methods.m-wanda.choose: candidates are compared with"),
    ],
)
def test_mistakes_give_one_line(changes, line):
    found = message(config_with(**changes))
    assert found.startswith(line)
    assert "\n" not in found


def test_choose_at_needs_choose():
    config = small_config()
    config["methods"]["m-wanda"] = {**M_WANDA, "choose_at": 0.5}
    assert message(config).startswith("methods.m-wanda.choose_at: goes with choose")


def test_no_candidate_may_ask_for_what_the_calibration_cannot_give():
    config = small_config()
    config["methods"]["alone"] = {
        "score": "wanda",
        "calibration": ["en"],
        "norm": {"kind": "cross_lingual", "dispersion_weight": 0},
        "choose": {"norm.dispersion_weight": [0, 0.5]},
    }
    assert "compares languages, so it needs at least 2" in message(config)


def test_results_are_never_measured_on_the_text_that_chose():
    config = config_with()
    config["evaluation"] = {"perplexity": {"split": "validation"}}
    assert message(config).startswith("evaluation.perplexity.split: found validation")


def test_magnitude_has_nothing_to_choose():
    config = small_config()
    config["methods"]["magnitude"]["choose"] = {"scope": ["row", "layer"]}
    assert "unknown key 'choose'" in message(config)


def test_dense_has_no_choice():
    assert DENSE not in choosing(validate(config_with()))


@pytest.mark.parametrize(
    ("choose", "hours"), [({}, "2.1"), ({"allocation.strength": [0.05, 0.1]}, "3.4")]
)
def test_the_estimate_counts_candidates(choose, hours):
    # Dense and owl on three languages: 2 * 3 * 60e6 tokens * 2e9 FLOP at 1e14 a second are 2 hours,
    # and four jobs load for a minute each: 2.07. Two candidates on two calibration languages are
    # 2 * 2 * 60e6 tokens, 1.33 hours, and two minutes of loading: 3.43.
    config = small_config()
    config["models"]["tiny"]["parameters"] = 1
    owl = {"score": "wanda", "allocation": {"kind": "owl"}}
    config |= {"baseline": "owl", "methods": {"owl": owl | ({"choose": choose} if choose else {})}}
    config["evaluation"] = {"perplexity": {"tokens": 60_000_000}}
    assert f", {hours} GPU hours" in estimate(validate(config))
