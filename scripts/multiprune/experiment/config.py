"""Everything that decides what runs: defaults, cross-references and the grid of jobs.

Plain Python without torch, since every job on a cluster parses the workflow again. Whatever order a
YAML file has, lists come out sorted and options canonical, so that reordering reruns nothing.
"""

import json
import re

from multiprune.errors import InputError
from multiprune.experiment import (
    candidates as sweep,
)
from multiprune.experiment import (
    downstream as downstream_config,
)
from multiprune.experiment import (
    names as references,
)
from multiprune.experiment import (
    subsets,
)
from multiprune.experiment.downloads import text_code
from multiprune.experiment.grid import (
    CODE,
    DENSE,
    PRUNE_MODEL,
    PRUNE_SEQUENTIALLY,
    PRUNE_WITH_UPDATE,
    SPARSEGPT,
)
from multiprune.experiment.group_pattern import check_quotes, parse_pattern
from multiprune.experiment.names import must_be_one_of
from multiprune.experiment.schema import with_defaults
from multiprune.registry import names

METHOD = {"$ref": "#/$defs/method"}  # in the schema
MOST_PRUNED_MODELS = 100_000  # beyond, Snakemake needs hours only to plan
THRESHOLD = "norm.activation_threshold"  # in a method's options
ACTIVATION_WEIGHT = "norm.activation_weight"


def validate(config: dict) -> dict:
    """The config with defaults filled in; raise InputError with one line for the first mistake."""
    check_quotes(config)
    config = with_defaults(config)
    references.check_models(config)
    references.check_languages(config)
    references.check_datasets(config)
    references.check_calibration(config)
    references.check_claims(config)
    must_be_one_of("method", config["baseline"], config["methods"], "baseline")
    _check_sparsities(config["sparsities"], "sparsities")
    for name, method in config["methods"].items():
        _check_method(config, name, method)
        _check_choose(config, name, method)
    if downstream := config["evaluation"].get("downstream"):
        downstream_config.check(config, downstream)
    for language in config["evaluation"]["perplexity"].get("languages", []):
        where = "evaluation.perplexity.languages"
        must_be_one_of("language", language, config["languages"], where)
    for name in config.get("figures", []):
        must_be_one_of("figure", name, names("figures", having="TABLES"), "figures")
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
    calibration = method.get("calibration", [])
    if isinstance(calibration, dict):
        _check_choice(config, name, calibration)
    else:
        for entry in calibration:
            _check_calibration_set(config, entry, f"{where}.calibration")
    if not needs_statistics(method):
        return
    _check_shares(config, name, method)
    norm = method.get("norm", {})
    if norm.get("kind") == "contrast" and CODE not in config["calibration"]:
        raise InputError(f"{where}.norm: contrast needs calibration.{CODE}, which is missing")
    _how, available = subsets.choice(calibration) or ("", len(calibration_sets(config, name)))
    if available == 0:
        raise InputError(f"{where}: needs a language with role calibration, there is none")
    spread = norm.get("kind") == "cross_lingual" and norm["dispersion_weight"] > 0
    if (spread or method["allocation"]["kind"] == "cwl") and available < 2:
        raise InputError(f"{where}: compares languages, so it needs at least 2 to calibrate on")


def _check_choice(config: dict, name: str, calibration: dict) -> None:
    """Languages can be chosen from the pool, as many as it has; those of most speakers, by count.

    Which ones a greedy choice takes is known only once there are statistics.
    """
    where = f"methods.{name}.calibration"
    keys = [key for key in subsets.CHOICES if key in calibration]
    if len(keys) != 1:
        found = " and ".join(keys) or "none of them"
        raise InputError(f"{where}: needs one of {', '.join(subsets.CHOICES)}, found {found}")
    if "seed" in calibration and keys != ["sample"]:
        raise InputError(f"{where}.seed: goes with sample, found {keys[0]}; leave it out")
    pool = languages(config, "calibration")
    how, size = subsets.choice(calibration)
    if size > len(pool):
        raise InputError(
            f"{where}.{keys[0]}: found {size}, allowed are at most {len(pool)}, the number of "
            "languages with role calibration"
        )
    if how == subsets.LARGEST:
        _check_speakers(config, pool, f"{where}.largest")
    if how == subsets.GREEDY and (
        is_sequential(config, name) or "choose" in config["methods"][name]
    ):
        raise InputError(
            f"{where}.greedy: is for dense propagation and given constants; leave out propagation "
            "and choose"
        )


