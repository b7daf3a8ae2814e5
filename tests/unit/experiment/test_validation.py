import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import small_config

from multiprune.experiment import downloads as definitions
from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import DENSE
from multiprune.experiment.methods import grid, method_options
from multiprune.experiment.table_grids import table_grid
from multiprune.experiment.validation import validate
from multiprune.files.json import canonical
from unit.experiment.data import MISSING, changed, message

CROSS = {"score": "wanda", "norm": {"kind": "cross_lingual"}}
CWL = {"score": "wanda", "allocation": {"kind": "cwl"}}


def test_defaults_are_filled_in():
    config = validate(small_config()).plain()
    assert config["calibration"] == {"samples": 8, "length": 128, "start_token": "count"}
    assert config["statistics"] == {"activation_threshold": 1.0}
    assert config["compute"] == {
        "device": "auto",
        "gpu_memory_gb": 80.0,
        "gpu_teraflops": 100.0,
        "most_minutes": 1440,
        "batch_tokens": 2048,
        "activation_memory_gb": 8.0,
    }
    assert config["seeds"] == [0]
    assert config["sparsities"] == [0.5]
    assert config["evaluation"] == {
        "perplexity": {"length": 128, "split": "test"},
        "most_unknown_tokens": 0.05,
    }
    assert config["resampling"] == {"draws": 2000, "confidence": 0.95}
    assert config["models"]["tiny"]["dtype"] == "auto"
    assert config["languages"]["en"] == {
        "corpus": "words",
        "role": "calibration",
        "text": "en",
        "name": "en",
        "texts": {},
    }
    assert config["methods"]["magnitude"] == {
        "score": "magnitude",
        "scope": "row",
        "pattern": "unstructured",
        "allocation": {"kind": "uniform"},
    }


@pytest.mark.parametrize("name", ["-ka", " German", "=x", "@x", "'Are'are", "\uff1dx"])
def test_the_name_of_a_language_may_begin_with_any_mark(name):
    assert validate(changed(("languages/de/name", name))).languages["de"].name == name


@pytest.mark.parametrize("name", ["a\nb", "\tx", "x\r", "a\x7fb"])
def test_the_name_of_a_language_stands_on_one_line(name):
    assert "languages.de.name: found " in (said := message(changed(("languages/de/name", name))))
    assert "control character" in said


def test_defaults_of_the_nested_choices():
    methods = {
        "ria": {"score": "ria"},
        "owl": {"score": "wanda", "allocation": {"kind": "owl"}},
        "m-wanda": {**CROSS, "allocation": {"kind": "cwl"}},
    }
    config = validate(
        changed(*((f"methods/{name}", entry) for name, entry in methods.items()))
    ).plain()
    assert config["methods"]["ria"] == {
        "score": "ria",
        "ria_exponent": 0.5,
        "scope": "row",
        "pattern": "unstructured",
        "norm": {"kind": "pooled", "weighting": "tokens"},
        "propagation": "dense",
        "allocation": {"kind": "uniform"},
    }
    assert config["methods"]["owl"]["allocation"] == {
        "kind": "owl",
        "strength": 0.08,
        "outlier_multiple": 5.0,
        "mixed": False,
    }
    assert config["methods"]["m-wanda"]["norm"] == {
        "kind": "cross_lingual",
        "weighting": "tokens",
        "of": "norm",
        "dispersion": "std",
        "dispersion_weight": 0.25,
        "activation_weight": 0.0,
        "activation_on": "norm",
        "activation_modules": "all",
        "activation_relative": True,
    }
    assert config["methods"]["m-wanda"]["allocation"] == {
        "kind": "cwl",
        "direction": "keep_shared",
        "correlation_of": "norms",
        "strength": 0.05,
        "combine": "none",
        "outlier_multiple": 5.0,
        "mixed": False,
    }


def test_the_given_config_is_not_changed():
    given_config = small_config()
    validate(given_config)
    assert given_config == small_config()


