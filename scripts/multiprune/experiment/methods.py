"""What the methods of an experiment need and are: languages, statistics, rules, options, runs.

Whatever order a YAML file has, lists come out sorted and options canonical, so that reordering
reruns nothing.
"""

from multiprune.experiment import candidates as sweep
from multiprune.experiment import subsets
from multiprune.experiment.grid import (
    CALIBRATION,
    CODE,
    DENSE,
    PRUNE_MODEL,
    PRUNE_SEQUENTIALLY,
    PRUNE_WITH_UPDATE,
)
from multiprune.experiment.members import definition, members, own_language, wholes
from multiprune.experiment.settings.allocations import Lsa
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.methods import Activated, Calibrated, SparseGPT, Subset
from multiprune.experiment.settings.norms import Contrast, CrossLingual

THRESHOLD = "norm.activation_threshold"  # in a method's options
RELATIVE, SPREAD_OF = "norm.activation_relative", "norm.of"
ACTIVATION_WEIGHT = "norm.activation_weight"


def languages(experiment: Experiment, role: str | None = None) -> list[str]:
    """Codes of the languages with a role, or of all, sorted."""
    entries = experiment.languages.items()
    return sorted(code for code, language in entries if role in (None, language.role))


def evaluated(experiment: Experiment) -> list[str]:
    """Codes of the languages whose perplexity is measured, sorted."""
    return sorted(experiment.evaluation.perplexity.languages or experiment.languages)


def evaluated_under(experiment: Experiment, name: str) -> list[str]:
    """Codes of the languages whose perplexity is measured under a method, sorted.

    All of `evaluated` but for a member, which has one.
    """
    own = own_language(experiment, name)
    return evaluated(experiment) if own is None else [own]


def all_evaluated_under(experiment: Experiment) -> dict[str, list[str]]:
    """`evaluated_under` of every method and of dense, by name."""
    names = (DENSE, *experiment.methods)
    return {name: evaluated_under(experiment, name) for name in names}


# Languages and statistics.


def choice_of(experiment: Experiment, name: str) -> tuple[str, int] | None:
    """How a method chooses its languages, and how many; None where they are given."""
    chosen = getattr(experiment.methods.get(name), "calibration", None)
    return chosen.choice if isinstance(chosen, Subset) else None


def chosen_size(experiment: Experiment, name: str) -> int | None:
    """How many of its calibration sets a method takes, where their statistics decide which."""
    how = choice_of(experiment, name)
    return how[1] if how and how[0] == subsets.GREEDY else None


def calibration_sets(experiment: Experiment, name: str) -> list[str]:
    """Languages and pairs whose statistics a method uses, sorted; none for dense and magnitude.

    Those of a greedy choice are the whole pool, from which it takes some; those of a method that is
    pruned for each language all that its members use.
    """
    if own := members(experiment, name):
        used = {entry for member in own.values() for entry in calibration_sets(experiment, member)}
        return sorted(used)
    method, pool = experiment.methods.get(name), languages(experiment, CALIBRATION)
    if not isinstance(method, Calibrated):
        return []
    match choice_of(experiment, name):
        case (subsets.RANDOM, size):
            return subsets.sample(pool, size, method.calibration.seed or 0)
        case (subsets.LARGEST, size):
            speakers = {code: experiment.languages[code].speakers for code in pool}
            return subsets.largest(speakers, size)
        case (subsets.GREEDY, _size):
            return pool
    return sorted(method.calibration or pool)


def contrast_sets(experiment: Experiment, name: str) -> list[str]:
    """The set that a method's norm is divided by, if it has one."""
    norm = getattr(experiment.methods.get(name), "norm", None)
    return [CODE] if isinstance(norm, Contrast) else []


def reads_dense_statistics(experiment: Experiment, name: str) -> bool:
    """Whether a method's mask needs statistics of the unpruned model.

    A sequential method does for its allocation only, unless that is decided by windows.
    """
    if not calibration_sets(experiment, name):
        return False
    uneven = experiment.methods[name].allocation.kind != "uniform"
    by_windows = allocates_by_windows(experiment, name)
    return not is_sequential(experiment, name) or (uneven and not by_windows)


def allocates_by_windows(experiment: Experiment, name: str) -> bool:
    """Whether a method's windows pass the unpruned model in its own job, for its allocation."""
    return isinstance(experiment.methods[name].allocation, Lsa)


def all_calibration_sets(experiment: Experiment) -> list[str]:
    """Every set that has statistics: calibration languages, then what methods use beside them."""
    used = {
        entry
        for name in experiment.methods
        for entry in (*calibration_sets(experiment, name), *contrast_sets(experiment, name))
    }
    plain = languages(experiment, CALIBRATION)
    return [*plain, *sorted(used - set(plain))]


