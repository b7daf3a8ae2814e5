"""Which claims a larger experiment could settle, by the variances of a finished pilot.

The pilot has at least two draws of calibration text (seeds). A design is SEEDS x ITEMS: its draws,
and its test windows and items as times the pilot's. Writes a Markdown table: the chance that each
claim's interval leaves the threshold out if the pilot's estimate is the truth, and what the
evaluations would take on this machine.
"""

import argparse
from pathlib import Path

from multiprune.claims.definitions import ACCURACY, CONSISTENCY, PERPLEXITY
from multiprune.claims.measurements import Measurements, NotMeasured
from multiprune.claims.power import Design, chance_of_settling, margin
from multiprune.claims.reading import read_claims
from multiprune.errors import InputError
from multiprune.experiment.grid import Grid
from multiprune.files.markup import markdown
from multiprune.files.writing import replacing
from multiprune.jobs.benchmarks import seconds_of
from multiprune.jobs.command import run
from multiprune.uncertainty.seeds_and_items import Resampled

KINDS = (PERPLEXITY, ACCURACY, CONSISTENCY)


def design(text: str) -> Design:
    """`3x2`: three draws, twice the pilot's items."""
    seeds, _, items = text.partition("x")
    try:
        found = Design(int(seeds), float(items))
    except ValueError:
        found = Design(0, 0)
    if found.seeds < 2 or not found.items > 0:
        raise InputError(
            f"--designs: found {text!r}, allowed are SEEDSxITEMS such as 3x2, with two seeds or "
            "more and items as times the pilot's"
        )
    return found


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of the pilot")
    parser.add_argument("--model", required=True, help="one of the pilot's models")
    parser.add_argument("--claims", type=Path, default="config/claims.yaml")
    parser.add_argument("--designs", nargs="+", required=True, help="such as 3x1 3x2 5x2")
    parser.add_argument("--cores", type=int, required=True, help="jobs at a time")
    parser.add_argument("--output", type=Path, required=True, help="Markdown")
    options = parser.parse_args()
    options.designs = [design(text) for text in options.designs]
    return options


def table(options: argparse.Namespace, grid: Grid) -> list[str]:
    """Lines of Markdown: a row a claim, a column a design, hours in the last row."""
    names = [f"{one.seeds} draws, {one.items:g} x items" for one in options.designs]
    lines = [
        f"| claim | pilot's estimate | +- | {' | '.join(names)} |",
        f"|---|---:|---:|{'---:|' * len(names)}",
    ]
    measurements = Measurements(options.results, options.model, grid)
    has_tasks = any((options.results / options.model).glob("seed*/downstream"))
    for claim in read_claims(options.claims):
        if claim.kind not in KINDS:
            continue
        try:
            if claim.kind != PERPLEXITY and not has_tasks:
                raise NotMeasured("the pilot has no records of tasks")
            cells = measurements.cells(claim)
        except NotMeasured as reason:
            lines.append(
                f"| {markdown(claim.key)} | {markdown(str(reason))} | |" + " |" * len(names)
            )
            continue
        pilot = Resampled(cells, grid.draws).estimate()
        if len(pilot.variances) < 2:
            raise InputError(f"{options.results}: has one seed; a pilot needs two or more")
        chances = [
            chance_of_settling(one.applied(pilot), claim.boundary, grid.confidence)
            for one in options.designs
        ]
        shown = " | ".join(f"{chance:.0%}" for chance in chances)
        distance = pilot.value - claim.boundary
        lines.append(
            f"| {markdown(claim.key)} | {distance:+.3f} | {margin(pilot, grid.confidence):.3f} | "
            f"{shown} |"
        )
    hours = " | ".join(f"{hours_of(one, options, grid):.1f}" for one in options.designs)
    return [*lines, f"| hours of evaluation on {options.cores} cores | | | {hours} |"]


def hours_of(one: Design, options: argparse.Namespace, grid: Grid) -> float:
    """Of all evaluations, in proportion to draws and items; loading a model counts as text."""
    folder = options.results / "benchmarks"
    tasks = list(grid.downstream.get("tasks", {}))
    what = ["perplexity", "own_language", *tasks, *(f"{task}_own_language" for task in tasks)]
    rules = [f"evaluate_{name}" for name in what]
    seconds = sum(sum(seconds_of(rule, [folder], {options.model})) for rule in rules)
    return seconds / options.cores / 3600 * one.seeds / len(grid.seeds) * one.items


def main() -> None:
    """Write the table and print it."""
    options = parse()
    grid = Grid.read(options.results / "grid.json")
    text = "\n".join(table(options, grid)) + "\n"
    with replacing(options.output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    run(main)