def test_validating_twice_changes_nothing():
    once = validate(small_config())
    assert validate(once.plain()) == once


@pytest.mark.parametrize(
    ("short", "written_out"),
    [
        ({"score": "wanda"}, {"score": "wanda", "norm": {"kind": "pooled", "weighting": "tokens"}}),
        ({"score": "wanda"}, {"score": "wanda", "allocation": {"kind": "uniform"}, "scope": "row"}),
        ({"score": "ria"}, {"pattern": "unstructured", "ria_exponent": 0.5, "score": "ria"}),
        (
            {"score": "wanda", "allocation": {"kind": "owl", "outlier_multiple": 5}},
            {"score": "wanda", "allocation": {"outlier_multiple": 5.0, "kind": "owl"}},
        ),
        (CROSS, {**CROSS, "norm": {"activation_weight": 0, "kind": "cross_lingual"}}),
    ],
)
def test_a_default_written_out_is_the_same_method(short, written_out):
    options = [
        canonical(method_options(validate(changed(("methods/x", entry))), "x"))
        for entry in (short, written_out)
    ]
    assert options[0] == options[1]


@pytest.mark.parametrize(
    ("path", "as_integer", "as_float"),
    [
        ("statistics/activation_threshold", 1, 1.0),
        ("calibration/samples", 4, 4.0),
        ("compute/batch_tokens", 512, 512.0),
        ("evaluation/perplexity/length", 64, 64.0),
        ("seeds", [0, 1], [0.0, 1.0]),
    ],
)
def test_whole_numbers_look_the_same_with_and_without_a_point(path, as_integer, as_float):
    texts = [
        canonical(validate(changed((path, value))).plain()) for value in (as_integer, as_float)
    ]
    assert texts[0] == texts[1]


def test_paths_never_hold_a_seed_with_a_point():
    assert [str(seed) for seed in validate(changed(("seeds", [2.0, 1]))).seeds] == ["2", "1"]


def test_options_hold_what_a_mask_depends_on_only():
    several = validate(
        changed(("methods/wanda/sparsities", [0.3]), ("methods/wanda/calibration", ["en"]))
    )
    assert method_options(several, "wanda") == method_options(validate(small_config()), "wanda")


# What is computed.


def test_dense_and_magnitude_are_computed_under_the_smallest_seed():
    config = validate(changed(("seeds", [7, 2, 5]), ("sparsities", [0.6, 0.25])))
    assert grid(config) == [
        (2, "dense", "0"),
        (2, "magnitude", "0.25"),
        (2, "magnitude", "0.6"),
        *[(seed, "wanda", sparsity) for seed in (2, 5, 7) for sparsity in ("0.25", "0.6")],
    ]


def test_a_method_may_have_its_own_sparsities_and_languages():
    config = validate(
        changed(("methods/wanda/sparsities", [0.7, 0.1]), ("methods/wanda/calibration", ["en"]))
    )
    assert methods.sparsities_of(config, "wanda") == ["0.1", "0.7"]
    assert methods.sparsities_of(config, "magnitude") == ["0.5"]
    assert methods.sparsities_of(config, DENSE) == ["0"]
    assert methods.calibration_sets(config, "wanda") == ["en"]
    assert methods.calibration_sets(config, "magnitude") == []
    assert methods.calibration_sets(config, DENSE) == []


def test_languages_by_role():
    config = validate(small_config())
    assert methods.languages(config) == ["de", "en", "sw"]
    assert methods.languages(config, "calibration") == ["de", "en"]
    assert methods.languages(config, "unseen") == ["sw"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (0.25000, "0.25"), (0.3333333, "0.333333"), (1e-5, "1e-05")]
)
def test_sparsity_in_paths(value, text):
    assert methods.sparsity_text(value) == text


