"""What tables and figures an experiment gets, and the grids by which scripts find their records.

Plain Python without torch, as `methods`, of which these are views: canonical, so that reordering a
YAML file changes none.
"""

from multiprune.errors import InputError
from multiprune.experiment import downstream as downstream_config
from multiprune.experiment import examples as examples_config
from multiprune.experiment.grid import DENSE, MASKS, OTHER_TABLE, PRUNE_MODEL, WEIGHTS
from multiprune.experiment.language_table import family_names, script_names
from multiprune.experiment.members import members, origins, wholes
from multiprune.experiment.method_facts import facts
from multiprune.experiment.methods import (
    all_calibration_sets,
    calibration_sets,
    choice_of,
    choosing,
    evaluated,
    labels,
    languages,
    method_options,
    moves_weights,
    pruning_rule,
    reads_dense_statistics,
    seeds_of,
    sparsities_of,
)
from multiprune.experiment.names import claims_file
from multiprune.experiment.settings.experiment import Experiment
from multiprune.registry import constants, names, unknown_name


def has_several_corpora(config: Experiment) -> bool:
    """Whether languages have their text from different corpora, such as three domains."""
    return len({language.corpus for language in config.languages.values()}) > 1


def has_own_models(config: Experiment) -> bool:
    """Whether a method is pruned for each of some languages, on that language's text alone."""
    return any(
        all(
            calibration_sets(config, member) == [code]
            for code, member in members(config, name).items()
        )
        for name in wholes(config)
    )


# What a table can need of a config, as its module says it.
NEEDS = {
    "evaluation.downstream": lambda config: config.evaluation.downstream is not None,
    "a translation task": lambda config: bool(downstream_config.translations(config)),
    "evaluation.examples": lambda config: config.evaluation.examples is not None,
    "a method with choose": lambda config: bool(choosing(config)),
    "claims": lambda config: claims_file(config) is not None,
    "languages of several corpora": has_several_corpora,
    "a method calibrated on each language alone": has_own_models,
}


# What the file of a table or of a figure says at its top; the first names it as one.
SAID = {
    "tables": ("COLUMNS", "READS", "STANDARD", "TITLE", "PLACE", "CAPTION"),
    "figures": ("TABLES", "STANDARD", "TITLE", "PLACE"),
}


def check_figures(config: Experiment) -> None:
    """Raise InputError where a figure that the config names would have nothing to show.

    Or where the file of a table or a figure lacks a constant, or reads what there is not.
    """
    for package, said in SAID.items():
        for name in names(package, having=said[0]):
            found = constants(package, name)
            if missing := [constant for constant in said if constant not in found]:
                raise InputError(
                    f"{package}/{name}.py: {missing[0]} is missing, or is no literal; needed are "
                    f"{', '.join(said)}"
                )
    tables = names("tables", having="COLUMNS")
    for name in tables:
        for what in reads(name):
            allowed = [*VIEWS, *(f"{OTHER_TABLE}{other}" for other in tables)]
            if what not in allowed:
                raise InputError(f"tables/{name}.py: READS: {unknown_name('word', what, allowed)}")
    for name in names("figures", having="TABLES"):
        for table in tables_of(name):
            if table not in tables:
                raise InputError(
                    f"figures/{name}.py: TABLES: {unknown_name('table', table, tables)}"
                )
    for name in config.figures or ():
        for table in tables_of(name):
            if not _can_fill(config, table):
                needs = constants("tables", table)["NEEDS"]
                raise InputError(f"figures: {name} shows the table {table}, which needs {needs}")


def tables_of(figure: str) -> tuple[str, ...]:
    """The tables that a figure is drawn from."""
    return constants("figures", figure)["TABLES"]


def possible_figures(config: Experiment) -> list[str]:
    """The figures whose tables the config's results can fill."""
    return [
        name
        for name in names("figures", having="TABLES")
        if all(_can_fill(config, table) for table in tables_of(name))
    ]


def possible_tables(config: Experiment) -> list[str]:
    """The tables that the config's results can fill."""
    return [name for name in names("tables", having="COLUMNS") if _can_fill(config, name)]


def figures(config: Experiment) -> list[str]:
    """The figures to draw: those that the config asks for, or the standard ones."""
    asked = config.figures
    return [
        name
        for name in possible_figures(config)
        if (constants("figures", name)["STANDARD"] if asked is None else name in asked)
    ]


def tables(config: Experiment) -> list[str]:
    """The tables to make: the standard ones, and those that the figures read."""
    read = {table for name in figures(config) for table in tables_of(name)}
    return [
        name
        for name in possible_tables(config)
        if name in read or constants("tables", name)["STANDARD"]
    ]


def reads(table: str) -> tuple[str, ...]:
    """What the job of a table reads: kinds of results, and `table:NAME` of the same model."""
    return constants("tables", table)["READS"]


def other_tables(table: str) -> list[str]:
    """The other tables of the same model that a table reads, where they are made."""
    others = [what for what in reads(table) if what.startswith(OTHER_TABLE)]
    return [what.removeprefix(OTHER_TABLE) for what in others]


