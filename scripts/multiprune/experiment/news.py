"""What a config holds that no finished result has, what it no longer holds, what it has changed.

Results are the perplexity records in results/{experiment}/; what methods calibrated on when they
were made stands in its grid.json.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import DENSE
from multiprune.experiment.settings.experiment import Experiment


class Result(NamedTuple):
    """One perplexity record, by what its path says."""

    model: str
    seed: str
    method: str
    sparsity: str
    language: str


@dataclass(frozen=True)
class News:
    """Names by their kind (`languages`, `methods`, `models`, `seeds`), each kind in order."""

    wanted: int  # records that the config asks for
    computed: int  # those of them that are there, less those of methods that changed
    added: dict[str, list[str]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)  # methods that calibrate on other languages
    sparsities: dict[str, list[str]] = field(default_factory=dict)  # new to a method, as in paths

    @property
    def fresh(self) -> bool:
        """Whether the config has no result at all."""
        return self.computed == 0 and not self.changed

    @property
    def adds(self) -> bool:
        """Whether the config has something that the results do not have."""
        return any(self.added.values()) or bool(self.sparsities)


def news(experiment: Experiment, folder: Path | str) -> News:
    """The config of an experiment held against the results in a folder."""
    folder = Path(folder)
    wanted, found = _wanted(experiment), _found(folder)
    if not wanted & found:
        return News(len(wanted), 0)
    kinds = {"models": 0, "seeds": 1, "methods": 2, "languages": 4}
    of_wanted, of_found = (
        {kind: {result[place] for result in results} for kind, place in kinds.items()}
        for results in (wanted, found)
    )
    before = _methods_before(folder, of_found["methods"])
    changed = _changed(experiment, before)
    return News(
        wanted=len(wanted),
        computed=sum(result.method not in changed for result in wanted & found),
        added={kind: sorted(of_wanted[kind] - of_found[kind]) for kind in kinds},
        removed={kind: sorted(of_found[kind] - of_wanted[kind]) for kind in kinds},
        changed=changed,
        sparsities=_sparsities(experiment, before),
    )


def _wanted(experiment: Experiment) -> set[Result]:
    languages = methods.all_evaluated_under(experiment)
    return {
        Result(model, str(seed), method, sparsity, language)
        for model in experiment.models
        for seed, method, sparsity in methods.grid(experiment)
        for language in languages[method]
    }


def _found(folder: Path) -> set[Result]:
    results = set()
    for path in folder.glob("*/seed*/perplexity/*/*/*.json"):
        model, seed, _perplexity, method, sparsity, _file = path.relative_to(folder).parts
        results.add(Result(model, seed.removeprefix("seed"), method, sparsity, path.stem))
    return results


def _methods_before(folder: Path, known: set[str]) -> dict[str, dict]:
    """Methods that have results, as the last run's grid has them; none where it cannot be read."""
    try:
        before = json.loads((folder / "grid.json").read_text(encoding="utf-8"))["methods"]
        return {name: dict(before[name]) for name in known - {DENSE} if name in before}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _changed(experiment: Experiment, before: Mapping[str, dict]) -> list[str]:
    """Methods that were calibrated on other languages than the config says."""
    now = table_grids.table_grid(experiment)["methods"]
    return sorted(
        name
        for name, entry in before.items()
        if name in now and entry.get("calibration") != now[name]["calibration"]
    )


def _sparsities(experiment: Experiment, before: Mapping[str, dict]) -> dict[str, list[str]]:
    """Those that the last run's grid did not have, by method."""
    now = table_grids.table_grid(experiment)["methods"]
    return {
        name: new
        for name, entry in sorted(before.items())
        if name in now
        and (new := sorted({*now[name]["sparsities"]} - {*entry.get("sparsities", ())}))
    }


def in_words(found: News, experiment: Experiment) -> list[str]:
    """`Croatian (hrv) added`, `sparsegpt added`, `English (en) removed`, and so on."""
    lines = []
    for kind, names in found.added.items():
        lines += [f"{_named(experiment, kind, name)} added" for name in names]
    for method, sparsities in found.sparsities.items():
        several = "sparsities" if len(sparsities) > 1 else "sparsity"
        lines.append(f"{method} at {several} {', '.join(sparsities)} added")
    if found.changed:
        verb = "calibrates" if len(found.changed) == 1 else "calibrate"
        lines.append(f"{', '.join(found.changed)} {verb} on other languages than before")
    for kind, names in found.removed.items():
        lines += [f"{_named(experiment, kind, name)} removed" for name in names]
    return lines


def _named(experiment: Experiment, kind: str, code: str) -> str:
    match kind:
        case "languages":
            entry = experiment.languages.get(code)
            return f"{entry.name} ({code})" if entry and entry.name != code else f"language {code}"
        case "seeds":
            return f"seed {code}"
        case "models":
            return f"model {code}"
    return f"method {code}"
