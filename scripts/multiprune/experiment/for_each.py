"""Methods with `for_each` become their members, ordinary methods of one language each."""

from multiprune.errors import InputError
from multiprune.experiment.members import members
from multiprune.experiment.methods import evaluated, languages
from multiprune.experiment.names import must_be_one_of
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.methods import AnyMethod, Calibrated

LANGUAGE = "{language}"  # in a calibration set: the language that the member is for
LONGEST = 100  # characters of a method's name


def expanded(experiment: Experiment) -> Experiment:
    """The experiment with members in place of the methods with for_each.

    Raises InputError where for_each and the calibration sets do not fit each other, or where a
    member cannot have its name.
    """
    wholes = {}
    for name, method in experiment.methods.items():
        if isinstance(method, Calibrated):
            _check(experiment, name, method)
            if method.for_each is not None:
                wholes[name] = method
    if not wholes:
        return experiment
    changed = experiment.with_members(wholes, {})
    found: dict[str, AnyMethod] = {}
    for name, method in wholes.items():
        for language, member in members(changed, name).items():
            _check_name(experiment, name, member, found)
            found[member] = _member(name, method, language)
    return experiment.with_members(wholes, found)


def _check(experiment: Experiment, name: str, method: Calibrated) -> None:
    where = f"methods.{name}"
    sets = method.calibration if isinstance(method.calibration, list) else []
    standing = [entry for entry in sets if LANGUAGE in entry]
    if method.for_each is None:
        if standing:
            raise InputError(
                f"{where}.calibration: found {standing[0]!r}, which goes with for_each; give the "
                "languages that it stands for"
            )
        return
    if not standing:
        raise InputError(
            f"{where}.for_each: goes with {LANGUAGE} in calibration, which is missing; write "
            f'calibration: ["{LANGUAGE}"] for each language alone'
        )
    if getattr(method, "choose", None) is not None:
        raise InputError(f"{where}.choose: does not go with for_each; leave one of them out")
    if name == experiment.baseline:
        raise InputError(
            f"baseline: found {name}, which has for_each; allowed is a method of one model, whose "
            "perplexity is measured in every language"
        )
    pool, measured = languages(experiment, "calibration"), evaluated(experiment)
    for language in method.for_each:
        must_be_one_of("language", language, pool, f"{where}.for_each")
        if language not in measured:
            raise InputError(
                f"{where}.for_each: the perplexity of {language} is not measured: allowed are "
                f"{', '.join(code for code in measured if code in pool)}"
            )


def _check_name(experiment: Experiment, name: str, member: str, found: dict) -> None:
    where = f"methods.{name}.for_each"
    if member in experiment.methods or member in found:
        raise InputError(
            f"{where}: makes the method {member}, which is there already; take another name for "
            "one of the two"
        )
    if len(member) > LONGEST:
        raise InputError(
            f"{where}: makes the name {member}, allowed are {LONGEST} characters; take a shorter "
            "name"
        )


def _member(name: str, method: Calibrated, language: str) -> AnyMethod:
    """The method for one language; its label is that of the whole and the language's code."""
    sets = [entry.replace(LANGUAGE, language) for entry in method.calibration]
    if twice := sorted({entry for entry in sets if sets.count(entry) > 1}):
        raise InputError(
            f"methods.{name}.calibration: has {twice[0]} twice for the language {language}; name "
            "it once"
        )
    label = method.label and f"{method.label}, {language}"
    return method.model_copy(update={"for_each": None, "calibration": sets, "label": label})
