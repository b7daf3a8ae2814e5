import pytest
import yaml

from multiprune.errors import InputError
from multiprune.export.model_card import (
    calibration_sets,
    front_matter,
    is_calibrated_on,
    model_card,
    perplexity_rows,
    public,
)
from multiprune.files.json import write_json

ORIGIN = {"device": "cpu", "versions": {"transformers": "5", "torch": "2.13.0"}}
RECORD = {
    "name": "tiny",
    "auto_class": "AutoModelForCausalLM",
    "base": {"definition": {"kind": "local", "folder": "x"}, "revision": None, "fingerprint": "fp"},
    "licences": [],
    "mask": "ma5c",
    "seed": 2,
    "method": "m-wanda",
    "options": {"score": "wanda", "pattern": "unstructured", "norm": {"kind": "pooled"}},
    "sparsity": {"requested": 0.5, "achieved": 0.49927},
    "zeros": {"dropped": 100, "kept": 0},
    "blocks": [
        {"block": 0, "parameters": 200, "sparsity": 0.25},
        {"block": 1, "parameters": 200, "sparsity": 0.75},
    ],
    "calibration": ["de", "en-no"],
    "propagation": "dense",
    "inputs": {"model": "fp", "de.safetensors": "5ta7", "en-no.safetensors": "5ta8"},
    "perplexity": {
        "de": {"name": "German", "dense": 10.0, "pruned": 25.0, "ratio": 2.5, "tokens": 700}
        | {"corpus": "udhr", "split": "test", "length": 128, **ORIGIN},
        "no": {"name": "no", "dense": 8.0, "pruned": 12.345, "ratio": 1.543125, "tokens": 600}
        | {"corpus": "udhr", "split": "test", "length": 128, **ORIGIN},
        "sw": {"name": "Swahili", "dense": 4.0, "pruned": 12.0, "ratio": 3.0, "tokens": 500}
        | {"corpus": "udhr", "split": "test", "length": 128, **ORIGIN},
    },
    "versions": {"torch": "2.13.0"},
    "code": "d16e57",
}


def changed(**changes: object) -> dict:
    return {**RECORD, **changes}


def test_a_card_does_not_say_where_a_folder_lies():
    own = {"kind": "local", "folder": "/home/anna/secret/my-model"}
    assert public(own) == {"kind": "local", "folder": "my-model"}
    hub = {"kind": "huggingface", "repo": "a/b"}
    assert public(hub) == hub


def test_front_matter_is_yaml_with_every_number():
    content = yaml.safe_load(front_matter(RECORD))
    assert "base_model" not in content
    assert content["library_name"] == "transformers"
    assert content["tags"] == ["pruned", "sparse", "m-wanda"]
    assert content["pruning"] == {
        "base_model": {"name": "tiny", **RECORD["base"]},
        "method": "m-wanda",
        "options": RECORD["options"],
        "sparsity": {"requested": 0.5, "achieved": 0.49927},
        "calibration": ["de", "en-no"],
        "propagation": "dense",
        "seed": 2,
        "perplexity": {
            "de": {"dense": 10.0, "pruned": 25.0, "ratio": 2.5},
            "no": {"dense": 8.0, "pruned": 12.345, "ratio": 1.543125},
            "sw": {"dense": 4.0, "pruned": 12.0, "ratio": 3.0},
        },
        "mask_sha256": "ma5c",
    }


def test_awkward_text_stays_text_in_yaml():
    options = {"score": 'a: "b" # c', "on": "yes", "empty": {}, "list": ["é", "no"], "none": None}
    options |= {"Null": 1, "3": 2, "é é": 3, "y": {"n": "m"}}
    content = yaml.safe_load(front_matter(changed(options=options, method="no")))
    assert content["pruning"]["options"] == options
    assert content["pruning"]["method"] == "no"


def test_base_model_is_the_hubs_name_where_there_is_one():
    definition = {"kind": "huggingface", "repo": "bigscience/bloom-560m", "revision": "main"}
    base = {"definition": definition, "revision": "abc", "fingerprint": "fp"}
    assert yaml.safe_load(front_matter(changed(base=base)))["base_model"] == "bigscience/bloom-560m"
    assert "- base model: bigscience/bloom-560m;" in model_card(changed(base=base))
    assert "revision abc" in model_card(changed(base=base))


