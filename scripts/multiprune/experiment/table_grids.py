"""What tables and figures an experiment gets, and the grids by which scripts find their records.

Plain Python without torch, as `methods`, of which these are views: canonical, so that reordering a
YAML file changes none.
"""

from multiprune.errors import InputError
from multiprune.experiment import downstream as downstream_config
from multiprune.experiment.figure_tables import (
    ALL_TABLES,
    EVERY_EXPERIMENT,
    FIGURE_TABLES,
    STANDARD,
)
from multiprune.experiment.grid import DENSE, PRUNE_MODEL, WEIGHTS
from multiprune.experiment.language_table import family_names, script_names
from multiprune.experiment.methods import (
    calibration_sets,
    choice_of,
    choosing,
    evaluated,
    languages,
    method_options,
    moves_weights,
    pruning_rule,
    reads_dense_statistics,
    seeds_of,
    sparsities_of,
)
from multiprune.experiment.settings.experiment import Experiment

# What a config has to have before these tables can be made.
NEEDS = {
    "downstream": "evaluation.downstream",
    "consistency": "evaluation.downstream",
    "sweep": "a method with choose",
}


def check_figures(config: Experiment) -> None:
    """Raise InputError where a figure that the config names would have nothing to show."""
    for name in config.figures or ():
        for table in FIGURE_TABLES[name]:
            if not _can_fill(config, table):
                raise InputError(
                    f"figures: {name} shows the table {table}, which needs {NEEDS[table]}"
                )


def figures(config: Experiment) -> list[str]:
    """The figures to draw: those that the config asks for, or all of a small number of languages.

    Either way only those whose tables the config's results can fill.
    """
    asked = config.figures or STANDARD
    return [
        name for name in asked if all(_can_fill(config, table) for table in FIGURE_TABLES[name])
    ]


def tables(config: Experiment) -> list[str]:
    """The tables to make: those of every experiment, and those that the figures read."""
    read = {table for name in figures(config) for table in FIGURE_TABLES[name]}
    return [
        table
        for table in ALL_TABLES
        if table in EVERY_EXPERIMENT or (table in read and _can_fill(config, table))
    ]


def _can_fill(config: Experiment, table: str) -> bool:
    if table == "sweep":
        return bool(choosing(config))
    return table not in NEEDS or config.evaluation.downstream is not None


def _families_of_pool(config: Experiment) -> set[str]:
    pool = languages(config, "calibration")
    return {config.languages[code].family for code in pool}


def table_grid(config: Experiment) -> dict:
    """A compact description of all results of a model, for scripts that read many files."""
    return {
        "seeds": sorted(config.seeds),
        "baseline": config.baseline,
        "languages": {code: _described(config, code) for code in sorted(config.languages)},
        "methods": _method_grid(config),
        "resampling": config.resampling.plain(),
        "split": config.evaluation.perplexity.split,
        "length": config.evaluation.perplexity.length,
        "most_unknown_tokens": config.evaluation.most_unknown_tokens,
    }


def _described(config: Experiment, code: str) -> dict:
    """Role, name, and script and family with their names, as far as they are known.

    `evaluated` is false where perplexity is not measured, `new_family` true where no language of
    the pool is of its family.
    """
    entry = config.languages[code].plain()
    known = {key: entry[key] for key in ("role", "name", "script", "family") if key in entry}
    if "family" in entry and entry["family"] not in _families_of_pool(config):
        known["new_family"] = True
    if code not in evaluated(config):
        known["evaluated"] = False
    for key, names in (("script", script_names()), ("family", family_names())):
        if entry.get(key) in names:
            known[f"{key}_name"] = names[entry[key]]
    return known


def downstream_grid(config: Experiment) -> dict:
    """`table_grid` and what was evaluated downstream."""
    table = table_grid(config)
    return {**table, "downstream": downstream_config.grid(config, table["methods"])}


def allocation_grid(config: Experiment) -> dict:
    """The part of `table_grid` that the masks depend on: no languages of evaluation."""
    return {"seeds": sorted(config.seeds), "languages": {}, "methods": _method_grid(config)}


def correlation_grid(config: Experiment) -> dict:
    """The part of `table_grid` that the statistics depend on: calibration languages, no methods."""
    return {
        "seeds": sorted(config.seeds),
        "languages": {code: {"role": "calibration"} for code in languages(config, "calibration")},
        "methods": {DENSE: _method_grid(config)[DENSE]},
    }


def _method_grid(config: Experiment) -> dict[str, dict]:
    methods = {
        method: {
            "seeds": seeds_of(config, method),
            "sparsities": sparsities_of(config, method),
            "calibration": calibration_sets(config, method),
            "allocation": _allocation_kind(config, method),
        }
        for method in (DENSE, *config.methods)
    }
    subsets_used = any(choice_of(config, method) for method in config.methods)
    for method, definition in config.methods.items():
        # Only what differs, so that a new kind of method leaves the tables of the others alone.
        if moves_weights(config, method):
            methods[method]["artefact"] = WEIGHTS
        if (rule := pruning_rule(config, method)) != PRUNE_MODEL:
            methods[method]["rule"] = rule
        if methods[method]["calibration"] and not reads_dense_statistics(config, method):
            methods[method]["statistics"] = []
        given = getattr(definition, "calibration", None)
        if how := choice_of(config, method):
            choice, size = how
            seed = given.seed or 0
            methods[method]["subset"] = {"choice": choice, "size": size, "seed": seed}
        whole = methods[method]["calibration"] and given is None
        if subsets_used and (how or whole) and (curve := _curve(config, method)):
            methods[method]["curve"] = curve
    return methods


def _curve(config: Experiment, method: str) -> str | None:
    """The first method that calibrates on the whole pool with otherwise equal options.

    Methods of one curve differ only in the languages that they take.
    """
    options = _options_but_languages(config, method)
    methods = config.methods.items()
    whole = (name for name, other in methods if getattr(other, "calibration", None) is None)
    return min(
        (name for name in whole if _options_but_languages(config, name) == options), default=None
    )


def _options_but_languages(config: Experiment, method: str) -> dict:
    """`method_options` without the shares that follow from the speakers of a method's languages."""
    options = method_options(config, method)
    norm = getattr(config.methods[method], "norm", None)
    return options | {"norm": norm.plain()} if norm and norm.weighting == "speakers" else options


def _allocation_kind(config: Experiment, method: str) -> str:
    return "uniform" if method == DENSE else config.methods[method].allocation.kind