def activation_thresholds(experiment: Experiment, relative: bool = True) -> list[float]:
    """Thresholds that the dense statistics count at, ascending: those at which a method reads.

    A method whose norm weighs activity, or may be chosen to, names one under THRESHOLD, or several
    in `choose`; else it is the config's own. `relative` to the token's root mean square, or not.
    """
    default = experiment.statistics.activation_threshold
    found = set()
    for method in _cross_lingual(experiment):
        norm, choose = method.norm, method.choose or {}
        weights = [norm.activation_weight, *choose.get(ACTIVATION_WEIGHT, [])]
        if any(weights) and relative in choose.get(RELATIVE, [norm.activation_relative]):
            found.update(choose.get(THRESHOLD, [norm.activation_threshold or default]))
    return sorted(found)


def statistics_spread(experiment: Experiment) -> list[str]:
    """The statistics of a channel beside its norm whose spread over languages a method reads."""
    found = {
        of
        for method in _cross_lingual(experiment)
        for of in (method.choose or {}).get(SPREAD_OF, [method.norm.of])
    }
    return sorted(found - {"norm"})


def _cross_lingual(experiment: Experiment) -> list[Activated]:
    """The methods that read what differs between languages in the dense statistics."""
    return [
        method
        for name, method in experiment.methods.items()
        if isinstance(getattr(method, "norm", None), CrossLingual)
        and reads_dense_statistics(experiment, name)
    ]


def labels(experiment: Experiment) -> dict[str, str]:
    """What methods are called in figures and pages, by their names; those without one left out."""
    methods = sorted((experiment.methods | wholes(experiment)).items())
    return {name: method.label for name, method in methods if method.label is not None}


# How a method prunes.


def is_sequential(experiment: Experiment, name: str) -> bool:
    """Whether a method takes its statistics behind the blocks that are already pruned."""
    method = experiment.methods[name]
    return isinstance(method, Calibrated) and method.propagation == "sequential"


def moves_weights(experiment: Experiment, name: str) -> bool:
    """Whether a method changes the weights that it keeps, so that a mask does not say it all."""
    return isinstance(experiment.methods[name], SparseGPT)


def pruning_rule(experiment: Experiment, name: str) -> str:
    """Name of the rule that prunes with a method."""
    if moves_weights(experiment, name):
        return PRUNE_WITH_UPDATE
    return PRUNE_SEQUENTIALLY if is_sequential(experiment, name) else PRUNE_MODEL


def method_options(experiment: Experiment, name: str) -> dict:
    """What a mask depends on beside the model, the statistics and the sparsity.

    A threshold that is the statistics' own stands there only where it is chosen; numbers of
    speakers stand there as shares.
    """
    ignored = ("sparsities", "calibration", "choose", "choose_at", "choose_finalists", "label")
    method = experiment.methods[name]
    options = {key: value for key, value in method.plain().items() if key not in ignored}
    if not isinstance(method, Activated):
        return options
    if THRESHOLD not in (method.choose or {}):
        default = ("activation_threshold", experiment.statistics.activation_threshold)
        options["norm"] = dict(item for item in options["norm"].items() if item != default)
    if getattr(method.norm, "weighting", None) == "speakers":
        sets = calibration_sets(experiment, name)
        speakers = {code: float(experiment.languages[code].speakers) for code in sets}
        options["norm"] |= {"weighting": "shares", "shares": speakers}
    return options


# Constants that are chosen.


def choosing(experiment: Experiment) -> list[str]:
    """Methods whose constants are chosen on validation text, sorted."""
    methods = experiment.methods.items()
    return sorted(name for name, method in methods if getattr(method, "choose", None))


def deciding(experiment: Experiment) -> list[str]:
    """Methods whose constants are chosen among finalists, on all seeds; sorted."""
    methods = experiment.methods
    return [name for name in choosing(experiment) if methods[name].choose_finalists]


def candidates(experiment: Experiment, name: str) -> list[sweep.Candidate]:
    """The candidates of a method whose constants are chosen, the simplest first."""
    return sweep.candidates(method_options(experiment, name), experiment.methods[name].choose)


# What is computed.


def sparsity_text(value: float) -> str:
    """A sparsity as it stands in paths: 0.5, never 0.50."""
    return f"{value:g}"


def seeds_of(experiment: Experiment, name: str) -> list[int]:
    """Seeds that a method is computed for: the smallest only, where nothing is drawn."""
    seeds = sorted(experiment.seeds)
    return seeds if calibration_sets(experiment, name) else seeds[:1]


def sparsities_of(experiment: Experiment, name: str) -> list[str]:
    """Sparsities of a method as they stand in paths, ascending."""
    if name == DENSE:
        return ["0"]
    values = definition(experiment, name).sparsities or experiment.sparsities
    return [sparsity_text(value) for value in sorted(values)]


def grid(experiment: Experiment) -> list[tuple[int, str, str]]:
    """Every (seed, method, sparsity) of one model, dense included."""
    return [
        (seed, name, sparsity)
        for name in (DENSE, *sorted(experiment.methods))
        for seed in seeds_of(experiment, name)
        for sparsity in sparsities_of(experiment, name)
    ]
