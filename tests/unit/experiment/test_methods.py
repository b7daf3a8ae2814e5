"""Methods in the config: patterns n:m, sequential propagation and SparseGPT."""

from pathlib import Path

import pytest
import yaml

from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import Grid
from multiprune.experiment.methods import grid, method_options
from multiprune.experiment.table_grids import table_grid
from multiprune.experiment.validation import validate
from multiprune.files.json import canonical
from unit.experiment.data import changed, message

RULES = Path(__file__).parents[3] / "rules" / "pruning.smk"
CWL = {"score": "wanda", "allocation": {"kind": "cwl"}}
SPARSEGPT = {"score": "sparsegpt"}


def cross_lingual(**options: object) -> dict:
    weighed = {"kind": "cross_lingual", "activation_weight": 1.0}
    return {"score": "wanda", "norm": {**weighed, **options}}


@pytest.mark.parametrize(
    ("changes", "thresholds"),
    [
        ({}, []),
        ({"methods/x": cross_lingual(activation_weight=0)}, []),
        ({"methods/x": cross_lingual(activation_weight=0, activation_threshold=2)}, []),
        ({"methods/x": cross_lingual()}, [1]),
        ({"statistics/activation_threshold": 2, "methods/x": cross_lingual()}, [2]),
        ({"methods/x": cross_lingual(activation_threshold=0.5)}, [0.5]),
        (
            {
                "methods/x": cross_lingual(activation_weight=0)
                | {"choose": {"norm.activation_weight": [0, 0.5]}}
            },
            [1],
        ),
        (
            {
                "statistics/activation_threshold": 2,
                "methods/x": cross_lingual(activation_threshold=3),
                "methods/y": cross_lingual() | {"choose": {methods.THRESHOLD: [3, 2.5]}},
            },
            [2.5, 3],
        ),
        # Behind pruned blocks a method counts for itself; OWL looks at the dense model as well.
        (
            {
                "methods/x": cross_lingual(activation_threshold=0.5)
                | {"propagation": "sequential"},
                "methods/y": cross_lingual(activation_threshold=0.7)
                | {"propagation": "sequential", "allocation": {"kind": "owl"}},
            },
            [0.7],
        ),
    ],
)
def test_thresholds_that_statistics_count_at(changes, thresholds):
    found = methods.activation_thresholds(validate(changed(*changes.items())))
    assert found == thresholds
    assert all(type(threshold) is float for threshold in found)


def test_the_default_threshold_written_out_is_the_same_method():
    options = [
        method_options(validate(changed(("methods/x", entry))), "x")
        for entry in (cross_lingual(), cross_lingual(activation_threshold=1))
    ]
    assert canonical(options[0]) == canonical(options[1])
    assert "activation_threshold" not in options[0]["norm"]
    own = validate(changed(("methods/x", cross_lingual(activation_threshold=2))))
    assert method_options(own, "x")["norm"]["activation_threshold"] == 2.0


@pytest.mark.parametrize("kind", ["pooled", "contrast"])
def test_other_norms_have_no_threshold(kind):
    norm = {"kind": kind, "activation_threshold": 1}
    found = message(changed(("methods/x", {"score": "wanda", "norm": norm})))
    assert found.startswith("methods.x.norm: unknown key 'activation_threshold'")


@pytest.mark.parametrize("value", [0, -1, 101, "1", True])
def test_a_threshold_is_a_number_within_limits(value):
    found = message(changed(("methods/x", cross_lingual(activation_threshold=value))))
    assert found.startswith(f"methods.x.norm.activation_threshold: found {value!r}")


def test_defaults_of_sparsegpt():
    config = validate(changed(("methods/sparsegpt", SPARSEGPT)))
    assert config.methods["sparsegpt"].plain() == {
        "score": "sparsegpt",
        "block_size": 128,
        "damping": 0.01,
        "pattern": "unstructured",
        "propagation": "sequential",
        "allocation": {"kind": "uniform"},
    }


def test_a_default_of_sparsegpt_written_out_is_the_same_method():
    written_out = {**SPARSEGPT, "propagation": "sequential", "damping": 0.01, "block_size": 128}
    options = [
        canonical(method_options(validate(changed(("methods/x", entry))), "x"))
        for entry in (SPARSEGPT, written_out)
    ]
    assert options[0] == options[1]


