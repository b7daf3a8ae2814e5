"""What can be asked for by name: a misspelt target is one line with the list and the nearest."""

from collections.abc import Callable, Iterable, Mapping

from multiprune.errors import InputError, shown
from multiprune.experiment import table_grids
from multiprune.experiment.grid import DENSE
from multiprune.experiment.methods import grid
from multiprune.experiment.plan import Plan
from multiprune.registry import nearest_names, unknown_name

MOST_NAMES = 30  # that a line lists; of more it lists the nearest
ENDINGS = ("pdf", "png")


def check_targets(
    plan: Plan,
    targets: Iterable[str],
    rules: Mapping[str, bool],
    makes: Callable[[str], bool],
) -> None:
    """Raise InputError for the first target that is no rule and that no rule makes.

    `rules`: whether a rule has wildcards, by its name; `makes(path)`: whether a rule makes a file.
    """
    named = sorted(name for name, has_wildcards in rules.items() if not has_wildcards)
    for target in targets:
        if rules.get(target):
            raise InputError(
                f"{target}: makes one file of many; ask for a file, or one of {', '.join(named)}"
            )
        if target not in rules and not makes(target):
            raise InputError(_unknown(plan, target, named))


def _unknown(plan: Plan, target: str, named: list[str]) -> str:
    report = f"{plan.folder}/report.html"
    if target.rpartition("/")[2].startswith("report"):
        return f"{target}: the report is no target; write --report {report}"
    if target.endswith((".yaml", ".yml")):
        return f"{target}: is no target; write --configfile before the files of a config"
    if "/" not in target:
        return unknown_name("target", target, named)
    parts = target.split("/")
    if parts[0] == "results" and parts[1] != plan.folder.partition("/")[2]:
        return (
            f"{target}: the config is of experiment {plan.experiment.experiment}; "
            f"give the one of {shown(parts[1])} with --configfile"
        )
    if target.startswith(f"{plan.folder}/figures/"):
        return f"{target}: {_unknown_figure(plan, parts[-1])}"
    return f"{target}: {_first_difference(parts, files(plan))}"


def _unknown_figure(plan: Plan, file: str) -> str:
    """What is wrong with NAME-MODEL.png; neither has a hyphen that would part it uniquely."""
    stem, _, ending = file.rpartition(".")
    possible = table_grids.possible_figures(plan.experiment)
    figure, _, model = stem.partition("-")
    if figure not in possible:
        return f"{unknown_name('figure', figure, possible)} (NAME-MODEL.png or .pdf)"
    if model not in plan.models:
        return unknown_name("model", model, plan.models)
    return unknown_name("ending", ending, list(ENDINGS))


def _first_difference(parts: list[str], made: Iterable[str]) -> str:
    """Where a path leaves all those that are made, and how they go on there."""
    left = [path.split("/") for path in made]
    for place, part in enumerate(parts):
        allowed = sorted({path[place] for path in left if len(path) > place})
        left = [path for path in left if len(path) > place and path[place] == part]
        if not left:
            where = "/".join(parts[:place]) or "."
            return f"below {where}/ " + _unknown_part(part, allowed)
    return "is a folder; ask for a file in it"


def _unknown_part(part: str, allowed: list[str]) -> str:
    if not allowed:
        return f"unknown name {shown(part)}: there is nothing to ask for"
    if len(allowed) <= MOST_NAMES:
        return unknown_name("name", part, allowed)
    nearest = nearest_names(part, allowed) or allowed[:3]
    return f"unknown name {shown(part)}: allowed are {len(allowed)}, such as {', '.join(nearest)}"


def files(plan: Plan) -> list[str]:
    """Files that a user asks for by their paths: those of the config, exports, all figures."""
    exports = [
        f"<results>/{model}/seed{seed}/export/{method}/{sparsity}/manifest.json"
        for model in plan.models
        for seed, method, sparsity in grid(plan.experiment)
        if method != DENSE
    ]
    tables = [
        f"<results>/tables/{name}.{ending}"
        for name in table_grids.possible_tables(plan.experiment)
        for ending in ("csv", "html")
    ]
    named = [*plan.below_tables(), *tables, *plan.all_verdicts(), *plan.all_figures(), *exports]
    return [
        path.replace("<results>", plan.folder).replace("<resources>", "resources") for path in named
    ]