def shuffled(value: object, draw: random.Random) -> object:
    """The same meaning in another order: keys, and lists whose order carries no meaning."""
    if isinstance(value, dict):
        keys = list(value)
        draw.shuffle(keys)
        return {key: shuffled(value[key], draw) for key in keys}
    if isinstance(value, list):
        return draw.sample(value, len(value))
    return value


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_has_no_meaning(draw):
    config = changed(
        ("seeds", [3, 0, 11]),
        ("sparsities", [0.7, 0.5, 0.3]),
        ("methods/few", {"score": "ria", "calibration": ["en", "de"], "sparsities": [0.6, 0.2]}),
        ("methods/owl", {"score": "wanda", "allocation": {"kind": "owl", "strength": 0.1}}),
    )
    expected, found = validate(config), validate(shuffled(config, draw))
    assert grid(found) == grid(expected)
    for view in (table_grid, table_grids.allocation_grid, table_grids.correlation_grid):
        assert canonical(view(found)) == canonical(view(expected))
    for method in config["methods"]:
        assert canonical(method_options(found, method)) == canonical(
            method_options(expected, method)
        )


def test_table_grid_by_hand():
    config = validate(changed(("seeds", [4, 1]), ("methods/wanda/allocation", {"kind": "owl"})))
    found = table_grid(config)
    plain = {"artefact": "masks", "rule": "prune_model", "subset": None, "curve": None}
    alone = plain | {"seeds": [1], "calibration": [], "statistics": [], "allocation": "uniform"}
    assert found["methods"] == {
        "dense": alone | {"sparsities": ["0"]},
        "magnitude": alone | {"sparsities": ["0.5"]},
        "wanda": plain
        | {
            "seeds": [1, 4],
            "sparsities": ["0.5"],
            "calibration": ["de", "en"],
            "statistics": ["de", "en"],
            "allocation": "owl",
        },
    }
    assert found["seeds"] == [1, 4]
    known = {"new_family": False, "evaluated": True}
    assert found["languages"]["sw"] == {"role": "unseen", "name": "sw"} | known
    assert (found["split"], found["length"], found["baseline"]) == ("test", 128, "wanda")


def test_the_grid_names_the_corpus_of_each_language_where_there_are_several():
    several = changed(
        ("corpora/songs", {"kind": "text", "folder": "inputs/songs"}),
        ("languages/sw/corpus", "songs"),
    )
    described = table_grid(validate(several))["languages"]
    corpora = {name: entry["corpus"] for name, entry in described.items()}
    assert corpora == {"de": "words", "en": "words", "sw": "songs"}
    assert "domains" in table_grids.possible_tables(validate(several))
    assert "corpus" not in table_grid(validate(small_config()))["languages"]["sw"]
    assert "domains" not in table_grids.possible_tables(validate(small_config()))


def test_a_new_unseen_language_leaves_masks_and_correlations_alone():
    before = validate(small_config())
    after = validate(changed(("languages/fr", {"corpus": "words", "role": "unseen"})))
    for view in (table_grids.allocation_grid, table_grids.correlation_grid):
        assert canonical(view(after)) == canonical(view(before))
    assert canonical(table_grid(after)) != canonical(table_grid(before))


def test_downloads_hold_definitions_without_precision():
    config = validate(changed(("models/tiny/dtype", "float32"), ("languages/en/text", "english")))
    model = {"kind": "local", "folder": "inputs/model"}
    corpus = {"kind": "text", "folder": "inputs/texts"}
    assert definitions.downloads(config) == {
        "models/tiny": model,
        "corpora/words/de": {"corpus": corpus, "text": "de"},
        "corpora/words/en": {"corpus": corpus, "text": "english"},
        "corpora/words/sw": {"corpus": corpus, "text": "sw"},
    }


