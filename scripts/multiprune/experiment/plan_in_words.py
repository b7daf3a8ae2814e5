"""What a run will do, in sentences with counts, and how long it takes here or on a cluster."""

from collections.abc import Mapping
from pathlib import Path

from multiprune.experiment import cost
from multiprune.experiment.methods import evaluated
from multiprune.experiment.news import News, in_words
from multiprune.experiment.settings.experiment import Experiment
from multiprune.jobs import benchmarks

EVALUATE, EVALUATE_ALONE = "evaluate_perplexity", "evaluate_own_language"
PRUNING = ("prune_model", "prune_sequentially", "prune_with_update")
# What people count, in the order of the pipeline, by the rules whose jobs it is.
COUNTED: dict[str, tuple[str, ...]] = {
    "model to fetch": ("fetch_model",),
    "text": ("fetch_corpus",),
    "task": ("fetch_task", "build_parallel_task"),
    "draw of calibration text": ("sample_calibration", "sample_demonstrations"),
    "pass for statistics": ("collect_statistics",),
    "candidate of constants": ("evaluate_candidate",),
    "draw for finalists": ("evaluate_finalists",),
    "pruned model": PRUNING,
    "evaluation": (EVALUATE, EVALUATE_ALONE),
    "set of generated sentences": ("generate_examples",),
    "table": ("join_tables",),
    "figure": ("draw_figure",),
}
PLURALS = {
    "model to fetch": "models to fetch",
    "draw of calibration text": "draws of calibration text",
    "pass for statistics": "passes for statistics",
    "candidate of constants": "candidates of constants",
    "draw for finalists": "draws for finalists",
    "set of generated sentences": "sets of generated sentences",
}
TASKS = "downstream evaluation"  # one rule a task
OTHER = "no language, method, model or draw is new"
# What Snakemake's reasons to run a rule again mean here.
CHANGES = {
    "params have changed since last execution": "settings or code of",
    "code has changed since last execution": "settings or code of",
    "software environment definition has changed since last execution": "environments of",
    "updated input files": "files that are read by",
    "set of input files has changed since last execution": "which files are read by",
}
UNFINISHED = "a run that did not end goes on"
REPLACED = "what these methods have in results/{} is replaced; another `experiment:` keeps both"
OF_A_MODEL = ("fetch_model", "sample_", "collect_", "prune_", "evaluate_", "generate_")


def sentences(
    experiment: Experiment,
    found: News,
    jobs: Mapping[str, int],
    folders: list[Path],
    cores: int,
    reasons: Mapping[str, list[str]] | None = None,
) -> list[str]:
    """The plan: `jobs` by rule, `folders` with benchmarks, the experiment's own first.

    reasons: rules by Snakemake's reasons to run them.
    """
    other = _other(reasons or {})
    texts = jobs.get("fetch_corpus", 0) - len(found.added.get("languages", []))
    state = f"{found.computed:,} of {found.wanted:,} perplexities are computed already"
    if not jobs:
        removed = [line for line in in_words(found, experiment) if line.endswith(" removed")]
        return [": ".join(["; ".join(removed), "nothing to be done"][not removed :]), state]
    told = in_words(found, experiment)
    if found.fresh:
        told = ["nothing is computed yet"]
    elif found.changed:
        told.append(REPLACED.format(experiment.experiment))
    elif not found.adds and (not told or found.computed < found.wanted):
        told.append(UNFINISHED if found.computed < found.wanted else other)
    if texts > 0 and not found.fresh:
        told = [line for line in told if line != other]
        told.append(f"{_counted(texts, 'text')} changed or not fetched")
        state += "; those in other text than now are computed again"
    counts = ", ".join(_counts(experiment, found, jobs))
    by_stage = cost.by_model(experiment)
    hours = _hours(by_stage) if cost.estimate(experiment) else []
    if hours and cost.needs_gpu(experiment):
        return [f"{'; '.join(told)}: {counts}", state, *hours]
    minutes = _minutes(experiment, found, jobs, folders, cores)
    return [f"{'; '.join(told)}: {counts}: {minutes}", state, *hours]


