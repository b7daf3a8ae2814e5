"""Everything that decides what runs: defaults, cross-references and the grid of jobs.

Plain Python without torch, since every job on a cluster parses the workflow again. Whatever order a
YAML file has, lists come out sorted and options canonical, so that reordering reruns nothing.
"""

import json
import re

from multiprune import downstream_config, references, sweep
from multiprune.definitions import text_code
from multiprune.errors import InputError
from multiprune.grid import (
    CODE,
    DENSE,
    PRUNE_MODEL,
    PRUNE_SEQUENTIALLY,
    PRUNE_WITH_UPDATE,
    SPARSEGPT,
    WEIGHTS,
)
from multiprune.group_pattern import check_quotes, parse_pattern
from multiprune.references import must_be_one_of
from multiprune.schema import with_defaults

METHOD = {"$ref": "#/$defs/method"}  # in the schema
MOST_PRUNED_MODELS = 100_000  # beyond, Snakemake needs hours only to plan
THRESHOLD = "norm.activation_threshold"  # in a method's options


def validate(config: dict) -> dict:
    """The config with defaults filled in; raise InputError with one line for the first mistake."""
    check_quotes(config)
    config = with_defaults(config)
    references.check_models(config)
    references.check_languages(config)
    references.check_datasets(config)
    references.check_calibration(config)
    must_be_one_of("method", config["baseline"], config["methods"], "baseline")
    _check_sparsities(config["sparsities"], "sparsities")
    for name, method in config["methods"].items():
        _check_method(config, name, method)
        _check_choose(config, name, method)
    if downstream := config["evaluation"].get("downstream"):
        downstream_config.check(config, downstream)
    for path in config["sources"]:
        references.check_source(config, path)
    _check_size(config)
    return config


def _check_method(config: dict, name: str, method: dict) -> None:
    where = f"methods.{name}"
    if name == DENSE:
        raise InputError(f"{where}: the name {DENSE} is reserved for the unpruned model")
    _check_pattern(name, method)
    _check_sparsities(method.get("sparsities", []), f"{where}.sparsities")
    for entry in method.get("calibration", []):
        _check_calibration_set(config, entry, f"{where}.calibration")
    if not needs_statistics(method):
        return
    norm = method.get("norm", {})
    if norm.get("kind") == "contrast" and CODE not in config["calibration"]:
        raise InputError(f"{where}.norm: contrast needs calibration.{CODE}, which is missing")
    available = len(calibration_sets(config, name))
    if available == 0:
        raise InputError(f"{where}: needs a language with role calibration, there is none")
    spread = norm.get("kind") == "cross_lingual" and norm["dispersion_weight"] > 0
    if (spread or method["allocation"]["kind"] == "cwl") and available < 2:
        raise InputError(f"{where}: compares languages, so it needs at least 2 to calibrate on")


def _check_pattern(name: str, method: dict) -> None:
    """A pattern n:m fixes the sparsity, which is filled in, and stands in the method's name."""
    where = f"methods.{name}"
    pattern = parse_pattern(method["pattern"], f"{where}.pattern")
    allocation = method["allocation"]
    mixed = allocation.get("mixed", False)
    if pattern is None:
        if mixed:
            raise InputError(
                f"{where}.allocation.mixed: is for patterns n:m, found unstructured; leave it out"
            )
        return
    if not re.search(rf"(^|-){pattern.slug}(-|$)", name):
        raise InputError(
            f"{where}: has the pattern {pattern}, so its name must hold {pattern.slug}, as in "
            f"{name}-{pattern.slug}"
        )
    if method.get("scope", "row") != "row":
        raise InputError(
            f"{where}.scope: found {method['scope']}, but the pattern {pattern} compares within "
            f"groups of {pattern.size}; leave it out"
        )
    own = [float(sparsity_text(pattern.sparsity))]
    if method.setdefault("sparsities", own) != own:
        raise InputError(
            f"{where}.sparsities: found {method['sparsities']}, but the pattern {pattern} drops "
            f"{own[0]:g}; leave it out"
        )
    if allocation["kind"] != "uniform" and not mixed:
        raise InputError(
            f"{where}.allocation: {allocation['kind']} needs mixed: true, by which blocks differ "
            f"in the {pattern.dropped} of {pattern}; or take uniform"
        )


