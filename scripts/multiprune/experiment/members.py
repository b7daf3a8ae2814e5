"""Methods that are pruned for each of some languages, and their members: a pruned model a language.

A member is a method like any other where models are pruned, and is evaluated in its language alone.
What is compared is the whole: in each language the member of that language. `Experiment.methods`
has the members, the config and the tables have the whole.
"""

from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.settings.methods import AnyMethod, Calibrated, member_name


def members(experiment: Experiment, name: str) -> dict[str, str]:
    """The members of a method by their languages, sorted; none of any other method."""
    whole = experiment.for_each_language.get(name)
    return {code: member_name(name, code) for code in sorted(whole.for_each)} if whole else {}


def wholes(experiment: Experiment) -> dict[str, Calibrated]:
    """The methods that are pruned for each language, by name, as the config has them."""
    return experiment.for_each_language


def origins(experiment: Experiment) -> dict[str, tuple[str, str]]:
    """The method and the language of every member, by its name."""
    return {
        member: (name, code)
        for name in wholes(experiment)
        for code, member in members(experiment, name).items()
    }


def compared(experiment: Experiment) -> list[str]:
    """The methods as the config names them, sorted: those that tables compare."""
    return sorted({*experiment.methods, *wholes(experiment)} - set(origins(experiment)))


def definition(experiment: Experiment, name: str) -> AnyMethod | None:
    """A method; of one that is pruned for each language its first member.

    Members differ in what they calibrate on alone.
    """
    first = next(iter(members(experiment, name).values()), name)
    return experiment.methods.get(first)


def own_language(experiment: Experiment, name: str) -> str | None:
    """The one language that a member is evaluated in; None for every other method."""
    return origins(experiment).get(name, (name, None))[1]


def name_in_config(experiment: Experiment, name: str) -> str:
    """What the config calls a method, or the one that it is a member of."""
    return origins(experiment).get(name, (name, None))[0]