def test_the_card_says_everything_a_user_must_know():
    card = model_card(RECORD)
    _, header, text = card.split("---\n", 2)
    assert yaml.safe_load(header) == yaml.safe_load(front_matter(RECORD))
    for line in (
        "# tiny, pruned to 49.93% with m-wanda",
        "- calibration: de, en-no",
        "- activations: of the dense model",
        "Windows of 128 tokens, test split; lower is better.",
        "| German (de) | yes | 700 | 10.00 | 25.00 | 2.500 |",
        "| no | yes | 600 | 8.00 | 12.35 | 1.543 |",
        "| Swahili (sw) | no | 500 | 4.00 | 12.00 | 3.000 |",
        "| 0 | 200 | 25.00% |",
        "| 1 | 200 | 75.00% |",
        "- mask: SHA-256 `ma5c`, seed 2",
        "- input de.safetensors: `5ta7`",
        "- pruned and written with torch 2.13.0; code `d16e57`",
        "- perplexity measured on cpu with torch 2.13.0, transformers 5",
    ):
        assert line in text.splitlines()
    assert "**not smaller or faster by itself**" in text
    assert "sparse matrix kernels" not in text
    assert "already" not in text


def test_a_group_pattern_points_to_kernels():
    card = model_card(changed(options={"score": "wanda", "pattern": "2:4"}))
    assert "Its pattern, 2:4, is one that sparse matrix kernels can use" in card


def test_what_was_not_done_is_not_claimed():
    card = model_card(changed(perplexity={}, calibration=[], zeros={"dropped": 9, "kept": 1234}))
    assert "Not measured." in card
    assert "- calibration: none, the weights alone decide" in card
    assert "activations" not in card
    assert "1,234 weights that the mask keeps are zero in the base model already" in card


def test_calibration_sets_of_both_kinds_of_propagation():
    assert calibration_sets({"model": "", "fr.safetensors": "", "en-fr.safetensors": ""}) == [
        "en-fr",
        "fr",
    ]
    sequential = {"windows/fr.safetensors": "", "statistics/fr.safetensors": "", "contrast": ""}
    assert calibration_sets(sequential) == ["fr"]


def test_languages_seen_in_calibration():
    languages = ["de", "en", "zh", "zh-hant"]
    assert is_calibrated_on("de", ["de"], languages)
    assert is_calibrated_on("en", ["en-de"], languages)
    assert is_calibrated_on("zh-hant", ["zh-hant"], languages)
    assert not is_calibrated_on("zh", ["zh-hant"], languages)
    assert not is_calibrated_on("de", [], languages)


def measured(folder, perplexity, mask, **origin):
    provenance = {"model": "fp", "mask": mask, "tokens": "t", **ORIGIN, **origin}
    record = {"perplexity": perplexity, "length": 64, "tokens": 7, "split": "test", "corpus": "c"}
    write_json(folder / "en.json", {**record, "provenance": provenance})
    return folder


def test_ratio_of_perplexities(tmp_path):
    folders = measured(tmp_path / "p", 9.0, "m"), measured(tmp_path / "d", 6.0, None)
    assert perplexity_rows(*folders, {"en": "English"}, "fp", "m") == {
        "en": {"name": "English", "dense": 6.0, "pruned": 9.0, "ratio": 1.5, **ORIGIN}
        | {"corpus": "c", "split": "test", "length": 64, "tokens": 7}
    }


@pytest.mark.parametrize(
    ("mask", "dense_mask", "origin", "message"),
    [
        ("other", None, {}, r"p/en\.json: is no perplexity of this mask; remove it"),
        ("m", "m", {}, r"d/en\.json: is no perplexity of this dense model; remove it"),
        ("m", None, {"model": "x"}, r"p/en\.json: is no perplexity of this mask; remove it"),
        ("m", None, {"tokens": "x"}, r"p/en\.json: was measured on other tokens than .*d/en\.json"),
    ],
)
def test_perplexities_of_something_else_are_refused(mask, dense_mask, origin, message, tmp_path):
    folders = measured(tmp_path / "p", 9.0, mask, **origin), measured(tmp_path / "d", 6, dense_mask)
    with pytest.raises(InputError, match=message):
        perplexity_rows(*folders, {"en": "English"}, "fp", "m")


def test_a_missing_perplexity_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"en\.json: no such file"):
        perplexity_rows(tmp_path, tmp_path, {"en": "English"}, "fp", "m")


def test_licences_that_come_with_the_base_model_are_named():
    line = next(row for row in model_card(RECORD).splitlines() if row.startswith("- base model"))
    assert line == "- base model: tiny; its licence holds for this model too"
    card = model_card(changed(licences=["GEMMA_TERMS.html", "NOTICE.md"]))
    assert "its licence (`GEMMA_TERMS.html`, `NOTICE.md`, beside this card) holds for" in card
