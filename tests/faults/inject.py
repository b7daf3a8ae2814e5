"""Break a small real workflow in many ways, and see that the same command makes it whole again.

Each fault hits a fresh copy of a finished or an empty experiment at a seeded random moment. What
is left of the call is ended, the folder unlocked if need be, and the same command given again, up
to three times. Then every file is compared with that of an undisturbed run, and every job with what
had to run: `make test-faults`.
"""

import argparse
import itertools
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from faults import changes, damage, kills, obstacles, storms  # noqa: F401 (they register faults)
from faults.calls import Impossible, Missed
from faults.experiment import Bench
from faults.table import FAMILIES, GREEN, Fault, Row, heading, line

ATTEMPTS = 4  # at a fault that comes too late to hit anything


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--faults",
        default="all",
        help="how many: a number, all (default), or each: one of a family",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the moments and places")
    parser.add_argument("--family", choices=FAMILIES, help="faults of this kind alone")
    parser.add_argument("--list", type=Path, help="write how many there are, and try none")
    parser.add_argument("--json", type=Path, help="file for the table and what was printed")
    return parser.parse_args()


def chosen(count: int, seed: int, only: str | None = None) -> list[tuple[str, Fault]]:
    """A fault of every family, then a second of every family that has one, and so on.

    The seed says which comes first in a family. When all have had their turn they come again.
    """
    rounds: dict[int, list[tuple[str, Fault]]] = {}
    for name in [only] if only else FAMILIES:
        faults = FAMILIES[name]
        for place in range(len(faults)):
            fault = faults[(place + seed) % len(faults)]
            rounds.setdefault(place, []).append((name, fault))
    endless = itertools.cycle(itertools.chain.from_iterable(rounds.values()))
    return list(itertools.islice(endless, count))


def all_of(only: str | None = None) -> int:
    """How many faults there are, or how many of one family."""
    return sum(len(faults) for name, faults in FAMILIES.items() if only in (None, name))


def listing() -> str:
    """The families with the number of their faults, in Markdown."""
    rows = [f"| {name} | {len(faults)} |" for name, faults in sorted(FAMILIES.items())]
    head = f"{all_of()} faults of {len(FAMILIES)} kinds:\n\n| kind | faults |\n|---|---|"
    return "\n".join([head, *rows]) + "\n"


def attempt(bench: Bench, fault: Fault, draw: random.Random) -> Row:
    """Inject a fault, at another moment where it came too late to hit anything."""
    for _ in range(ATTEMPTS):
        try:
            return fault(bench, draw)
        except Missed:
            continue
    raise AssertionError(f"the fault came too late {ATTEMPTS} times")


def main() -> int:
    """Print a line for each fault; exit code 1 where one is not survived."""
    options = parse()
    if options.list:
        options.list.write_text(listing(), encoding="utf-8")
        return 0
    words = {"all": all_of(options.family), "each": len(FAMILIES)}
    count = words.get(options.faults) or int(options.faults)
    started = time.monotonic()
    entries = []
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        bench = Bench(Path(scratch))
        plan = chosen(count, options.seed, options.family)
        print(
            f"undisturbed run: {time.monotonic() - started:.0f} s", heading(), sep="\n", flush=True
        )
        for number, (name, fault) in enumerate(plan, start=1):
            begun = time.monotonic()
            try:
                row = attempt(bench, fault, random.Random(f"{options.seed} {number}"))
            except Impossible as error:
                print(f"{number:<3}  {name}: not tried, {error}", flush=True)
                continue
            entry = row.entry(number, name, time.monotonic() - begun)
            print(line(entry), flush=True)
            printed = [ran.text for ran in row.trial.calls] if row.wrong else []
            entries.append(entry | {"printed": printed})
            bench.discard(row.trial)
    if options.json:
        options.json.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    bad = sum(entry["verdict"] != GREEN for entry in entries)
    calls = sum(entry["calls"] for entry in entries)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = f"{time.monotonic() - started:.0f} s, {used.ru_utime + used.ru_stime:.0f} of processor"
    tried = f"{len(entries)} faults of {len(plan)}, {bad} not green"
    print(f"{tried}; seed {options.seed}, {calls} calls, {took}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
