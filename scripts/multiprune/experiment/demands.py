"""What an experiment asks of models and texts, to be held against their files."""

from multiprune.experiment.grid import CODE
from multiprune.experiment.methods import all_calibration_sets, evaluated
from multiprune.experiment.settings.experiment import Experiment


def demands(experiment: Experiment, model: str) -> dict:
    """`dtype`, and `lengths` by their keys in the config; pairs stand for demonstrations."""
    calibration = experiment.calibration
    lengths = {"evaluation.perplexity.length": experiment.evaluation.perplexity.length}
    pairs = ["-" in name for name in all_calibration_sets(experiment)]
    if not all(pairs):
        lengths["calibration.length"] = calibration.length
    if any(pairs):
        lengths["calibration.demonstrations.length"] = calibration.demonstrations.length
    return {"dtype": experiment.models[model].dtype, "lengths": lengths}


def windows_of_texts(experiment: Experiment) -> dict[str, dict[str, list[int]]]:
    """By corpus/language and split, how many windows of how many tokens are asked of a text.

    Of text to be scored one whole window: `tokens` says how much is scored at most, and a run takes
    less. What demonstrations and tasks are built from is not counted in windows.
    """
    asked: dict[str, dict[str, list[int]]] = {}
    calibration, scored = experiment.calibration, experiment.evaluation.perplexity
    for name in all_calibration_sets(experiment):
        if "-" not in name:
            corpus = calibration.code.corpus if name == CODE else _corpus(experiment, name)
            windows = [calibration.samples, calibration.length]
            asked.setdefault(f"{corpus}/{name}", {})["calibration"] = windows
    whole = [1, min(scored.length, scored.tokens or scored.length)]
    for language in evaluated(experiment):
        asked.setdefault(f"{_corpus(experiment, language)}/{language}", {})[scored.split] = whole
    return asked


def _corpus(experiment: Experiment, language: str) -> str:
    return experiment.languages[language].corpus
