import pytest
import yaml

from multiprune.config import validate
from multiprune.cost import calibration_tokens, downstream, estimate

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