def _can_fill(config: Experiment, table: str) -> bool:
    needs = constants("tables", table).get("NEEDS")
    return needs is None or NEEDS[needs](config)


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
    the pool is of its family. `corpus` where the languages come from several.
    """
    entry = config.languages[code].plain()
    known = {key: entry[key] for key in ("role", "name", "script", "family") if key in entry}
    known["new_family"] = "family" in entry and entry["family"] not in _families_of_pool(config)
    known["evaluated"] = code in evaluated(config)
    if has_several_corpora(config):
        known["corpus"] = entry["corpus"]
    for key, spoken in (("script", script_names()), ("family", family_names())):
        if entry.get(key) in spoken:
            known[f"{key}_name"] = spoken[entry[key]]
    return known


def downstream_grid(config: Experiment) -> dict:
    """`table_grid` and what was evaluated downstream."""
    table = table_grid(config)
    return {**table, "downstream": downstream_config.grid(config, table["methods"])}


def whole_grid(config: Experiment) -> dict:
    """All that tables and figures know of the experiment: the content of `grid.json`."""
    return {**figures_grid(config), "examples": examples_config.grid(config)}


def findings_grid(config: Experiment) -> dict:
    """The part of `whole_grid` that the results in words depend on: what things are called."""
    names = {code: config.languages[code].name for code in sorted(config.languages)}
    return {"baseline": config.baseline, "labels": labels(config), "names": names}


def figures_grid(config: Experiment) -> dict:
    """The part of `whole_grid` that figures depend on, which show names and methods."""
    more = {"calibration_sets": all_calibration_sets(config), "choosing": choosing(config)}
    return {**downstream_grid(config), **facts_grid(config), **more, "labels": labels(config)}


def facts_grid(config: Experiment) -> dict:
    """What claims say of the methods that they compare."""
    return {"facts": facts(config)}


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


def overlap_grid(config: Experiment) -> dict:
    """`correlation_grid` and the names of all calibration sets, pairs and code included."""
    return {**correlation_grid(config), "calibration_sets": all_calibration_sets(config)}


def sweep_grid(config: Experiment) -> dict:
    """The methods whose constants are chosen, under the one seed that they are chosen with."""
    return {
        "seeds": [min(config.seeds)],
        "languages": {},
        "methods": {DENSE: _method_grid(config)[DENSE]},
        "resampling": config.resampling.plain(),
        "choosing": choosing(config),
    }


def examples_grid(config: Experiment) -> dict:
    """The models that wrote examples, and in which languages."""
    return {
        "seeds": sorted(config.seeds),
        "languages": {},
        "methods": {DENSE: _method_grid(config)[DENSE]},
        "examples": examples_config.grid(config),
    }


def grid_of_table(config: Experiment, table: str) -> dict:
    """The part of the grid that a table depends on, by the results that it reads.

    Its job reads the whole grid, and is made anew where this part of it changed.
    """
    grid = {}
    for what, view in VIEWS.items():
        if what in reads(table):
            grid |= view(config)
    return grid or downstream_grid(config)


VIEWS = {  # of what a table reads; later ones hold more, or other keys
    "examples": examples_grid,
    "sweep": sweep_grid,
    "statistics": correlation_grid,
    "all_statistics": overlap_grid,
    "masks": allocation_grid,
    "perplexity": table_grid,
    "downstream": downstream_grid,
    "claims": facts_grid,
}


def _method_grid(config: Experiment) -> dict[str, dict]:
    methods = {
        method: {
            "seeds": seeds_of(config, method),
            "sparsities": sparsities_of(config, method),
            "calibration": calibration_sets(config, method),
            "allocation": _allocation_kind(config, method),
            "artefact": MASKS,
            "rule": PRUNE_MODEL,
            "statistics": calibration_sets(config, method),
            "subset": None,
            "curve": None,
        }
        for method in (DENSE, *config.methods)
    }
    methods |= {name: _whole(config, name) for name in wholes(config)}
    for member, (name, _language) in origins(config).items():
        methods[member]["member_of"] = name
    subsets_used = any(choice_of(config, method) for method in config.methods)
    for method, definition in config.methods.items():
        methods[method]["artefact"] = WEIGHTS if moves_weights(config, method) else MASKS
        methods[method]["rule"] = pruning_rule(config, method)
        if not reads_dense_statistics(config, method):
            methods[method]["statistics"] = []
        given = getattr(definition, "calibration", None)
        if how := choice_of(config, method):
            choice, size = how
            seed = given.seed or 0
            methods[method]["subset"] = {"choice": choice, "size": size, "seed": seed}
        whole = methods[method]["calibration"] and given is None
        if subsets_used and (how or whole):
            methods[method]["curve"] = _curve(config, method)
    return methods


def _whole(config: Experiment, name: str) -> dict:
    """A method that is pruned for each language: it has no masks but those of its members."""
    return {
        "seeds": seeds_of(config, name),
        "sparsities": sparsities_of(config, name),
        "calibration": calibration_sets(config, name),
        "allocation": wholes(config)[name].allocation.kind,
        "members": members(config, name),
    }


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
    weighting = getattr(norm, "weighting", None)
    return options | {"norm": norm.plain()} if weighting == "speakers" else options


def _allocation_kind(config: Experiment, method: str) -> str:
    return "uniform" if method == DENSE else config.methods[method].allocation.kind
