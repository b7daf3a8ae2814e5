"""Examples of what models write, as a config asks for them: prompts, sparsity, pruned models."""

from multiprune.errors import InputError
from multiprune.experiment import candidates
from multiprune.experiment.grid import DENSE
from multiprune.experiment.members import origins
from multiprune.experiment.methods import seeds_of, sparsities_of, sparsity_text
from multiprune.experiment.names import must_be_one_of
from multiprune.experiment.settings.experiment import Experiment

WHERE = "evaluation.examples"


def with_examples(experiment: Experiment) -> Experiment:
    """Fill in the sparsity; InputError for a language or a sparsity that is not there."""
    given = experiment.evaluation.examples
    if given is None:
        return experiment
    for language in given.prompts:
        must_be_one_of("language", language, experiment.languages, f"{WHERE}.prompts")
    sparsity = given.sparsity or candidates.middle(sorted(experiment.sparsities))
    examples = given.model_copy(update={"sparsity": sparsity})
    evaluation = experiment.evaluation.model_copy(update={"examples": examples})
    experiment = experiment.model_copy(update={"evaluation": evaluation})
    if runs(experiment) == [dense_run(experiment)]:
        own = {text for name in _writing(experiment) for text in sparsities_of(experiment, name)}
        allowed = ", ".join(sorted(own, key=float))
        raise InputError(f"{WHERE}.sparsity: found {sparsity:g}, allowed are {allowed}")
    return experiment


def dense_run(experiment: Experiment) -> tuple[int, str, str]:
    """Seed, method and sparsity under which results of the dense model stand."""
    return seeds_of(experiment, DENSE)[0], DENSE, sparsities_of(experiment, DENSE)[0]


def runs(experiment: Experiment) -> list[tuple[int, str, str]]:
    """(seed, method, sparsity) of every model that writes examples: dense first; none without.

    One seed is enough: greedy generation draws nothing, and an example is no measurement. Models
    of one language are left out, which most prompts are not meant for.
    """
    given = experiment.evaluation.examples
    if given is None:
        return []
    at = sparsity_text(given.sparsity)
    return [
        dense_run(experiment),
        *(
            (seeds_of(experiment, name)[0], name, at)
            for name in _writing(experiment)
            if at in sparsities_of(experiment, name)
        ),
    ]


def _writing(experiment: Experiment) -> list[str]:
    return sorted(set(experiment.methods) - set(origins(experiment)))


def grid(experiment: Experiment) -> dict:
    """What was generated, for the table of examples; {} where nothing was."""
    given = experiment.evaluation.examples
    if given is None:
        return {}
    return {"languages": sorted(given.prompts), "runs": [list(run) for run in runs(experiment)]}
