import pytest
from tiny import small_config

from multiprune import registry
from multiprune.errors import InputError
from multiprune.experiment.settings import messages
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.methods import Method, of_score
from multiprune.experiment.settings.reading import read

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
    ("seeds", 3, "seeds: found 3, allowed is a value of type array; a list of one is [3]"),
    ("sparsities", [0.5, 0], "sparsities.1: found 0.0, allowed is a number > 0 and < 1"),
    ("sparsities", [1], "sparsities.0: found 1.0, allowed is a number > 0 and < 1"),
    ("sparsities", [float("nan")], "sparsities: found nan, allowed is a finite number"),
    (
        "methods.wanda.score",
        "wnada",
        "methods.wanda.score: unknown score 'wnada': allowed are drop_l",
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
        "models.tiny",
        {"kind": "huggingface", "repo": "a/b", "revision": "main"},
        "models.tiny: parameters is missing",
    ),
    ("models.tiny", None, "models.tiny: found None, allowed is a value of type object"),
    ("models.tiny.dtype", None, "models.tiny.dtype: unknown value None: allowed are auto, float32"),
    (
        "evaluation.perplexity.tokens",
        None,
        "evaluation.perplexity.tokens: found None, allowed is a value of type integer",
    ),
    ("seeds", [0, 0.0], "seeds: found [0, 0], each entry may stand there once"),
    (
        "methods.wanda.calibration",
        3,
        "methods.wanda.calibration: found 3, allowed is a value of type array, object",
    ),
    (
        "methods.wanda.choose",
        {"allocation.strength": [{}]},
        "methods.wanda.choose.allocation.strength.0: found {}, allowed is a value of type number, "
        "string, boolean",
    ),
    ("[key]", 1, "top level: unknown key '[key]': allowed are baseline, calibration"),
    ("languages.[key]", 1, "languages: found '[key]', allowed is text that matches ^[a-z0-9_]+$"),
    (
        "methods.wanda",
        {"score": "wanda", "wanda": 1},
        "methods.wanda: unknown key 'wanda': allowed are allocation, calibration, choose",
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
        read(Experiment, mistaken(path, value))
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


def test_the_outermost_mistake_comes_first():
    config = mistaken("calibration.samples", 0)
    del config["baseline"]
    with pytest.raises(InputError, match=r"^top level: baseline is missing$"):
        read(Experiment, config)


def test_what_no_key_allows_comes_before_all_else():
    config = mistaken("methods.wanda.allocation", {"kind": "owl", "strength": float("inf")})
    del config["baseline"]
    with pytest.raises(InputError, match=r"^methods\.wanda\.allocation\.strength: found inf, "):
        read(Experiment, config)


def test_of_several_unknown_keys_the_first_by_name_is_told():
    config = mistaken("zebra", 1) | {"alpaca": 2}
    with pytest.raises(InputError, match=r"^top level: unknown key 'alpaca': "):
        read(Experiment, config)


def test_one_of_several_sections_can_be_read_alone():
    assert read(Method, {"score": "ria"}).plain()["ria_exponent"] == 0.5
    with pytest.raises(InputError, match=r"^methods\.x\.ria_exponent: found -1\.0, allowed is a "):
        read(Method, {"score": "ria", "ria_exponent": -1}, "methods.x")


NEW_SCORE = '''
"""A score of one's own."""

OPTIONS = {
    "power": {"default": 1.0, "ge": 0, "le": 4, "description": "Power of the norm."},
    "rounds": {"default": 3, "ge": 1, "le": 9, "description": "How often weights are compared."},
}
'''


def test_a_new_score_is_one_file(tmp_path, monkeypatch):
    folder = tmp_path / "pruning/scores"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(NEW_SCORE.lstrip(), encoding="utf-8")
    monkeypatch.setattr(registry, "LIBRARY", tmp_path)
    mine = of_score("mine")
    monkeypatch.undo()
    registry.constants.cache_clear()
    found = read(mine, {"score": "mine", "rounds": 5.0, "calibration": ["en"]})
    assert found.plain() == {
        **read(Method, {"score": "wanda", "calibration": ["en"]}).plain(),
        **{"score": "mine", "power": 1.0, "rounds": 5},
    }
    assert mine.__doc__ == "A score of one's own."
    with pytest.raises(
        InputError, match=r"^x\.rounds: found 0, allowed is an integer >= 1 and <= 9$"
    ):
        read(mine, {"score": "mine", "rounds": 0}, "x")


def test_a_score_without_calibration_takes_none():
    assert "calibration" not in read(Method, {"score": "magnitude"}).plain()
    with pytest.raises(InputError, match=r"^x: unknown key 'calibration': allowed are "):
        read(Method, {"score": "magnitude", "calibration": ["en"]}, "x")


def test_true_and_one_are_different_values():
    choose = {"choose": {"allocation.mixed": [True, 1]}}
    assert read(Method, {"score": "wanda", **choose}).choose == choose["choose"]


def test_a_norm_that_is_a_file_without_a_class_of_its_options(monkeypatch: pytest.MonkeyPatch):
    given = {"score": "wanda", "norm": {"kind": "mine"}}

    def said() -> str:
        with pytest.raises(InputError) as error:
            read(Method, given, "methods.x")
        return str(error.value)

    assert said().startswith("methods.x.norm.kind: unknown kind 'mine': allowed are ")
    monkeypatch.setattr(messages, "names", lambda package: ["mine"] * (package == "pruning.norms"))
    assert said() == (
        "methods.x.norm.kind: 'mine' stands in scripts/multiprune/pruning/norms/mine.py, but has "
        "no class of its options; add one to scripts/multiprune/experiment/settings/norms.py"
    )
