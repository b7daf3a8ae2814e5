import pytest
import yaml

from multiprune.experiment.cost import (
    by_model,
    calibration_tokens,
    downstream,
    estimate,
    sequential,
    sweeps,
)
from multiprune.experiment.validation import validate

CONFIG = """
experiment: x
models: {m: {kind: local, folder: f, parameters: 1}}
corpora: {c: {kind: text, folder: t}}
languages: {a: {corpus: c, role: calibration}, b: {corpus: c, role: unseen}}
calibration: {samples: 10, length: 100}
baseline: wanda
methods: {wanda: {score: wanda}}
evaluation: {perplexity: {tokens: 89999500}}
"""


def test_by_hand():
    # dense and wanda on two languages and one calibration pass of 1,000 tokens:
    # 2 * 2 * 89,999,500 + 1,000 = 359,999,000 tokens * 2e9 FLOP = 7.2e17, two hours at 1e14 a
    # second; three jobs load for a minute each. Disk: 2 GB + 1/8 GB + 0.004 GB.
    line = estimate(validate(yaml.safe_load(CONFIG)))
    assert line.startswith("estimate: 2.1 GB on disk, 2.0 GPU hours, at")


def test_small_work_is_estimated_for_a_model_that_needs_a_gpu_alone():
    config = yaml.safe_load(CONFIG)
    config["evaluation"]["perplexity"]["tokens"] = 1000
    assert estimate(validate(config)).startswith("estimate: 2.1 GB on disk")
    config["models"]["m"]["parameters"] = 0.9
    assert estimate(validate(config)) == ""


def test_the_rate_of_the_card():
    """As by hand above, on a card ten times as fast."""
    config = yaml.safe_load(CONFIG)
    config["compute"] = {"gpu_teraflops": 1000}
    line = estimate(validate(config))
    assert line.startswith("estimate: 2.1 GB on disk, 0.2 GPU hours, at 1000 TFLOP/s")


def test_disk_holds_weights_as_they_are_stored_whatever_they_are_loaded_as():
    """A GGUF file is converted to float32: 4 GB in place of 2."""
    config = yaml.safe_load(CONFIG)
    model = {"kind": "package_gguf", "package": "p", "version": "1", "file": "f", "parameters": 1}
    model |= {"sha256": 64 * "0", "dtype": "bfloat16"}
    config["models"] = {"m": model}
    assert estimate(validate(config)).startswith("estimate: 4.1 GB on disk")
    config["models"]["m"] = {"kind": "local", "folder": "f", "parameters": 1, "dtype": "float32"}
    assert estimate(validate(config)).startswith("estimate: 2.1 GB on disk")


def test_stages_by_hand():
    # As above: one pass of 1,000 tokens, and two jobs of 179,999,000 tokens; none of the others.
    config = yaml.safe_load(CONFIG)
    config["models"]["n"] = dict(config["models"]["m"], parameters=3)
    small, large = by_model(validate(config)).values()
    assert small["statistics"] == pytest.approx(1_000 * 2e9 / 1e14 / 3600 + 1 / 60)
    assert small["perplexity"] == pytest.approx(2 * 179_999_000 * 2e9 / 1e14 / 3600 + 2 / 60)
    assert large["perplexity"] == pytest.approx(3 * 2 * 179_999_000 * 2e9 / 1e14 / 3600 + 2 / 60)
    assert {stage for stage, hours in small.items() if hours} == {"statistics", "perplexity"}


def test_moved_weights_take_the_room_of_the_model():
    config = yaml.safe_load(CONFIG)
    config["methods"]["x"] = {"score": "sparsegpt"}  # one more version: 2 + 1/8 + 2 + 0.004 GB
    assert estimate(validate(config)).startswith("estimate: 4.1 GB on disk")


@pytest.mark.parametrize("more", ["models", "seeds"])
def test_grows_with_the_grid(more):
    config = yaml.safe_load(CONFIG)
    if more == "models":
        config["models"]["n"] = dict(config["models"]["m"], parameters=9)
    else:
        config["seeds"] = [0, 1, 2]
    gigabytes, hours = (
        float(part.split()[0])
        for part in estimate(validate(config)).removeprefix("estimate: ").split(", ")[:2]
    )
    assert gigabytes > 2.1
    assert hours > 3.9


