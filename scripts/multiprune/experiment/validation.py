"""From a config as YAML gives it to an `Experiment`: what has to agree between several keys."""

import re

from multiprune import registry
from multiprune.errors import InputError
from multiprune.experiment import candidates as sweep
from multiprune.experiment import downstream, examples, names, subsets
from multiprune.experiment.downloads import text_code
from multiprune.experiment.for_each import expanded
from multiprune.experiment.forms import check_blanks
from multiprune.experiment.grid import CALIBRATION, CODE, DENSE
from multiprune.experiment.group_pattern import check_quotes, parse_pattern
from multiprune.experiment.methods import (
    THRESHOLD,
    calibration_sets,
    is_sequential,
    languages,
    seeds_of,
    sparsities_of,
    sparsity_text,
)
from multiprune.experiment.names import must_be_one_of
from multiprune.experiment.settings.allocations import Lsa
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.methods import Activated, AnyMethod, Calibrated, Method, Subset
from multiprune.experiment.settings.norms import Contrast, CrossLingual, Weighted
from multiprune.experiment.settings.reading import read

MOST_PRUNED_MODELS = 100_000  # beyond, Snakemake needs hours only to plan


def validate(raw: object) -> Experiment:
    """The experiment that a config describes, with everything that it leaves out filled in.

    InputError with one line for the first mistake. `raw` is left as it is.
    """
    check_quotes(raw)
    check_blanks(raw)
    experiment = read(Experiment, raw)
    names.check_models(experiment)
    experiment = names.with_languages(experiment)
    names.check_datasets(experiment)
    names.check_packages(experiment)
    names.check_calibration(experiment)
    names.check_claims(experiment)
    must_be_one_of("method", experiment.baseline, experiment.methods, "baseline")
    _check_sparsities(experiment.sparsities, "sparsities")
    for name, method in experiment.methods.items():
        if name == DENSE:
            raise InputError(f"methods.{name}: the name {DENSE} is reserved for the unpruned model")
        _with_pattern(name, method)  # before members have names of their own
    experiment = expanded(experiment)
    for name in experiment.methods:
        experiment = _with_method(experiment, name)
    names.check_labels(experiment)
    experiment = downstream.with_downstream(experiment)
    experiment = examples.with_examples(experiment)
    for language in experiment.evaluation.perplexity.languages or ():
        where = "evaluation.perplexity.languages"
        must_be_one_of("language", language, experiment.languages, where)
    for name in experiment.figures or ():
        must_be_one_of("figure", name, registry.names("figures", having="TABLES"), "figures")
    names.check_sources(experiment)
    _check_size(experiment)
    return experiment


def _with_method(experiment: Experiment, name: str) -> Experiment:
    """The experiment in which one method is checked and has all that it leaves out."""
    experiment = _replaced(experiment, name, _with_pattern(name, experiment.methods[name]))
    _check_method(experiment, name, experiment.methods[name])
    return _replaced(experiment, name, _with_choice(experiment, name))


def _replaced(experiment: Experiment, name: str, method: AnyMethod) -> Experiment:
    return experiment.model_copy(update={"methods": {**experiment.methods, name: method}})


def _with_pattern(name: str, method: AnyMethod) -> AnyMethod:
    """A pattern n:m fixes the sparsity, which is filled in, and stands in the method's name."""
    where = f"methods.{name}"
    pattern = parse_pattern(method.pattern, f"{where}.pattern")
    mixed = getattr(method.allocation, "mixed", False)
    if pattern is None:
        if mixed:
            raise InputError(
                f"{where}.allocation.mixed: is for patterns n:m, found unstructured; leave it out"
            )
        return method
    if not re.search(rf"(^|-){pattern.slug}(-|$)", name):
        raise InputError(
            f"{where}: has the pattern {pattern}, so its name must hold {pattern.slug}, as in "
            f"{name}-{pattern.slug}"
        )
    if (scope := getattr(method, "scope", "row")) != "row":
        raise InputError(
            f"{where}.scope: found {scope}, but the pattern {pattern} compares within groups of "
            f"{pattern.size}; leave it out"
        )
    own = [float(sparsity_text(pattern.sparsity))]
    if method.sparsities not in (None, own):
        raise InputError(
            f"{where}.sparsities: found {method.sparsities}, but the pattern {pattern} drops "
            f"{own[0]:g}; leave it out"
        )
    if method.allocation.kind != "uniform" and not mixed:
        raise InputError(
            f"{where}.allocation: {method.allocation.kind} needs mixed: true, by which blocks "
            f"differ in the {pattern.dropped} of {pattern}; or take uniform"
        )
    return method.model_copy(update={"sparsities": own})


