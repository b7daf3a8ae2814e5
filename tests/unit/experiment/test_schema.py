from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator
from tiny import small_config

from multiprune.errors import InputError
from multiprune.experiment.schema import alternatives, load_schema, resolved, with_defaults
from multiprune.registry import names

# Dotted path, the wrong value there, and the one line that it gives.
MISTAKES = [
    ("", None, "top level: found None, allowed is a value of type object"),
    (
        "colour",
        1,
        "top level: unknown key 'colour': allowed are baseline, calibration, claims, compute",
    ),
    ("method", {}, "top level: unknown key 'method': allowed are "),
    (
        "experiment",
        "My Demo",
        "experiment: found 'My Demo', allowed is text that matches ^[a-z0-9]",
    ),
    ("experiment", 5, "experiment: found 5, allowed is a value of type string"),
    ("models", {}, "models: is empty, at least 1 needed"),
    ("models.Big", {"kind": "local", "folder": "x"}, "models: found 'Big', allowed is text that"),
    (
        "models.tiny",
        {"folder": "x"},
        "models.tiny: kind is missing: allowed are package_gguf, local",
    ),
    ("models.tiny", {"kind": "huggingface", "repo": "a/b"}, "models.tiny: revision is missing"),
    (
        "models.tiny.kind",
        "hugingface",
        "models.tiny.kind: unknown kind 'hugingface': allowed are package_gguf, local, "
        "huggingface; did you mean 'huggingface'?",
    ),
    ("models.tiny.kind", ["local"], "models.tiny.kind: unknown kind ['local']: allowed are"),
    (
        "models.tiny.dtype",
        "int8",
        "models.tiny.dtype: unknown value 'int8': allowed are auto, float32",
    ),
    ("models.tiny.folder", "", "models.tiny.folder: is empty, at least 1 needed"),
    ("models.tiny", "folder", "models.tiny: found 'folder', allowed is a value of type object"),
    (
        "corpora.words.path",
        "x",
        "corpora.words: unknown key 'path': allowed are folder, kind",
    ),
    ("languages", {}, "languages: is empty, at least 1 needed"),
    ("languages.en", {"corpus": "words"}, "languages.en: role is missing"),
    (
        "languages.en.role",
        "seen",
        "languages.en.role: unknown value 'seen': allowed are calibration, ",
    ),
    (
        "languages.EN",
        {"corpus": "words", "role": "unseen"},
        "languages: found 'EN', allowed is text that matches ^[a-z0-9_]+$; write 'en'; the text's "
        "own code stands under `text:`",
    ),
    (
        "languages.zh-Hans",
        {"corpus": "words", "role": "unseen"},
        "languages: found 'zh-Hans', allowed is text that matches ^[a-z0-9_]+$; write 'zh_hans'; "
        "the text's own code stands under `text:`",
    ),
    (
        "languages.\u4e2d\u6587",
        {"corpus": "words", "role": "unseen"},
        "languages: found '\u4e2d\u6587', allowed is text that matches ^[a-z0-9_]+$",
    ),
    (
        "methods.Wanda_2",
        {"score": "wanda"},
        "methods: found 'Wanda_2', allowed is text that matches ^[a-z0-9][a-z0-9-]*$; write "
        "'wanda-2'",
    ),
    (
        "languages",
        {False: {"corpus": "words", "role": "unseen"}},
        "languages: key False is not text; put it in quotes",
    ),
    (
        "calibration.samples",
        0,
        "calibration.samples: found 0, allowed is an integer >= 1 and <= 100000",
    ),
    (
        "calibration.samples",
        2.5,
        "calibration.samples: found 2.5, allowed is a value of type integer",
    ),
    (
        "calibration.samples",
        True,
        "calibration.samples: found True, allowed is a value of type integer",
    ),
    (
        "calibration.lenght",
        5,
        "calibration: unknown key 'lenght': allowed are code, demonstrations, length, samples, "
        "start_token; did",
    ),
    ("seeds", [], "seeds: is empty, at least 1 needed"),
    ("seeds", [1, 1], "seeds: found [1, 1], each entry may stand there once"),
    ("seeds", [-1], "seeds.0: found -1, allowed is an integer >= 0 and <= 4294967295"),
    ("seeds", 3, "seeds: found 3, allowed is a value of type array"),
    ("sparsities", [0.5, 0], "sparsities.1: found 0.0, allowed is a number > 0 and < 1"),
    ("sparsities", [1], "sparsities.0: found 1.0, allowed is a number > 0 and < 1"),
    ("sparsities", [float("nan")], "sparsities: found nan, allowed is a finite number"),
    (
        "methods.wanda.score",
        "wnada",
        "methods.wanda.score: unknown score 'wnada': allowed are magni",
    ),
    ("methods.wanda.ria_exponent", 1, "methods.wanda: unknown key 'ria_exponent': allowed are"),
    (
        "methods.magnitude.norm",
        {"kind": "pooled"},
        "methods.magnitude: unknown key 'norm': allowed",
    ),
    (
        "methods.M_wanda",
        {"score": "wanda"},
        "methods: found 'M_wanda', allowed is text that matches",
    ),
    (
        "methods.wanda.norm",
        {"kind": "pool"},
        "methods.wanda.norm.kind: unknown kind 'pool': allowed",
    ),
    (
        "methods.wanda.norm",
        {"kind": "pooled", "dispersion": "std"},
        "methods.wanda.norm: unknown key 'dispersion': allowed are kind, shares, weighting",
    ),
    (
        "methods.wanda.allocation",
        {"kind": "owl", "strength": 0.6},
        "methods.wanda.allocation.strength: found 0.6, allowed is a number >= 0 and <= 0.5",
    ),
    (
        "methods.wanda.allocation",
        {"kind": "owl", "strength": float("nan")},
        "methods.wanda.allocation.strength: found nan, allowed is a finite number",
    ),
    ("methods.magnitude.allocation", {"kind": "owl"}, "methods.magnitude.allocation.kind: "),
    (
        "methods.wanda.allocation",
        {"kind": "owl", "mixed": "yes"},
        "methods.wanda.allocation.mixed: found 'yes', allowed is a value of type boolean",
    ),
    (
        "methods.wanda.allocation",
        {"kind": "uniform", "mixed": True},
        "methods.wanda.allocation: unknown key 'mixed': allowed are kind",
    ),
    ("methods.wanda.pattern", 5, "methods.wanda.pattern: found 5, allowed is a value of type str"),
    (
        "evaluation.perplexity.split",
        "train",
        "evaluation.perplexity.split: unknown value 'train': ",
    ),
    (
        "resampling.confidence",
        1,
        "resampling.confidence: found 1.0, allowed is a number > 0 and < 1",
    ),
]