def _check_choose(config: dict, name: str, method: dict) -> None:
    """Each candidate must be a method that could stand in the config; its values are made alike."""
    where = f"methods.{name}"
    if "choose" not in method:
        if "choose_at" in method:
            raise InputError(f"{where}.choose_at: goes with choose, which is missing")
        return
    if is_sequential(config, name):
        raise InputError(
            f"{where}.choose: candidates are compared with dense statistics; leave out "
            "propagation: sequential"
        )
    if THRESHOLD in method["choose"] and method["norm"]["kind"] == "cross_lingual":
        default = config["statistics"]["activation_threshold"]
        method["norm"].setdefault("activation_threshold", default)
    if config["evaluation"]["perplexity"]["split"] == "validation":
        raise InputError(
            "evaluation.perplexity.split: found validation, on which the constants of "
            f"{name} are chosen; allowed is test"
        )
    sparsities = list(map(float, sparsities_of(config, name)))
    at = method.setdefault("choose_at", sweep.middle(sparsities))
    if sparsity_text(at) not in sparsities_of(config, name):
        allowed = ", ".join(sparsities_of(config, name))
        raise InputError(f"{where}.choose_at: found {at:g}, allowed are {allowed}")
    own = {key: entry for key, entry in method.items() if key not in ("choose", "choose_at")}
    try:
        for path, values in method["choose"].items():
            method["choose"][path] = [_as_in_a_method(own, path, value) for value in values]
        for candidate in sweep.candidates(own, method["choose"]):
            _check_method(config, name, sweep.with_constants(own, candidate.constants))
    except InputError as error:
        raise InputError(f"{where}.choose: {error}") from None


def _as_in_a_method(own: dict, path: str, value: sweep.Constant) -> sweep.Constant:
    """The value as the schema writes it at this path: 1 and 1.0 mean the same."""
    method = with_defaults(sweep.with_constants(own, {path: value}), METHOD)
    return sweep.constants_of(method)[path]


def _check_calibration_set(config: dict, entry: str, where: str) -> None:
    pool = languages(config, "calibration")
    pair = entry.split("-")
    for code in pair if len(pair) == 2 else [entry]:
        if code in config["languages"] and code not in pool:
            allowed = ", ".join(pool)
            raise InputError(
                f"{where}: {code!r} has no statistics, since its role is unseen: "
                f"allowed are {allowed}"
            )
        must_be_one_of("language", code, pool, where)
    if len(pair) != 2:
        return
    if "demonstrations" not in config["calibration"]:
        raise InputError(
            f"{where}: {entry!r} stands for demonstrations, but calibration.demonstrations is "
            "missing"
        )
    corpus = config["calibration"]["demonstrations"]["corpus"]
    for code in pair:
        text_code(config, corpus, code)


def _check_sparsities(values: list[float], where: str) -> None:
    texts = [sparsity_text(value) for value in values]
    if len(set(texts)) < len(texts):
        raise InputError(f"{where}: found {values}, two of them are the same to six digits")
    if "1" in texts:
        raise InputError(f"{where}: found {values}, one of them is 1 to six digits; allowed is < 1")


def _check_size(config: dict) -> None:
    runs = sum(
        len(seeds_of(config, method)) * len(sparsities_of(config, method))
        for method in config["methods"]
    )
    if (found := runs * len(config["models"])) > MOST_PRUNED_MODELS:
        raise InputError(
            f"models, seeds, methods, sparsities: ask for {found:,} pruned models, allowed are "
            f"{MOST_PRUNED_MODELS:,}"
        )


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


def calibration_sets(config: dict, method: str) -> list[str]:
    """Languages and pairs whose statistics a method uses, sorted; none for dense and magnitude."""
    if method == DENSE or not needs_statistics(config["methods"][method]):
        return []
    own = config["methods"][method].get("calibration")
    return sorted(own) if own else languages(config, "calibration")


def contrast_sets(config: dict, method: str) -> list[str]:
    """The set that a method's norm is divided by, if it has one."""
    if method == DENSE or not needs_statistics(config["methods"][method]):
        return []
    kind = config["methods"][method].get("norm", {}).get("kind")
    return [CODE] if kind == "contrast" else []