def _check_method(experiment: Experiment, name: str, method: AnyMethod) -> None:
    """Check a method, or what it would be with one candidate's constants, against the rest."""
    where = f"methods.{name}"
    _check_sparsities(method.sparsities or [], f"{where}.sparsities")
    if not isinstance(method, Calibrated):
        return
    if isinstance(method.calibration, Subset):
        _check_subset(experiment, name, method.calibration)
    else:
        for entry in method.calibration or ():
            _check_calibration_set(experiment, entry, f"{where}.calibration")
    norm = getattr(method, "norm", None)
    if isinstance(norm, Weighted):
        _check_shares(experiment, name, norm)
    if isinstance(norm, Contrast) and experiment.calibration.code is None:
        raise InputError(f"{where}.norm: contrast needs calibration.{CODE}, which is missing")
    available = _number_of_sets(experiment, name, method)
    if available == 0:
        raise InputError(f"{where}: needs a language with role calibration, there is none")
    spread = isinstance(norm, CrossLingual) and norm.dispersion_weight > 0
    if (spread or method.allocation.kind == "cwl") and available < 2:
        raise InputError(f"{where}: compares languages, so it needs at least 2 to calibrate on")
    if isinstance(method.allocation, Lsa) and method.propagation != "sequential":
        raise InputError(
            f"{where}.allocation: lsa is decided by windows on their way through the model; add "
            "propagation: sequential"
        )
    if (refine := getattr(method, "refine", None)) is None:
        return
    if method.propagation != "sequential":
        raise InputError(
            f"{where}.refine: goes with the activations behind the pruned blocks; add propagation: "
            "sequential"
        )
    if refine.objective != "mean" and available < 2:
        raise InputError(
            f"{where}.refine.objective: {refine.objective} compares languages, so it needs at "
            "least 2 to calibrate on"
        )


def _number_of_sets(experiment: Experiment, name: str, method: Calibrated) -> int:
    if isinstance(method.calibration, Subset):
        return method.calibration.choice[1]
    return len(calibration_sets(experiment, name))


def _check_subset(experiment: Experiment, name: str, subset: Subset) -> None:
    """Languages can be chosen from the pool, as many as it has; those of most speakers, by count.

    Which ones a greedy choice takes is known only once there are statistics.
    """
    where = f"methods.{name}.calibration"
    keys = list(subset.ways)
    if not subset.model_fields_set:
        raise InputError(f"{where}: is empty, at least 1 needed")
    if len(keys) != 1:
        found = " and ".join(keys) or "none of them"
        raise InputError(f"{where}: needs one of {', '.join(subsets.CHOICES)}, found {found}")
    if subset.seed is not None and subset.sample is None:
        raise InputError(f"{where}.seed: goes with sample, found {keys[0]}; leave it out")
    pool = languages(experiment, CALIBRATION)
    how, size = subset.choice
    if size > len(pool):
        raise InputError(
            f"{where}.{keys[0]}: found {size}, allowed are at most {len(pool)}, the number of "
            "languages with role calibration"
        )
    if how == subsets.LARGEST:
        _check_speakers(experiment, pool, f"{where}.largest")
    chooses = getattr(experiment.methods[name], "choose", None) is not None
    if how == subsets.GREEDY and (is_sequential(experiment, name) or chooses):
        raise InputError(
            f"{where}.greedy: is for dense propagation and given constants; leave out propagation "
            "and choose"
        )


def _check_calibration_set(experiment: Experiment, entry: str, where: str) -> None:
    pool = languages(experiment, CALIBRATION)
    pair = entry.split("-")
    for code in pair if len(pair) == 2 else [entry]:
        if code in experiment.languages and code not in pool:
            raise InputError(
                f"{where}: {code!r} has no statistics, since its role is unseen: "
                f"allowed are {', '.join(pool)}"
            )
        must_be_one_of("language", code, pool, where)
    if len(pair) != 2:
        return
    demonstrations = experiment.calibration.demonstrations
    if demonstrations is None:
        raise InputError(
            f"{where}: {entry!r} stands for demonstrations, but calibration.demonstrations is "
            "missing"
        )
    for code in pair:
        text_code(experiment, demonstrations.corpus, code)