def mistaken(path: str, value: object) -> object:
    """The small config with one value, or the whole of it, replaced."""
    if not path:
        return value
    config = small_config()
    *parents, last = path.split(".")
    entry = config
    for key in parents:
        entry = entry.setdefault(key, {})
    entry[last] = value
    return config


@pytest.mark.parametrize(("path", "value", "expected"), MISTAKES, ids=str)
def test_a_mistake_is_one_line_with_key_found_and_allowed(path, value, expected):
    with pytest.raises(InputError) as error:
        with_defaults(mistaken(path, value))
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


def test_the_outermost_mistake_comes_first():
    config = mistaken("calibration.samples", 0)
    del config["baseline"]
    with pytest.raises(InputError, match=r"^top level: baseline is missing$"):
        with_defaults(config)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(load_schema())


@pytest.mark.parametrize(
    ("choice", "registry"),
    [
        ("method", {*names("pruning.scores"), "sparsegpt"}),
        ("norm", names("pruning.norms")),
        ("allocation", names("pruning.allocations")),
    ],
)
def test_choices_are_the_registries(choice, registry):
    _key, options = alternatives(load_schema()["$defs"][choice])
    assert set(options) == set(registry)


def properties(schema: dict, where: str = "") -> Iterator[tuple[str, dict]]:
    """Every property at any depth, alternatives and named entries included."""
    schema = resolved(schema)
    for option in schema.get("oneOf", []):
        yield from properties(option, where)
    for key, entry in schema.get("properties", {}).items():
        yield f"{where}.{key}", resolved(entry)
        yield from properties(entry, f"{where}.{key}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from properties(schema["additionalProperties"], f"{where}.*")


def test_every_key_is_described():
    found = dict(properties(load_schema()))
    assert len(found) > 60
    assert [key for key, entry in found.items() if not entry.get("description")] == []


def test_every_mapping_is_closed_or_names_its_entries():
    objects = [entry for _key, entry in properties(load_schema()) if entry.get("type") == "object"]
    options = [o for s in load_schema()["$defs"].values() for o in s.get("oneOf", [])]
    for entry in [load_schema(), *objects, *options]:
        assert entry["additionalProperties"] is False or "propertyNames" in entry


def test_every_default_is_allowed_where_it_stands():
    defaults = [(key, entry) for key, entry in properties(load_schema()) if "default" in entry]
    assert len(defaults) > 20
    for key, entry in defaults:
        filled = with_defaults(entry["default"], entry, key)
        assert with_defaults(filled, entry, key) == filled