def test_sparsegpt_calibrates_behind_the_pruned_blocks_and_moves_weights():
    config = validate(changed(("seeds", [4, 1]), ("methods/x", SPARSEGPT)))
    assert [name for name in config.methods if methods.moves_weights(config, name)] == ["x"]
    assert methods.is_sequential(config, "x")
    assert not methods.reads_dense_statistics(config, "x")
    assert methods.calibration_sets(config, "x") == ["de", "en"]
    assert methods.contrast_sets(config, "x") == []
    for view in (table_grid, table_grids.allocation_grid):
        assert view(config)["methods"]["x"] == {
            "seeds": [1, 4],
            "sparsities": ["0.5"],
            "calibration": ["de", "en"],
            "allocation": "uniform",
            "artefact": "weights",
            "rule": "prune_with_update",
            "statistics": [],
            "subset": None,
            "curve": None,
        }


LSA = {"score": "wanda", "allocation": {"kind": "lsa"}, "propagation": "sequential"}


@pytest.mark.parametrize(
    ("options", "rule", "statistics"),
    [
        ({"score": "wanda"}, "prune_model", ["de", "en"]),
        ({"score": "wanda", "calibration": ["en"]}, "prune_model", ["en"]),
        ({"score": "magnitude"}, "prune_model", []),
        ({"score": "ria", "propagation": "sequential"}, "prune_sequentially", []),
        # Its allocation is decided on the dense model.
        ({**CWL, "propagation": "sequential"}, "prune_sequentially", ["de", "en"]),
        # Its own job passes the windows through the dense model.
        (LSA, "prune_sequentially", []),
        (SPARSEGPT, "prune_with_update", []),
    ],
    ids=canonical,
)
def test_the_grid_knows_how_a_method_is_pruned(options, rule, statistics):
    table = table_grid(validate(changed(("methods/x", options))))
    found = Grid.of(table)
    assert (found.rule("x"), found.statistics("x")) == (rule, statistics)
    benchmark = f'"<benchmarks>/{rule}/{{model}}/seed{{seed}}/{{method}}/{{sparsity}}.jsonl"'
    assert benchmark in RULES.read_text(encoding="utf-8")


def test_sparsegpt_may_have_a_pattern_and_one_language():
    method = {**SPARSEGPT, "pattern": "2:4", "calibration": ["en"]}
    config = validate(changed(("methods/x-2-4", method)))
    assert (0, "x-2-4", "0.5") in grid(config)
    assert methods.calibration_sets(config, "x-2-4") == ["en"]


ERRORS = {
    "methods.x-4-4.pattern: found '4:4', allowed are unstructured and, in quotes, n:m with ": [
        ("methods/x-4-4", {"score": "wanda", "pattern": "4:4"})
    ],
    "methods.x: has the pattern 2:4, so its name must hold 2-4, as in x-2-4": [
        ("methods/x", {"score": "magnitude", "pattern": "2:4"})
    ],
    "methods.x-12-4: has the pattern 2:4, so its name must hold 2-4, as in x-12-4-2-4": [
        ("methods/x-12-4", {"score": "wanda", "pattern": "2:4"})
    ],
    "methods.x-2-4.sparsities: found [0.5, 0.6], but the pattern 2:4 drops 0.5; leave it out": [
        ("methods/x-2-4", {"score": "ria", "pattern": "2:4", "sparsities": [0.5, 0.6]})
    ],
    "methods.x-2-4.scope: found layer, but the pattern 2:4 compares within groups of 4; leave": [
        ("methods/x-2-4", {"score": "wanda", "pattern": "2:4", "scope": "layer"})
    ],
    "methods.x-2-4.allocation: cwl needs mixed: true, by which blocks differ in the 2 of 2:4; ": [
        ("methods/x-2-4", {**CWL, "pattern": "2:4"})
    ],
    "methods.x.allocation.mixed: is for patterns n:m, found unstructured; leave it out": [
        ("methods/x", {"score": "wanda", "allocation": {"kind": "owl", "mixed": True}})
    ],
    "methods.x.propagation: unknown value 'dense': allowed are sequential": [
        ("methods/x", {**SPARSEGPT, "propagation": "dense"})
    ],
    "methods.x.allocation.kind: found 'owl', allowed is 'uniform'": [
        ("methods/x", {**SPARSEGPT, "allocation": {"kind": "owl"}})
    ],
    "methods.x: unknown key 'norm': allowed are allocation, block_size, calibration, damping, ": [
        ("methods/x", {**SPARSEGPT, "norm": {"kind": "pooled"}})
    ],
    "methods.x: unknown key 'scope': allowed are allocation, block_size, calibration, damping, ": [
        ("methods/x", {**SPARSEGPT, "scope": "row"})
    ],
    "methods.x.damping: found -0.01, allowed is a number >= 0 and <= 1000": [
        ("methods/x", {**SPARSEGPT, "damping": -0.01})
    ],
    "methods.x.block_size: found 0, allowed is an integer >= 1 and <= 65536": [
        ("methods/x", {**SPARSEGPT, "block_size": 0})
    ],
    "methods.x.calibration: 'sw' has no statistics, since its role is unseen: allowed are de, en": [
        ("methods/x", {**SPARSEGPT, "calibration": ["sw"]})
    ],
    "methods.sparsegpt: has the pattern 4:8, so its name must hold 4-8, as in sparsegpt-4-8": [
        ("methods/sparsegpt", {**SPARSEGPT, "pattern": "4:8"})
    ],
}