def _check_shares(experiment: Experiment, name: str, norm: Weighted) -> None:
    where = f"methods.{name}.norm.shares"
    if (norm.shares is not None) != (norm.weighting == "shares"):
        raise InputError(f"{where}: goes with weighting: shares, and that with it")
    for code in norm.shares or ():
        must_be_one_of("calibration set", code, calibration_sets(experiment, name), where)
    if norm.weighting == "speakers":
        codes = calibration_sets(experiment, name)
        _check_speakers(experiment, codes, f"methods.{name}.norm.weighting")


def _check_speakers(experiment: Experiment, codes: list[str], where: str) -> None:
    for code in codes:
        language = experiment.languages.get(code)
        if language is None or not language.speakers:
            raise InputError(f"{where}: languages.{code}.speakers is missing; give their number")


def _with_choice(experiment: Experiment, name: str) -> AnyMethod:
    """Each candidate must be a method that could stand in the config; its values are made alike."""
    where, method = f"methods.{name}", experiment.methods[name]
    if not isinstance(method, Activated):
        return method
    if method.choose is None:
        if method.choose_at is not None:
            raise InputError(f"{where}.choose_at: goes with choose, which is missing")
        if method.choose_finalists is not None:
            raise InputError(f"{where}.choose_finalists: goes with choose, which is missing")
        return method
    if method.choose_finalists is not None and len(experiment.seeds) < 2:
        raise InputError(
            f"{where}.choose_finalists: needs two seeds or more, seeds are {experiment.seeds}"
        )
    if is_sequential(experiment, name):
        raise InputError(
            f"{where}.choose: candidates are compared with dense statistics; leave out "
            "propagation: sequential"
        )
    if experiment.evaluation.perplexity.split == "validation":
        raise InputError(
            "evaluation.perplexity.split: found validation, on which the constants of "
            f"{name} are chosen; allowed is test"
        )
    sparsities = sparsities_of(experiment, name)
    at = method.choose_at or sweep.middle(list(map(float, sparsities)))
    if sparsity_text(at) not in sparsities:
        allowed = ", ".join(sparsities)
        raise InputError(f"{where}.choose_at: found {at:g}, allowed are {allowed}")
    own = _with_threshold(experiment, method)
    try:
        choose = _values_to_choose(experiment, name, own)
    except InputError as error:
        raise InputError(f"{where}.choose: {error}") from None
    return own.model_copy(update={"choose": choose, "choose_at": at})


def _with_threshold(experiment: Experiment, method: Activated) -> Activated:
    """A method that chooses its threshold has one of its own to compare with."""
    norm = method.norm
    if not isinstance(norm, CrossLingual) or norm.activation_threshold is not None:
        return method
    if THRESHOLD not in method.choose:
        return method
    default = {"activation_threshold": experiment.statistics.activation_threshold}
    return method.model_copy(update={"norm": norm.model_copy(update=default)})


def _values_to_choose(
    experiment: Experiment, name: str, method: Activated
) -> dict[str, list[sweep.Constant]]:
    """The values by path as they would stand in the method: 1 and 1.0 mean the same."""
    own = {k: v for k, v in method.plain().items() if not k.startswith("choose")}

    def with_constants(constants: dict[str, sweep.Constant]) -> AnyMethod:
        return read(Method, sweep.with_constants(own, constants))

    choose = {
        path: [sweep.constants_of(with_constants({path: value}).plain())[path] for value in values]
        for path, values in method.choose.items()
    }
    for candidate in sweep.candidates(own, choose):
        changed = with_constants(candidate.constants)
        _check_method(experiment, name, _with_pattern(name, changed))
    return choose


def _check_sparsities(values: list[float], where: str) -> None:
    texts = [sparsity_text(value) for value in values]
    if len(set(texts)) < len(texts):
        raise InputError(f"{where}: found {values}, two of them are the same to six digits")
    if "1" in texts:
        raise InputError(f"{where}: found {values}, one of them is 1 to six digits; allowed is < 1")


def _check_size(experiment: Experiment) -> None:
    runs = sum(
        len(seeds_of(experiment, name)) * len(sparsities_of(experiment, name))
        for name in experiment.methods
    )
    if (found := runs * len(experiment.models)) > MOST_PRUNED_MODELS:
        raise InputError(
            f"models, seeds, methods, sparsities: ask for {found:,} pruned models, allowed are "
            f"{MOST_PRUNED_MODELS:,}"
        )