def is_sequential(config: dict, method: str) -> bool:
    """Whether a method takes its statistics behind the blocks that are already pruned."""
    return config["methods"][method].get("propagation") == "sequential"


def moves_weights(config: dict, method: str) -> bool:
    """Whether a method changes the weights that it keeps, so that a mask does not say it all."""
    return config["methods"][method]["score"] == SPARSEGPT


def pruning_rule(config: dict, method: str) -> str:
    """Name of the rule that prunes with a method."""
    if moves_weights(config, method):
        return PRUNE_WITH_UPDATE
    return PRUNE_SEQUENTIALLY if is_sequential(config, method) else PRUNE_MODEL


def reads_dense_statistics(config: dict, method: str) -> bool:
    """Whether a method's mask needs statistics of the unpruned model.

    A sequential method does for its allocation only.
    """
    if not calibration_sets(config, method):
        return False
    allocation = config["methods"][method]["allocation"]["kind"]
    return not is_sequential(config, method) or allocation != "uniform"


def all_calibration_sets(config: dict) -> list[str]:
    """Every set that has statistics: calibration languages, then what methods use beside them."""
    used = {
        entry
        for method in config["methods"]
        for entry in (*calibration_sets(config, method), *contrast_sets(config, method))
    }
    plain = languages(config, "calibration")
    return [*plain, *sorted(used - set(plain))]


def activation_thresholds(config: dict) -> list[float]:
    """Thresholds that the dense statistics count at, ascending: the default and all that is named.

    A method names one under THRESHOLD, or several in `choose`.
    """
    default = config["statistics"]["activation_threshold"]
    found = {default}
    for name, method in config["methods"].items():
        if reads_dense_statistics(config, name):
            found.add(method["norm"].get("activation_threshold", default))
            found.update(method.get("choose", {}).get(THRESHOLD, []))
    return sorted(found)


def seeds_of(config: dict, method: str) -> list[int]:
    """Seeds that a method is computed for: the smallest only, where nothing is drawn."""
    seeds = sorted(config["seeds"])
    return seeds if calibration_sets(config, method) else seeds[:1]


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


def method_options(config: dict, method: str) -> dict:
    """What a mask depends on beside the model, the statistics and the sparsity.

    A threshold that is the statistics' own stands there only where it is chosen.
    """
    ignored = ("sparsities", "calibration", "choose", "choose_at")
    entry = config["methods"][method]
    options = {key: value for key, value in entry.items() if key not in ignored}
    if THRESHOLD not in entry.get("choose", {}) and "norm" in options:
        default = ("activation_threshold", config["statistics"]["activation_threshold"])
        options["norm"] = dict(item for item in options["norm"].items() if item != default)
    return options


def choosing(config: dict) -> list[str]:
    """Methods whose constants are chosen on validation text, sorted."""
    return sorted(name for name, method in config["methods"].items() if "choose" in method)


def candidates(config: dict, method: str) -> list[sweep.Candidate]:
    """The candidates of a method whose constants are chosen, the simplest first."""
    return sweep.candidates(method_options(config, method), config["methods"][method]["choose"])


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


def downstream_grid(config: dict) -> dict:
    """`table_grid` and what was evaluated downstream."""
    table = table_grid(config)
    return {**table, "downstream": downstream_config.grid(config, table["methods"])}


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
    methods = {
        method: {
            "seeds": seeds_of(config, method),
            "sparsities": sparsities_of(config, method),
            "calibration": calibration_sets(config, method),
            "allocation": _allocation_kind(config, method),
        }
        for method in (DENSE, *config["methods"])
    }
    for method in config["methods"]:
        # Only what differs, so that a new kind of method leaves the tables of the others alone.
        if moves_weights(config, method):
            methods[method]["artefact"] = WEIGHTS
        if (rule := pruning_rule(config, method)) != PRUNE_MODEL:
            methods[method]["rule"] = rule
        if methods[method]["calibration"] and not reads_dense_statistics(config, method):
            methods[method]["statistics"] = []
    return methods


def _allocation_kind(config: dict, method: str) -> str:
    return "uniform" if method == DENSE else config["methods"][method]["allocation"]["kind"]
