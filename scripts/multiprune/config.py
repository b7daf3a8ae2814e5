"""Everything that decides what runs: defaults, cross-references and the grid of jobs.

Plain Python without torch, since every job on a cluster parses the workflow again. Whatever order a
YAML file has, lists come out sorted and options canonical, so that reordering reruns nothing.
"""

import json
from pathlib import Path

from multiprune.errors import InputError
from multiprune.grid import DENSE
from multiprune.registry import unknown_name
from multiprune.schema import with_defaults


def validate(config: dict) -> dict:
    """The config with defaults filled in; raise InputError with one line for the first mistake."""
    config = with_defaults(config)
    for code, language in config["languages"].items():
        _must_be_one_of("corpus", language["corpus"], config["corpora"], f"languages.{code}.corpus")
        language.setdefault("text", code)
        language.setdefault("name", code)
    _must_be_one_of("method", config["baseline"], config["methods"], "baseline")
    _check_sparsities(config["sparsities"], "sparsities")
    for name, method in config["methods"].items():
        _check_method(config, name, method)
    for path in config["sources"]:
        _check_source(config, path)
    return config


def _check_source(config: dict, path: str) -> None:
    """A source must speak of a key that is there, or it would outlive what it explains."""
    found, done = config, []
    for part in path.split("."):
        if not isinstance(found, dict) or part not in found:
            allowed = sorted(found) if isinstance(found, dict) else ["(nothing below)"]
            where = ".".join(["sources", *done])
            raise InputError(f"{where}: {unknown_name('path', part, allowed)}")
        found = found[part]
        done.append(part)


def _check_method(config: dict, name: str, method: dict) -> None:
    where = f"methods.{name}"
    if name == DENSE:
        raise InputError(f"{where}: the name {DENSE} is reserved for the unpruned model")
    _check_sparsities(method.get("sparsities", []), f"{where}.sparsities")
    pool = languages(config, "calibration")
    for code in method.get("calibration", []):
        if code in config["languages"] and code not in pool:
            allowed = ", ".join(pool)
            raise InputError(
                f"{where}.calibration: {code!r} has no statistics, since its role is unseen: "
                f"allowed are {allowed}"
            )
        _must_be_one_of("language", code, pool, f"{where}.calibration")
    if not needs_statistics(method):
        return
    available = len(calibration_languages(config, name))
    if available == 0:
        raise InputError(f"{where}: needs a language with role calibration, there is none")
    spread = method["norm"]["kind"] == "cross_lingual" and method["norm"]["dispersion_weight"] > 0
    if (spread or method["allocation"]["kind"] == "cwl") and available < 2:
        raise InputError(f"{where}: compares languages, so it needs at least 2 to calibrate on")


def _check_sparsities(values: list[float], where: str) -> None:
    texts = [sparsity_text(value) for value in values]
    if len(set(texts)) < len(texts):
        raise InputError(f"{where}: found {values}, two of them are the same to six digits")
    if "1" in texts:
        raise InputError(f"{where}: found {values}, one of them is 1 to six digits; allowed is < 1")


def _must_be_one_of(what: str, name: str, allowed: dict | list, where: str) -> None:
    if name not in allowed:
        raise InputError(f"{where}: {unknown_name(what, name, sorted(allowed))}")


def needs_statistics(method: dict) -> bool:
    """Whether a method looks at activations."""
    return method["score"] != "magnitude"


def sparsity_text(value: float) -> str:
    """A sparsity as it stands in paths: 0.5, never 0.50."""
    return f"{value:g}"


def languages(config: dict, role: str | None = None) -> list[str]:
    """Codes of the languages with a role, or of all, sorted."""
    return sorted(
        code for code, entry in config["languages"].items() if role in (None, entry["role"])
    )


def calibration_languages(config: dict, method: str) -> list[str]:
    """Languages whose statistics a method uses, sorted; none for dense and magnitude."""
    if method == DENSE or not needs_statistics(config["methods"][method]):
        return []
    own = config["methods"][method].get("calibration")
    return sorted(own) if own else languages(config, "calibration")


