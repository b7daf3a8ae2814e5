"""What an experiment asks of a model, to be held against the model's files."""

from multiprune.experiment.methods import all_calibration_sets
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