def test_downstream_tasks_by_hand():
    # XNLI has en and de but not it. Dense and wanda at 0.5 (not 0.6): two jobs, each 2 languages *
    # 100 items * 300 tokens = 60,000.
    config = yaml.safe_load(CONFIG)
    for code in ("en", "de", "it"):
        config["languages"][code] = {"corpus": "c", "role": "unseen"}
    config["methods"]["wanda"]["sparsities"] = [0.5, 0.6]
    config["evaluation"]["downstream"] = {
        "reference": "en",
        "tasks": {"xnli": {"kind": "lm_eval"}},
        "languages": ["en", "de", "it"],
        "sparsities": [0.5],
        "limit": 100,
    }
    assert downstream(validate(config)) == (2, 120_000)


def test_pairs_are_counted_with_their_own_windows():
    config = yaml.safe_load(CONFIG)
    config["languages"]["b"]["role"] = "calibration"
    config["calibration"]["demonstrations"] = {"corpus": "c", "samples": 7, "length": 50}
    config["methods"]["pair"] = {"score": "wanda", "calibration": ["a-b"]}
    config["seeds"] = [0, 1]
    assert calibration_tokens(validate(config)) == 2 * (2 * 10 * 100 + 7 * 50)


def with_all_kinds_of_windows() -> dict:
    """Sets a, b and code of 1,000 tokens each, and a-b of 350; two seeds."""
    config = yaml.safe_load(CONFIG)
    config["languages"]["b"]["role"] = "calibration"
    config["calibration"]["demonstrations"] = {"corpus": "c", "samples": 7, "length": 50}
    config["calibration"]["code"] = {"corpus": "c", "text": "code"}
    config["seeds"] = [0, 1]
    return config


@pytest.mark.parametrize(
    ("options", "jobs", "tokens"),
    [
        # Each job passes its windows twice through every block.
        ({"score": "sparsegpt"}, 2, 2 * 2 * 2000),
        ({"score": "sparsegpt", "sparsities": [0.3, 0.5, 0.6]}, 6, 6 * 2 * 2000),
        ({"score": "sparsegpt", "calibration": ["a"]}, 2, 2 * 2 * 1000),
        ({"score": "wanda", "propagation": "sequential", "calibration": ["a-b"]}, 2, 2 * 2 * 350),
        (
            {
                "score": "wanda",
                "propagation": "sequential",
                "calibration": ["a-b"],
                "norm": {"kind": "contrast"},
            },
            2,
            2 * 2 * (350 + 1000),
        ),
        # Twice more, dense, for the allocation; the contrast set has no part in it.
        (
            {
                "score": "wanda",
                "propagation": "sequential",
                "calibration": ["a-b"],
                "norm": {"kind": "contrast"},
                "allocation": {"kind": "lsa"},
            },
            2,
            2 * 2 * (2 * 350 + 1000),
        ),
        ({"score": "wanda"}, 0, 0),
        ({"score": "magnitude"}, 0, 0),
    ],
)
def test_sequential_methods_by_hand(options, jobs, tokens):
    config = with_all_kinds_of_windows()
    config["methods"]["x"] = options
    assert sequential(validate(config)) == (jobs, tokens)


def test_the_estimate_counts_sequential_jobs():
    # Windows of 9e6 tokens at 2e9 FLOP, 1e14 a second: a dense pass takes 0.05 hours, ten
    # sequential jobs of two passes 1 hour. 12 evaluations (of next to nothing), 1 pass and 10
    # sequential jobs load for a minute each: 0.38 hours. 1.43 in all; without the sequential jobs'
    # loading it would be 1.27.
    config = yaml.safe_load(CONFIG)
    config["calibration"] = {"samples": 90, "length": 100_000}
    config["evaluation"]["perplexity"]["tokens"] = 1000
    shares = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55]
    config["methods"]["x"] = {"score": "ria", "propagation": "sequential", "sparsities": shares}
    assert ", 1.4 GPU hours" in estimate(validate(config))


def test_candidates_run_once_however_many_seeds_and_sparsities_there_are():
    # 2 * 3 candidates, each on 89,999,500 tokens in the two languages to calibrate on.
    config = with_all_kinds_of_windows()
    config["methods"]["x"] = {
        "score": "wanda",
        "allocation": {"kind": "owl"},
        "sparsities": [0.3, 0.5, 0.6],
        "choose": {"allocation.strength": [0.05, 0.1], "allocation.outlier_multiple": [3, 5, 7]},
    }
    assert sweeps(validate(config)) == (6, 6 * 2 * 89_999_500)