@pytest.mark.parametrize(("expected", "changes"), ERRORS.items(), ids=str)
def test_mistakes_in_a_method(expected, changes):
    found = message(changed(*changes))
    assert "\n" not in found
    assert found.startswith(expected)


def with_method(name: str, text: str) -> dict:
    """The small config with a method as it stands in a YAML file."""
    return changed((f"methods/{name}", yaml.safe_load(text)))


def test_a_pattern_has_one_sparsity_of_its_own():
    config = changed(
        ("sparsities", [0.3, 0.7]),
        ("methods/wanda-2-4", {"score": "wanda", "pattern": "2:4"}),
        ("methods/magnitude-1-3", {"score": "magnitude", "pattern": "1:3"}),
        ("methods/ria-5-8-en", {"score": "ria", "pattern": "5:8", "calibration": ["en"]}),
    )
    once = validate(config)
    assert [job for job in grid(once) if job[1] not in ("dense", "magnitude", "wanda")] == [
        (0, "magnitude-1-3", "0.333333"),
        (0, "ria-5-8-en", "0.625"),
        (0, "wanda-2-4", "0.5"),
    ]
    assert method_options(once, "wanda-2-4")["pattern"] == "2:4"
    assert "sparsities" not in method_options(once, "magnitude-1-3")
    assert validate(once.plain()) == once


@pytest.mark.parametrize("kind", ["owl", "cwl"])
def test_blocks_may_differ_in_n_where_mixed_says_so(kind):
    allocation = {"kind": kind, "strength": 0.2, "mixed": True}
    method = {"score": "wanda", "pattern": "4:8", "allocation": allocation}
    config = validate(changed(("methods/mixed-4-8", method)))
    assert method_options(config, "mixed-4-8")["allocation"]["mixed"] is True
    assert methods.sparsities_of(config, "mixed-4-8") == ["0.5"]


@pytest.mark.parametrize(("written", "read"), [("2:4", 124), ("4:8", 248), ("16:32", 992)])
def test_a_pattern_without_quotes_is_explained(written, read):
    name = "x-" + written.replace(":", "-")
    assert message(with_method(name, f"{{score: wanda, pattern: {written}}}")) == (
        f"methods.{name}.pattern: found {read}, which is how YAML reads {written} without quotes; "
        f'write "{written}"'
    )
    validate(with_method(name, f'{{score: wanda, pattern: "{written}"}}'))


def test_a_pattern_is_evaluated_downstream_at_its_own_sparsity():
    downstream = {
        "reference": "en",
        "tasks": {"cloze": {"kind": "parallel_cloze", "corpus": "words"}},
        "methods": ["wanda", "wanda-1-3"],
        "sparsities": [0.5, 0.333333],
    }
    config = validate(
        changed(
            ("methods/wanda-1-3", {"score": "wanda", "pattern": "1:3"}),
            ("evaluation", {"downstream": downstream}),
        )
    )
    methods = table_grids.downstream_grid(config)["downstream"]["methods"]
    assert methods["wanda-1-3"]["sparsities"] == ["0.333333"]
    assert methods["wanda"]["sparsities"] == ["0.5"]