def test_what_a_paragraph_is_belongs_to_the_definition_of_a_text_unless_it_is_the_default():
    kinds = {"blank_lines": {}, "lines": {"paragraphs": "lines"}}
    for written, stated in kinds.items():
        config = validate(changed(("corpora/words/paragraphs", written)))
        corpus = {"kind": "text", "folder": "inputs/texts", **stated}
        assert definitions.corpus_definition(config, "words", "en")["corpus"] == corpus


ALL_UNSEEN = [(f"languages/{code}/role", "unseen") for code in ("de", "en")]
ERRORS = {
    "languages.de.corpus: unknown corpus 'word': allowed are words; did you mean 'words'?": [
        ("languages/de/corpus", "word")
    ],
    "baseline: unknown method 'wonda': allowed are magnitude, wanda; did you mean 'wanda'?": [
        ("baseline", "wonda")
    ],
    "baseline: unknown method 'dense': allowed are magnitude, wanda": [("baseline", "dense")],
    "methods.dense: the name dense is reserved for the unpruned model": [
        ("methods/dense", {"score": "wanda"})
    ],
    "methods.wanda.calibration: 'sw' has no statistics, since its role is unseen: "
    "allowed are de, en": [("methods/wanda/calibration", ["sw"])],
    "methods.wanda.calibration: unknown language 'es': allowed are de, en": [
        ("methods/wanda/calibration", ["en", "es"])
    ],
    "methods.wanda: needs a language with role calibration, there is none": ALL_UNSEEN,
    "methods.x: compares languages, so it needs at least 2 to calibrate on": [
        ("methods/x", {**CROSS, "calibration": ["en"]})
    ],
    "methods.y: compares languages, so it needs at least 2 to calibrate on": [
        ("methods/y", {**CWL, "calibration": ["en"]})
    ],
    "methods.z: compares languages, so it needs at least 2 to calibrate on": [
        ("languages/de/role", "unseen"),
        ("methods/z", CWL),
    ],
    "methods.w.refine: goes with the activations behind the pruned blocks; add propagation: "
    "sequential": [("methods/w", {"score": "wanda", "refine": {"kind": "swaps"}})],
    "methods.w.allocation: lsa is decided by windows on their way through the model; add "
    "propagation: sequential": [("methods/w", {"score": "wanda", "allocation": {"kind": "lsa"}})],
    "methods.w.refine.objective: soft_maximum compares languages, so it needs at least 2 to "
    "calibrate on": [
        (
            "methods/w",
            {
                "score": "wanda",
                "propagation": "sequential",
                "calibration": ["en"],
                "refine": {"kind": "swaps", "objective": "soft_maximum"},
            },
        )
    ],
    "sparsities: found [0.5, 0.5000000001], two of them are the same to six digits": [
        ("sparsities", [0.5, 0.5000000001])
    ],
    "methods.wanda.sparsities: found [0.3, 0.3000000001], two of them are the same to six digits": [
        ("methods/wanda/sparsities", [0.3, 0.3000000001])
    ],
    "sparsities: found [0.9999999], one of them is 1 to six digits; allowed is < 1": [
        ("sparsities", [0.9999999])
    ],
}


@pytest.mark.parametrize(("expected", "changes"), ERRORS.items(), ids=str)
def test_cross_references(expected, changes):
    found = message(changed(*changes))
    assert "\n" not in found
    assert found.startswith(expected)


@pytest.mark.parametrize(
    "changes",
    [
        [("methods/x", {**CROSS, "calibration": ["en", "de"]})],
        [("methods/x", {"score": "wanda", "calibration": ["en"]})],
        [
            ("methods/wanda/norm", {"kind": "cross_lingual", "dispersion_weight": 0}),
            *ALL_UNSEEN[:1],
        ],
        [("baseline", "magnitude"), ("methods/wanda", MISSING), *ALL_UNSEEN],
    ],
)
def test_what_is_possible_is_allowed(changes):
    assert grid(validate(changed(*changes)))[0] == (0, "dense", "0")


# The configs that come with the workflow.
