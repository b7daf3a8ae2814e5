"""What is to be said of a method beside its results, for who judges claims about it.

Whose its constants are, which of its terms its options switch off, and how much text it reads.
"""

from multiprune.experiment.grid import DENSE, OURS, PUBLISHED
from multiprune.experiment.members import members, name_in_config, wholes
from multiprune.experiment.methods import calibration_sets, chosen_size, method_options
from multiprune.experiment.settings.experiment import Experiment

# Terms whose form is this project's reading of a paper, so that a source must confirm them.
READINGS = {"norm": {"cross_lingual"}, "allocation": {"cwl", "lsa"}}
# What a weight or strength of 0 switches off, in words.
TERMS = {
    "activation_weight": "activation-probability",
    "dispersion_weight": "dispersion",
    "strength": "layerwise-sparsity",
}


def facts(experiment: Experiment) -> dict[str, dict]:
    """Of every method: constants, off (terms), languages, tokens, at_most.

    Languages and tokens are of one seed, and 0 for methods without calibration data; at_most:
    whether the tokens are a bound, since demonstrations may be shorter. Of a method that is pruned
    for each language they are those of one of its models.
    """
    none = {"languages": 0, "tokens": 0, "at_most": False}
    found = {DENSE: {"constants": PUBLISHED, "off": [], **none}}
    for name in experiment.methods:
        found[name] = {
            "constants": OURS if _is_ours(experiment, name) else PUBLISHED,
            "off": _switched_off(experiment, name),
            **_budget(experiment, name),
        }
    for name in wholes(experiment):
        found[name] = found[next(iter(members(experiment, name).values()))]
    return found


def _is_ours(experiment: Experiment, name: str) -> bool:
    """Whether an option of a method, or its calibration text, is not confirmed by a source."""
    options = method_options(experiment, name)
    start = f"methods.{name_in_config(experiment, name)}."
    counted = {*options, "calibration"}
    sources = {
        path.removeprefix(start): entry.verified
        for path, entry in experiment.sources.items()
        if path.startswith(start) and path.removeprefix(start).split(".")[0] in counted
    }
    if not all(sources.values()):
        return True
    confirmed = {path.split(".")[0] for path in sources}
    read = {
        key
        for key, kinds in READINGS.items()
        if isinstance(options.get(key), dict) and options[key].get("kind") in kinds
    }
    return not read <= confirmed


def _switched_off(experiment: Experiment, name: str) -> list[str]:
    """The terms whose weight or strength is 0, unless it is chosen on validation text."""
    options = method_options(experiment, name)
    chosen = getattr(experiment.methods[name], "choose", None) or {}
    return [
        TERMS.get(key, key.removesuffix("_weight"))
        for part in ("norm", "allocation")
        for key, value in sorted((options.get(part) or {}).items())
        if (key.endswith("_weight") or key == "strength")
        and value == 0
        and f"{part}.{key}" not in chosen
    ]


def _budget(experiment: Experiment, name: str) -> dict:
    """How many languages a method calibrates on, and on how many tokens under one seed."""
    sets = calibration_sets(experiment, name)
    sets = sets[: chosen_size(experiment, name) or len(sets)]
    plain = [entry for entry in sets if entry in experiment.languages]
    pairs = [entry for entry in sets if entry not in experiment.languages]
    text = experiment.calibration
    tokens = len(plain) * text.samples * text.length
    if pairs:
        shown = text.demonstrations
        tokens += len(pairs) * shown.samples * shown.length
    languages = {*plain, *(side for pair in pairs for side in pair.split("-"))}
    return {"languages": len(languages), "tokens": tokens, "at_most": bool(pairs)}
