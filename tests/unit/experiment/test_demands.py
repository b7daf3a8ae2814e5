from tiny import small_config

from multiprune.experiment.demands import demands
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