def seeds_of(config: dict, method: str) -> list[int]:
    """Seeds that a method is computed for: the smallest only, where nothing is drawn."""
    seeds = sorted(config["seeds"])
    return seeds if calibration_languages(config, method) else seeds[:1]


def sparsities_of(config: dict, method: str) -> list[str]:
    """Sparsities of a method as they stand in paths, ascending."""
    if method == DENSE:
        return ["0"]
    values = config["methods"][method].get("sparsities", config["sparsities"])
    return [sparsity_text(value) for value in sorted(values)]


def grid(config: dict) -> list[tuple[int, str, str]]:
    """Every (seed, method, sparsity) of one model, dense included."""
    return [
        (seed, method, sparsity)
        for method in (DENSE, *sorted(config["methods"]))
        for seed in seeds_of(config, method)
        for sparsity in sparsities_of(config, method)
    ]


def canonical(content: object) -> str:
    """JSON text with sorted keys: the same for the same meaning."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def model_definition(config: dict, model: str) -> dict:
    """What fetching a model depends on."""
    ignored = ("dtype", "parameters")
    return {key: value for key, value in config["models"][model].items() if key not in ignored}


def corpus_definition(config: dict, language: str) -> dict:
    """What fetching a language's text depends on."""
    entry = config["languages"][language]
    return {"corpus": config["corpora"][entry["corpus"]], "text": entry["text"]}


def text_definitions(config: dict) -> dict[str, dict]:
    """For every language its corpus, definition and, for own text, its file."""
    texts = {}
    for code, entry in config["languages"].items():
        texts[code] = {
            "corpus_name": entry["corpus"],
            "definition": corpus_definition(config, code),
            "source": text_file(config, code),
        }
    return texts


def text_file(config: dict, language: str) -> str:
    """The file of a language's own text, empty for other kinds of corpora."""
    entry = config["languages"][language]
    corpus = config["corpora"][entry["corpus"]]
    if corpus["kind"] != "text":
        return ""
    return str(Path(corpus["folder"]).expanduser() / f"{entry['text']}.txt")


def method_options(config: dict, method: str) -> dict:
    """What a mask depends on beside the model, the statistics and the sparsity."""
    ignored = ("sparsities", "calibration")
    return {key: value for key, value in config["methods"][method].items() if key not in ignored}


def table_grid(config: dict) -> dict:
    """A compact description of all results of a model, for scripts that read many files."""
    return {
        "seeds": sorted(config["seeds"]),
        "baseline": config["baseline"],
        "languages": {
            code: {"role": entry["role"], "name": entry["name"]}
            for code, entry in config["languages"].items()
        },
        "methods": _method_grid(config),
        "resampling": config["resampling"],
        "split": config["evaluation"]["perplexity"]["split"],
        "length": config["evaluation"]["perplexity"]["length"],
    }


def allocation_grid(config: dict) -> dict:
    """The part of `table_grid` that the masks depend on: no languages of evaluation."""
    return {"seeds": sorted(config["seeds"]), "languages": {}, "methods": _method_grid(config)}


def correlation_grid(config: dict) -> dict:
    """The part of `table_grid` that the statistics depend on: calibration languages, no methods."""
    return {
        "seeds": sorted(config["seeds"]),
        "languages": {code: {"role": "calibration"} for code in languages(config, "calibration")},
        "methods": {DENSE: _method_grid(config)[DENSE]},
    }


def _method_grid(config: dict) -> dict[str, dict]:
    return {
        method: {
            "seeds": seeds_of(config, method),
            "sparsities": sparsities_of(config, method),
            "calibration": calibration_languages(config, method),
            "allocation": _allocation_kind(config, method),
        }
        for method in (DENSE, *config["methods"])
    }


def _allocation_kind(config: dict, method: str) -> str:
    return "uniform" if method == DENSE else config["methods"][method]["allocation"]["kind"]


def downloads(config: dict) -> dict[str, dict]:
    """The definition of every folder under resources/ that a config uses."""
    folders = {f"models/{model}": model_definition(config, model) for model in config["models"]}
    for code, entry in config["languages"].items():
        folders[f"corpora/{entry['corpus']}/{code}"] = corpus_definition(config, code)
    return folders