def _other(reasons: Mapping[str, list[str]]) -> str:
    """What has changed where nothing is new."""
    rules: dict[str, set[str]] = {}
    for reason, of in reasons.items():
        if what := CHANGES.get(reason):
            rules.setdefault(what, set()).update(of)
    changed = [f"{what} {', '.join(sorted(of))}" for what, of in rules.items()]
    return f"{OTHER}; changed: {'; '.join(changed) or 'other settings, files or code'}"


def _counts(experiment: Experiment, found: News, jobs: Mapping[str, int]) -> list[str]:
    tasks = [rule for rule in jobs if rule.startswith("evaluate_")]
    others = (EVALUATE, EVALUATE_ALONE, "evaluate_candidate", "evaluate_finalists")
    downstream = sum(jobs[rule] for rule in tasks if rule not in others)
    lines = []
    for thing, rules in COUNTED.items():
        if number := sum(jobs.get(rule, 0) for rule in rules):
            cached = _from_the_cache(experiment, found, jobs) if thing == "evaluation" else ""
            lines.append(_counted(number, thing) + cached)
        if thing == "evaluation" and downstream:
            lines.append(_counted(downstream, TASKS))
    return lines or [_counted(sum(jobs.values()), "job")]


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing if number == 1 else PLURALS.get(thing, f'{thing}s')}"


def _from_the_cache(experiment: Experiment, found: News, jobs: Mapping[str, int]) -> str:
    """Where languages are new or gone, the others' scores are kept, unless the mask is another."""
    new = found.added.get("languages", [])
    if not _languages_differ(found) or len(new) == len(evaluated(experiment)):
        return ""
    others = "other languages come" if new else "all languages come"
    unless = " where the mask is the same" if any(jobs.get(rule) for rule in PRUNING) else ""
    return f" ({others} from the cache{unless})"


def _languages_differ(found: News) -> bool:
    return bool(found.added.get("languages") or found.removed.get("languages"))


def _minutes(
    experiment: Experiment, found: News, jobs: Mapping[str, int], folders: list[Path], cores: int
) -> str:
    seconds = {
        rule: benchmarks.seconds_of(rule, folders, _models(experiment, rule)) for rule in jobs
    }
    new = len(found.added.get("languages", []))
    shares = {EVALUATE: new / len(evaluated(experiment))} if _languages_differ(found) else {}
    minutes = benchmarks.span(jobs, seconds, cores, shares)
    if minutes is None:
        return "no benchmarks yet, so no time can be said"
    unknown = sorted(rule for rule, times in seconds.items() if not times)
    if heavy := [rule for rule in unknown if rule.startswith(OF_A_MODEL)]:
        return f"no time can be said without benchmarks of {', '.join(heavy)}"
    words = f"{benchmarks.in_words(minutes, cores)}, by the times of earlier runs"
    return f"{words}, and what has no benchmark yet: {', '.join(unknown)}" if unknown else words


def _models(experiment: Experiment, rule: str) -> set[str] | None:
    """The models whose benchmarks tell of a rule's jobs: another size takes other times."""
    return set(experiment.models) if rule.startswith(OF_A_MODEL) else None


def _hours(by_model: Mapping[str, Mapping[str, float]]) -> list[str]:
    """GPU hours of the whole grid, a line a model."""
    lines = ["GPU hours of the whole grid, estimated:"]
    for model, stages in by_model.items():
        parts = ", ".join(f"{stage} {hours:,.1f}" for stage, hours in stages.items() if hours)
        lines.append(f"  {model}: {sum(stages.values()):,.1f} ({parts})")
    total = sum(sum(stages.values()) for stages in by_model.values())
    return [*lines, f"  all: {total:,.1f}, divided by the number of GPUs that work at a time"]
