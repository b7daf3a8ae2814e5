from tiny import small_config

from multiprune.experiment.demands import demands, windows_of_texts
from multiprune.experiment.validation import validate
from unit.experiment.data import changed

DEMONSTRATIONS = ("calibration/demonstrations", {"corpus": "words", "length": 300})
PAIR = ("methods/pair", {"score": "wanda", "calibration": ["de-en"]})


def test_windows_for_calibration_and_perplexity():
    assert demands(validate(small_config()), "tiny") == {
        "dtype": "auto",
        "lengths": {"calibration.length": 128, "evaluation.perplexity.length": 128},
    }


def test_demonstrations_count_where_a_method_calibrates_on_pairs():
    key = "calibration.demonstrations.length"
    one_language = changed(DEMONSTRATIONS, ("models/tiny/dtype", "float32"))
    assert key not in demands(validate(one_language), "tiny")["lengths"]
    found = demands(
        validate(changed(DEMONSTRATIONS, PAIR, ("models/tiny/dtype", "float32"))), "tiny"
    )
    assert found["dtype"] == "float32"
    assert found["lengths"][key] == 300


def test_nothing_is_calibrated_without_calibration_languages():
    unseen = [(f"languages/{code}/role", "unseen") for code in ("de", "en")]
    methods = {"magnitude": {"score": "magnitude"}}
    config = changed(("baseline", "magnitude"), ("methods", methods), *unseen)
    assert demands(validate(config), "tiny")["lengths"] == {"evaluation.perplexity.length": 128}


def test_windows_of_each_text():
    """What is calibrated on and what is scored; demonstrations and tasks count no windows."""
    code = ("calibration/code", {"corpus": "python"})
    contrast = {"score": "wanda", "norm": {"kind": "contrast"}}
    config = changed(
        ("corpora/python", {"kind": "python_library"}), code, ("methods/contrast", contrast),
        DEMONSTRATIONS, PAIR, ("calibration/samples", 3),
        ("evaluation/perplexity", {"length": 64, "tokens": 50, "languages": ["de"]}),
    )  # fmt: skip
    found = windows_of_texts(validate(config))
    assert found["words/de"] == {"calibration": [3, 128], "test": [1, 50]}
    assert found["words/en"] == {"calibration": [3, 128]}
    assert found["python/code"] == {"calibration": [3, 128]}
    assert "words/sw" not in found