def _check_shares(config: dict, name: str, method: dict) -> None:
    norm, where = method.get("norm", {}), f"methods.{name}.norm.shares"
    if ("shares" in norm) != (norm.get("weighting") == "shares"):
        raise InputError(f"{where}: goes with weighting: shares, and that with it")
    for code in norm.get("shares", {}):
        must_be_one_of("calibration set", code, calibration_sets(config, name), where)
    if norm.get("weighting") == "speakers":
        _check_speakers(config, calibration_sets(config, name), f"methods.{name}.norm.weighting")


def _check_speakers(config: dict, codes: list[str], where: str) -> None:
    for code in codes:
        if not config["languages"].get(code, {}).get("speakers"):
            raise InputError(f"{where}: languages.{code}.speakers is missing; give their number")


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
    """Languages and pairs whose statistics a method uses, sorted; none for dense and magnitude.

    Those of a greedy choice are the whole pool, from which it takes some.
    """
    if method == DENSE or not needs_statistics(config["methods"][method]):
        return []
    own, pool = config["methods"][method].get("calibration"), languages(config, "calibration")
    match subsets.choice(own):
        case (subsets.RANDOM, size):
            return subsets.sample(pool, size, own.get("seed", 0))
        case (subsets.LARGEST, size):
            return subsets.largest({c: config["languages"][c]["speakers"] for c in pool}, size)
        case (subsets.GREEDY, _size):
            return pool
    return sorted(own) if own else pool


def chosen_size(config: dict, method: str) -> int | None:
    """How many of its calibration sets a method takes, where their statistics decide which."""
    how = method != DENSE and subsets.choice(config["methods"][method].get("calibration"))
    return how[1] if how and how[0] == subsets.GREEDY else None


def evaluated(config: dict) -> list[str]:
    """Codes of the languages whose perplexity is measured, sorted."""
    return sorted(config["evaluation"]["perplexity"].get("languages", config["languages"]))


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
    """Thresholds that the dense statistics count at, ascending: those at which a method reads.

    A method whose norm weighs activity, or may be chosen to, names one under THRESHOLD, or several
    in `choose`; else it is the config's own.
    """
    default = config["statistics"]["activation_threshold"]
    found = set()
    for name, method in config["methods"].items():
        norm, choose = method.get("norm", {}), method.get("choose", {})
        weights = [norm.get("activation_weight"), *choose.get(ACTIVATION_WEIGHT, [])]
        if any(weights) and reads_dense_statistics(config, name):
            found.update(choose.get(THRESHOLD, [norm.get("activation_threshold", default)]))
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

    A threshold that is the statistics' own stands there only where it is chosen; numbers of
    speakers stand there as shares.
    """
    ignored = ("sparsities", "calibration", "choose", "choose_at")
    entry = config["methods"][method]
    options = {key: value for key, value in entry.items() if key not in ignored}
    if THRESHOLD not in entry.get("choose", {}) and "norm" in options:
        default = ("activation_threshold", config["statistics"]["activation_threshold"])
        options["norm"] = dict(item for item in options["norm"].items() if item != default)
    if options.get("norm", {}).get("weighting") == "speakers":
        speakers = {
            code: float(config["languages"][code]["speakers"])
            for code in calibration_sets(config, method)
        }
        options["norm"] |= {"weighting": "shares", "shares": speakers}
    return options


def choosing(config: dict) -> list[str]:
    """Methods whose constants are chosen on validation text, sorted."""
    return sorted(name for name, method in config["methods"].items() if "choose" in method)


def candidates(config: dict, method: str) -> list[sweep.Candidate]:
    """The candidates of a method whose constants are chosen, the simplest first."""
    return sweep.candidates(method_options(config, method), config["methods"][method]["choose"])
